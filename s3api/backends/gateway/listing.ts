import type { Logger } from 'pino'
import { DareError } from '../../../engine/index.ts'
import {
  BackendError,
  type ListEntry,
  type ListedRecord,
  type ListQuery,
  type ObjectPage,
  type UploadPage,
  type UploadQuery,
  type UploadRecord,
} from '../backend.ts'
import { inParallel } from '../parallel.ts'
import type { VersionEntry, VersionPage, VersionQuery } from '../versions.ts'
import type { ListedCache } from './listed-cache.ts'
import type { Lookup } from './lookup.ts'
import type { MinioStore } from './minio-store.ts'
import { fetchAfter, inOrder, isCommonPrefix, keysPerPage, listNames, nameOf, prefixesOf } from './names.ts'
import { parseTime, unquoted } from './native-headers.ts'
import { firstShown } from './shown-page.ts'
import { listSizeMax } from './system-records.ts'
import { isUnopened, storesOwn, type Unopened } from './unopened.ts'
import type { UploadStore } from './upload-store.ts'
import type { Asking, Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { fromUpstreamVersion, toUpstreamVersion } from './version-ids.ts'
import { versionsAfter } from './version-names.ts'
import { unreadable, type XmlEntry, XmlList } from './xml-list.ts'

/** Objects of one page that are looked up at once. */
const lookupsAtOnce = 32

/**
 * Lists what the store lists, with the sizes and ETags that clients know. What an object's are, only the object says: it is asked
 * once for each of its generations, and remembered.
 */
export class Listing {
  readonly #upstream: Upstream
  readonly #lookup: Lookup
  readonly #cache: ListedCache
  readonly #uploads: UploadStore
  readonly #minio: MinioStore | undefined
  readonly #log: Logger

  constructor(parts: {
    readonly upstream: Upstream
    readonly lookup: Lookup
    readonly cache: ListedCache
    readonly uploads: UploadStore
    readonly minio: MinioStore | undefined
    readonly log: Logger
  }) {
    this.#upstream = parts.upstream
    this.#lookup = parts.lookup
    this.#cache = parts.cache
    this.#uploads = parts.uploads
    this.#minio = parts.minio
    this.#log = parts.log
  }

  /** The signal ends it. Errors: those of Backend.listObjects. */
  async objects(bucket: string, query: ListQuery, signal?: AbortSignal): Promise<ObjectPage> {
    const { prefix, delimiter, limit } = query
    if (limit === 0) return { entries: [], truncated: false }
    const asking = { use: 'listing', signal } as const
    if (this.#minio !== undefined) {
      return this.#minio.page(bucket, query, {
        asking,
        own: (key) => this.#own(bucket, key, asking),
        unopened: (error, names) => this.#unopenedBeside(error, { bucket, ...names }, asking),
      })
    }
    return firstShown(query, async (from) => {
      const { names, truncated } = await listNames(from, (page) =>
        this.#fetch(bucket, 'ListBucketResult', { 'list-type': '2', prefix, delimiter, ...page }, asking),
      )
      const looked = await inParallel(names, lookupsAtOnce, async (name): Promise<ListEntry | undefined> => {
        if (name.entry === undefined) return { kind: 'prefix', prefix: name.text }
        const record = await this.#listed({ bucket, key: name.text, entry: name.entry }, asking)
        return record && { kind: 'object', key: name.text, record }
      })
      const entries = looked.filter((entry) => entry !== undefined)
      const last = names.at(-1)
      return { entries, truncated, next: last && { ...from, startAfter: last.text } }
    })
  }

  /** As above. Errors: those of Backend.listVersions. */
  async versions(bucket: string, query: VersionQuery, signal?: AbortSignal): Promise<VersionPage> {
    if (query.limit === 0) return { entries: [], truncated: false }
    const asking = { use: 'listing', signal } as const
    return firstShown(query, async (from) => {
      const { prefix, delimiter, keyMarker, versionIdMarker } = from
      const fetch = (count: number) =>
        this.#fetch(
          bucket,
          'ListVersionsResult',
          {
            versions: '',
            prefix,
            delimiter,
            'key-marker': keyMarker,
            'version-id-marker': versionIdMarker === '' ? '' : toUpstreamVersion(versionIdMarker),
            'max-keys': String(Math.min(count, keysPerPage)),
          },
          asking,
        )
      const { entries, prefixes, truncated } = await versionsAfter(from, fetch)
      const found = await inParallel(entries, lookupsAtOnce, (entry) => this.#version(bucket, entry, asking))
      const named: VersionEntry[] = [...found.filter((entry) => entry !== undefined), ...prefixes]
      const last = inOrder(entries, (entry) => entry.key('Key')).at(-1)
      const next = last && {
        ...from,
        keyMarker: last.key('Key'),
        versionIdMarker: fromUpstreamVersion(last.text('VersionId')),
      }
      return { entries: inOrder(named, nameOf), truncated, next }
    })
  }

  /** As above. Errors: those of Backend.listUploads. */
  async uploads(bucket: string, query: UploadQuery, signal?: AbortSignal): Promise<UploadPage> {
    const { prefix, delimiter, keyMarker, uploadIdMarker, limit } = query
    if (limit === 0) return { entries: [], truncated: false }
    const asking = { use: 'listing', signal } as const
    const folded = uploadIdMarker === '' && isCommonPrefix(keyMarker, query)
    const list = await fetchAfter(keyMarker, { folded }, (marker) =>
      this.#fetch(
        bucket,
        'ListMultipartUploadsResult',
        {
          uploads: '',
          prefix,
          delimiter,
          'key-marker': marker,
          'upload-id-marker': uploadIdMarker,
          'max-uploads': String(Math.min(limit, keysPerPage)),
        },
        asking,
      ),
    )
    const listed = list.entries('Upload')
    const truncated = list.flag('IsTruncated')
    // Whoever lists page after page would never come to the end.
    if (truncated && listed.some((entry) => entry.text('UploadId') === uploadIdMarker))
      throw unreadable('what was asked for after an upload has it again')
    const uploads = await inParallel(listed, lookupsAtOnce, (entry) => this.#upload(bucket, entry, asking))
    const entries = inOrder([...uploads, ...prefixesOf(list)], nameOf)
    return { entries, truncated }
  }

  async #upload(bucket: string, entry: XmlEntry, asking: Asking): Promise<UploadEntry> {
    const uploadId = entry.text('UploadId')
    const keys = entry.possibleKeys('Key')
    for (const key of keys) {
      const upload = await this.#uploads.find({ bucket, key, uploadId }, asking)
      if (upload !== undefined) return { kind: 'upload', key, upload }
    }
    // Begun in the store itself.
    const [key] = keys
    const upload = {
      ...{ bucket, key, uploadId },
      initiatedAtMs: parseTime(entry.find('Initiated')),
      headers: {},
      metadata: {},
      storageClass: entry.find('StorageClass') ?? 'STANDARD',
    }
    return { kind: 'upload', key, upload }
  }

  /** An object of ours in a bucket that MinIO has written, too. */
  async #own(bucket: string, key: string, asking: Asking): Promise<ListEntry | undefined> {
    try {
      const { record } = await this.#lookup.object({ bucket, key, tail: 'record', ...asking })
      return { kind: 'object', key, record }
    } catch (error) {
      if (error instanceof BackendError && error.code === 'no-such-key') return undefined
      return this.#unopenedBeside(error, { bucket, key, storedAs: key }, asking)
    }
  }

  /** One in a bucket that MinIO has written, of which only names were listed. */
  async #unopenedBeside(
    error: unknown,
    { bucket, key, storedAs }: { readonly bucket: string; readonly key: string; readonly storedAs: string },
    asking: Asking,
  ): Promise<ListEntry | undefined> {
    if (!isUnopened(error)) throw error
    const query = { 'list-type': '2', prefix: storedAs, 'max-keys': '1' }
    const [entry] = (await this.#fetch(bucket, 'ListBucketResult', query, asking)).entries('Contents')
    if (entry?.key('Key') !== storedAs) return undefined
    return { kind: 'object', key, record: this.#unopened(error, { bucket, key, entry }) }
  }

  async #version(bucket: string, entry: XmlEntry, asking: Asking): Promise<VersionEntry | undefined> {
    const key = entry.key('Key')
    const versionId = fromUpstreamVersion(entry.text('VersionId'))
    const latest = entry.find('IsLatest') === 'true'
    if (entry.name === 'DeleteMarker') {
      return { kind: 'marker', key, versionId, latest, modifiedAtMs: parseTime(entry.find('LastModified')) }
    }
    const record = await this.#listed({ bucket, key, entry, versionId }, asking)
    return record && { kind: 'version', key, versionId, latest, record }
  }

  /** What a listing shows of one object; undefined where it is gone by now. */
  async #listed(
    {
      bucket,
      key,
      entry,
      versionId,
    }: {
      readonly bucket: string
      readonly key: string
      readonly entry: XmlEntry
      readonly versionId?: string
    },
    asking: Asking,
  ): Promise<ListedRecord | undefined> {
    const etag = unquoted(entry.find('ETag'))
    const [modified, id] = [entry.find('LastModified'), entry.find('VersionId')]
    const known = this.#cache.get({ bucket, key, etag, modified, versionId: id })
    if (known !== undefined) return known
    try {
      const found = await this.#lookup.object({ bucket, key, versionId, tail: 'record', ...asking })
      this.#cache.set(found, found.record)
      return found.record
    } catch (error) {
      if (
        error instanceof BackendError &&
        (error.code === 'no-such-key' || error.code === 'no-such-version')
      ) {
        return undefined
      }
      if (!isUnopened(error)) throw error
      return this.#unopened(error, { bucket, key, entry })
    }
  }

  #unopened(
    error: Unopened,
    { bucket, key, entry }: { readonly bucket: string; readonly key: string; readonly entry: XmlEntry },
  ): ListedRecord {
    this.#log.warn({ err: error, bucket, key }, 'a listing shows an object as the store has it')
    const sealed = error instanceof DareError || error.code === 'InvalidRequest'
    return storesOwn(entry, { sealed })
  }

  async #fetch(
    bucket: string,
    rootName: string,
    query: Readonly<Record<string, string>>,
    asking: Asking,
  ): Promise<XmlList> {
    const named = Object.entries(query).filter(([name, value]) => value !== '' || bare.has(name))
    const { bytes } = await asBackend(
      () =>
        this.#upstream.fetch(
          {
            method: 'GET',
            bucket,
            query: { ...Object.fromEntries(named), 'encoding-type': 'url' },
            ...asking,
            repeatable: true,
          },
          listSizeMax,
        ),
      'no-such-bucket',
    )
    return new XmlList(bytes, rootName)
  }
}

/** Query names without a value. */
const bare: ReadonlySet<string> = new Set(['versions', 'uploads'])

interface UploadEntry {
  readonly kind: 'upload'
  readonly key: string
  readonly upload: UploadRecord
}
