import { join } from 'node:path'
import { type ByteSource, DareError } from '../../../engine/index.ts'
import {
  BackendError,
  type ListEntry,
  type ListQuery,
  type ObjectPage,
  type StreamRange,
} from '../backend.ts'
import { type Cursor, cursorAfter, scanPage } from '../name-pages.ts'
import { inParallel } from '../parallel.ts'
import { type StreamPlace, streamPlaces } from '../stream-places.ts'
import { FolderNames } from './folder-names.ts'
import { type FileFacts, type FsObject, parseFsJson, uncompressedSize, withoutFsJson } from './fs-json.ts'
import { emptyMd5, listedEtag, malformed } from './object-meta.ts'
import { isEmptyFolder, LinkError, lookUp, openPlain } from './plain-files.ts'
import { hasSealedForm, packageHeadSize } from './sealed-form.ts'

/**
 * The folder of a MinIO server in filesystem mode: the data of an object is the file BUCKET/KEY, and what MinIO knows of it
 * `.minio.sys/buckets/BUCKET/KEY/fs.json`. It is read, and nothing in it is ever written.
 */

/** Below the root. */
export const bucketsFolder = join('.minio.sys', 'buckets')
const fsJsonSizeMax = 4 * 1024 * 1024
const lookupsAtOnce = 32

/** What StoredObject.generation is of an object here. */
export class MinioFile {
  readonly places: readonly StreamPlace[]
  readonly #path: string
  readonly #facts: FileFacts

  constructor(path: string, facts: FileFacts, places: readonly StreamPlace[]) {
    this.places = places
    this.#path = path
    this.#facts = facts
  }

  /** Errors: BackendError replaced, where it is another file by now, or none. */
  async open() {
    const handle = await openPlain(this.#path)
    if (handle === undefined) throw new BackendError('replaced', 'the file is gone meanwhile')
    const { size, mtimeNs } = await handle.stat({ bigint: true })
    if (Number(size) === this.#facts.size && mtimeNs === this.#facts.modifiedAtNs) return handle
    await handle.close()
    throw new BackendError('replaced', 'the file was replaced meanwhile')
  }
}

export interface FoundObject extends FsObject {
  readonly generation: MinioFile
}

export interface FolderPage extends ObjectPage {
  /** Of a truncated page, the last name, also where its object is gone meanwhile. */
  readonly through?: string
}

export class MinioFolder {
  /** In no order. */
  readonly buckets: readonly string[]
  readonly #root: string
  readonly #names = new FolderNames()

  constructor(root: string, buckets: readonly string[]) {
    this.#root = root
    this.buckets = buckets
  }

  async hasBucket(bucket: string): Promise<boolean> {
    return (await lookUp(join(this.#root, bucket)))?.isDirectory() ?? false
  }

  async has(bucket: string, key: string): Promise<boolean> {
    return (await this.#lookUp(bucket, key)) !== undefined
  }

  /** Errors: no-such-key, not-supported, unreadable; DareError. */
  async object(bucket: string, key: string): Promise<FoundObject> {
    const found = await this.#lookUp(bucket, key)
    if (found === undefined) throw absent()
    const { path, facts, isFolder } = found
    const object = isFolder ? folderObject(facts) : await this.#object({ bucket, key, path, facts })
    return { ...object, generation: new MinioFile(path, facts, streamPlaces(object.record, facts.size)) }
  }

  /** As Backend's openData. */
  async *open(file: MinioFile, ranges: readonly StreamRange[]): AsyncGenerator<ByteSource, void, undefined> {
    if (ranges.length === 0) return
    const handle = await file.open()
    try {
      for (const { index } of ranges) {
        const place = file.places[index]
        if (place === undefined) throw new Error(`the object has no stream ${index}`)
        yield { kind: 'file', fd: handle.fd, ...place }
      }
    } finally {
      await handle.close()
    }
  }

  /** One page of a bucket's objects, which is empty at the end only: clients go on from the last entry. */
  async page(bucket: string, query: Omit<ListQuery, 'startAfter'>, from: Cursor): Promise<FolderPage> {
    let page = await this.#pageAt(bucket, query, from)
    // Names are remembered for a while: all of them may be gone.
    while (page.entries.length === 0 && page.through !== undefined) {
      page = await this.#pageAt(bucket, query, cursorAfter(page.through, query))
    }
    return page
  }

  async #pageAt(bucket: string, query: Omit<ListQuery, 'startAfter'>, from: Cursor): Promise<FolderPage> {
    const folder = join(this.#root, bucket)
    const { entries, truncated } = await scanPage<string>({
      ...query,
      from,
      rowsPerFetch: 1,
      fetch: async (cursor, end) => {
        const key = await this.#names.first(folder, cursor, { ...query, end })
        return key === undefined ? [] : [key]
      },
      keyOf: (key) => key,
      after: (key) => ({ key, past: true }),
    })
    const shown = await inParallel(entries, lookupsAtOnce, (entry) =>
      entry.kind === 'prefix' ? Promise.resolve(entry) : this.#listed(bucket, entry.row),
    )
    const last = truncated ? entries.at(-1) : undefined
    return {
      entries: shown.filter((entry) => entry !== undefined),
      truncated,
      ...(last && { through: last.kind === 'prefix' ? last.prefix : last.row }),
    }
  }

  /** An object that cannot be read is listed all the same, as its file is: the others are to be found. */
  async #listed(bucket: string, key: string): Promise<ListEntry | undefined> {
    const found = await this.#lookUp(bucket, key)
    if (found === undefined) return undefined
    const { path, facts, isFolder } = found
    const { record } = isFolder
      ? folderObject(facts)
      : await this.#object({ bucket, key, path, facts }).catch(async (error: unknown) => {
          const code = error instanceof BackendError ? error.code : undefined
          if (code !== 'not-supported' && code !== 'unreadable' && !(error instanceof DareError)) throw error
          const fsJson = code === 'not-supported' ? await this.#fsJson(bucket, key) : undefined
          const size = (fsJson && uncompressedSize(fsJson)) ?? facts.size
          return withoutFsJson({ ...facts, size })
        })
    const { size, etag, modifiedAtMs, storageClass, minio } = record
    const shown = minio === undefined ? etag : listedEtag(minio)
    return { kind: 'object', key, record: { size, etag: shown, modifiedAtMs, storageClass } }
  }

  async #lookUp(bucket: string, key: string) {
    const elements = elementsOf(key)
    if (elements === undefined) return undefined
    const path = join(this.#root, bucket, ...elements)
    const stats = await lookUp(path)
    if (stats === undefined) return undefined
    const isFolder = stats.isDirectory()
    if (isFolder !== key.endsWith('/')) return undefined
    if (isFolder && !(await isEmptyFolder(path))) return undefined
    const facts = { size: isFolder ? 0 : Number(stats.size), modifiedAtNs: stats.mtimeNs }
    return { path, facts, isFolder }
  }

  async #object(file: {
    readonly bucket: string
    readonly key: string
    readonly path: string
    readonly facts: FileFacts
  }): Promise<FsObject> {
    const { bucket, key, path, facts } = file
    const fsJson = await this.#fsJson(bucket, key)
    if (fsJson !== undefined) return parseFsJson(fsJson, facts)
    if (await isSealed(path, facts)) throw malformed('its fs.json is gone, and its data is encrypted')
    return withoutFsJson(facts)
  }

  async #fsJson(bucket: string, key: string): Promise<Uint8Array | undefined> {
    const path = join(this.#root, bucketsFolder, bucket, key, 'fs.json')
    const handle = await openPlain(path).catch((error: unknown) => {
      throw error instanceof LinkError ? malformed('its fs.json is no file of its own', error) : error
    })
    if (handle === undefined) return undefined
    try {
      const { size } = await handle.stat()
      if (size > fsJsonSizeMax) throw malformed('its fs.json is too large')
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  }
}

/** A client that makes a "folder" gets one. */
function folderObject(facts: FileFacts): FsObject {
  const { record, attributes } = withoutFsJson(facts)
  return { record: { ...record, etag: emptyMd5 }, attributes }
}

async function isSealed(path: string, { size }: FileFacts): Promise<boolean> {
  const handle = await openPlain(path)
  if (handle === undefined) throw absent()
  try {
    return await hasSealedForm(size, async (position) => {
      const head = Buffer.alloc(packageHeadSize)
      const { bytesRead } = await handle.read(head, 0, packageHeadSize, position)
      return head.subarray(0, bytesRead)
    })
  } finally {
    await handle.close()
  }
}

/** Undefined: no file can have such a key, or it would be another's. */
function elementsOf(key: string): readonly string[] | undefined {
  const elements = (key.endsWith('/') ? key.slice(0, -1) : key).split('/')
  const named = elements.every((element) => !['', '.', '..'].includes(element) && !element.includes('\0'))
  return named ? elements : undefined
}

function absent(): BackendError {
  return new BackendError('no-such-key', 'there is no such object')
}
