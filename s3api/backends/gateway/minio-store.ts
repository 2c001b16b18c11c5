import { DareError, objectPath } from '../../../engine/index.ts'
import { S3Error } from '../../errors.ts'
import { BackendError, type ListEntry, type ListQuery, type ObjectPage } from '../backend.ts'
import { type MinioObject, parseDareMeta } from '../minio/dare-meta.ts'
import { listedEtag } from '../minio/object-meta.ts'
import { type Cursor, cursorAfter, scanPage } from '../name-pages.ts'
import { inParallel } from '../parallel.ts'
import { AgedMap } from './aged-map.ts'
import type { LookedUp, Lookup, Wanted } from './lookup.ts'
import { parseTime } from './native-headers.ts'
import { firstShown } from './shown-page.ts'
import { listSizeMax } from './system-records.ts'
import type { Asking, Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { XmlList } from './xml-list.ts'

/**
 * Objects that MinIO's encrypting gateway has stored: `KEY/.minio/data` and `KEY/.minio/dare.meta`. They are read and listed
 * beside our own, and never written. Where there is one of ours under the same key, ours counts.
 */

const metaSuffix = '/.minio/dare.meta'
const dataSuffix = '/.minio/data'
const metaSizeMax = 4 * 1024 * 1024
/** A listing has to know all names below its prefix, to put them into one order. */
const namesMax = 1_000_000
const namesAgeMaxMs = 2_000
const listingsMax = 20
const lookupsAtOnce = 32

interface Name {
  readonly key: string
  readonly minio: boolean
}

/** Makes what a page shows of an object; undefined where it is gone. */
interface Shown {
  readonly asking: Asking
  /** Of ours. */
  own(key: string): Promise<ListEntry | undefined>
  /** Of one of theirs that failed so. Errors: the same, where it is not the object's. */
  unopened(
    error: unknown,
    names: { readonly key: string; readonly storedAs: string },
  ): Promise<ListEntry | undefined>
}

export class MinioStore {
  readonly #upstream: Upstream
  readonly #lookup: Lookup
  readonly #names = new AgedMap<string, readonly Name[]>(listingsMax, namesAgeMaxMs)

  constructor(upstream: Upstream, lookup: Lookup) {
    this.#upstream = upstream
    this.#lookup = lookup
  }

  /** Errors: no-such-key; DareError. */
  async object(wanted: Wanted): Promise<LookedUp> {
    const place = placeOf(wanted)
    const { record, storedSize } = await this.#meta(wanted.bucket, place, { signal: wanted.signal })
    const found = await this.#lookup.find({
      ...wanted,
      key: place + dataSuffix,
      clientKey: wanted.key,
      tail: 'record',
    })
    if (found.size !== storedSize) {
      throw new DareError('unexpected-eof', `${found.size} bytes are stored where ${storedSize} belong`)
    }
    // What is not sealed must be as old as it says where all has to be, and a time in MinIO's document anybody can write.
    const shown =
      record.minio === undefined
        ? { ...record, modifiedAtMs: parseTime(found.headers['last-modified']) }
        : record
    return { ...found, record: shown, dataSize: found.size }
  }

  /** A name inside of MinIO's folders is nobody's. Errors: no-such-key. */
  requireReadable(key: string): void {
    if (isInside(key)) throw new BackendError('no-such-key', 'the key is inside of an object of MinIO’s')
  }

  /** Errors: S3Error AccessDenied. */
  requireWritable(key: string): void {
    if (isInside(key))
      throw new S3Error('AccessDenied', 'The key is inside of an object that MinIO has stored.')
  }

  /** Removing ours would bring back theirs. Errors: BackendError read-only. */
  async requireRemovable(name: { readonly bucket: string; readonly key: string }): Promise<void> {
    this.requireWritable(name.key)
    try {
      await this.#meta(name.bucket, placeOf(name), { use: 'removing' })
    } catch (error) {
      if (error instanceof BackendError && error.code === 'no-such-key') return
      throw error
    }
    throw new BackendError('read-only', 'MinIO has stored the object')
  }

  /** One page of our names and theirs. */
  async names(bucket: string, query: ListQuery) {
    const all = await this.#names.get(`${bucket}/${query.prefix}`, () => this.#allNames(bucket, query.prefix))
    return scanPage<Name>({
      ...query,
      from: cursorAfter(query.startAfter, query),
      fetch: (from, end, count) => {
        const start = firstFrom(all, from)
        const stop = end === undefined ? all.length : firstFrom(all, { key: end, past: false })
        return all.slice(start, Math.min(stop, start + count))
      },
      keyOf: ({ key }) => key,
      after: ({ key }) => ({ key, past: true }),
    })
  }

  /** A page of the bucket. */
  async page(bucket: string, query: ListQuery, { asking, own, unopened }: Shown): Promise<ObjectPage> {
    return firstShown(query, async (from) => {
      const { entries, truncated } = await this.names(bucket, from)
      const shown = await inParallel(entries, lookupsAtOnce, async (entry) => {
        if (entry.kind === 'prefix') return entry
        const { key, minio } = entry.row
        if (!minio) return own(key)
        return this.#listed(bucket, key, asking).catch((error: unknown) => {
          if (error instanceof BackendError && error.code === 'no-such-key') return undefined
          return unopened(error, { key, storedAs: placeOf({ bucket, key }) + dataSuffix })
        })
      })
      const last = entries.at(-1)
      const next = last && { ...from, startAfter: last.kind === 'prefix' ? last.prefix : last.row.key }
      return { entries: shown.filter((entry) => entry !== undefined), truncated, next }
    })
  }

  async #listed(bucket: string, key: string, asking: Asking): Promise<ListEntry> {
    const { record } = await this.#meta(bucket, placeOf({ bucket, key }), asking)
    const { size, modifiedAtMs, storageClass, minio: seal } = record
    const etag = seal === undefined ? record.etag : listedEtag(seal)
    return { kind: 'object', key, record: { size, etag, modifiedAtMs, storageClass } }
  }

  async #meta(bucket: string, place: string, asking: Asking = {}): Promise<MinioObject> {
    const request = { method: 'GET', bucket, key: place + metaSuffix, ...asking, repeatable: true } as const
    const { bytes } = await asBackend(() => this.#upstream.fetch(request, metaSizeMax))
    return parseDareMeta(bytes)
  }

  /** In UTF-8 byte order; of ours and theirs of one key, ours. */
  async #allNames(bucket: string, prefix: string): Promise<readonly Name[]> {
    const names = new Map<string, Name>()
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const query = {
        'list-type': '2',
        'encoding-type': 'url',
        ...(prefix !== '' && { prefix }),
        ...(token !== undefined && { 'continuation-token': token }),
      }
      const request = { method: 'GET', bucket, query, repeatable: true } as const
      const { bytes } = await asBackend(() => this.#upstream.fetch(request, listSizeMax), 'no-such-bucket')
      const list = new XmlList(bytes, 'ListBucketResult')
      for (const entry of list.entries('Contents')) {
        const name = toName(entry.key('Key'))
        if (name === undefined || !name.key.startsWith(prefix)) continue
        if (!name.minio || !names.has(name.key)) names.set(name.key, name)
      }
      if (names.size > namesMax)
        throw new BackendError('not-supported', `more than ${namesMax} names below the prefix`)
      token = list.flag('IsTruncated') ? list.find('NextContinuationToken') : undefined
    }
    return [...names.values()]
      .map((name) => ({ name, bytes: Buffer.from(name.key) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
      .map(({ name }) => name)
  }
}

/** Where MinIO keeps the object: its key as paths are cleaned. */
function placeOf({ bucket, key }: { readonly bucket: string; readonly key: string }): string {
  return objectPath(bucket, key).slice(bucket.length + 1)
}

function toName(stored: string): Name | undefined {
  if (stored.endsWith(metaSuffix)) {
    const key = stored.slice(0, -metaSuffix.length)
    // Of a running upload there is one in a further folder.
    return isInside(key) ? undefined : { key, minio: true }
  }
  return isInside(stored) ? undefined : { key: stored, minio: false }
}

function isInside(key: string): boolean {
  return key.split('/').includes('.minio')
}

/** The index of the first name from the cursor on. */
function firstFrom(names: readonly Name[], { key, past }: Cursor): number {
  const wanted = Buffer.from(key)
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const order = Buffer.compare(Buffer.from(names[middle]?.key ?? ''), wanted)
    if (order < 0 || (past && order === 0)) low = middle + 1
    else high = middle
  }
  return low
}
