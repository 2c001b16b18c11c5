import type { Logger } from 'pino'
import {
  type Backend,
  BackendError,
  type ListQuery,
  type ObjectPage,
  type StoredObject,
  type StreamRange,
  type WriteCondition,
} from '../backend.ts'
import { MinioFile, type MinioFolder } from '../minio/folder.ts'
import { type Cursor, cursorAfter } from '../name-pages.ts'
import { nullVersionId, type VersionPage, type VersionQuery } from '../versions.ts'
import type { DataFiles } from './data-files.ts'
import { DiskBackend } from './disk-backend.ts'
import { Generation } from './stored-data.ts'

/**
 * Our store in the folder of a MinIO server, with MinIO's objects beside ours: they are read, listed and copied, and never
 * changed. Where there is one of ours under the same key, ours counts.
 */
export class DiskBesideMinio extends DiskBackend {
  readonly #minio: MinioFolder
  readonly #files: DataFiles
  readonly #log: Logger
  /** Buckets with objects of MinIO's. */
  readonly #buckets = new Set<string>()

  constructor({
    minio,
    ...parts
  }: ConstructorParameters<typeof DiskBackend>[0] & { readonly minio: MinioFolder }) {
    super(parts)
    this.#minio = minio
    this.#files = parts.files
    this.#log = parts.log
  }

  /** Makes buckets of MinIO's ours, too. */
  async adoptBuckets(): Promise<void> {
    for (const bucket of this.#minio.buckets) {
      await this.createBucket(bucket).catch((error: unknown) => {
        if (!hasCode(error, 'bucket-exists')) throw error
      })
      const { versioning } = await this.getBucket(bucket)
      // A delete marker of ours would have to hide what is not ours.
      if (versioning === 'unversioned') this.#buckets.add(bucket)
      else this.#log.warn({ bucket }, 'the bucket has versions: MinIO’s objects in it are not served')
    }
  }

  override async deleteBucket(bucket: string) {
    if (this.#buckets.has(bucket) && (await this.#minio.hasBucket(bucket))) {
      throw new BackendError('bucket-not-empty', 'MinIO’s folder of the bucket is still there')
    }
    await super.deleteBucket(bucket)
    this.#buckets.delete(bucket)
  }

  override async setVersioning(bucket: string, state: 'enabled' | 'suspended') {
    if (this.#buckets.has(bucket)) {
      throw new BackendError('not-supported', 'a bucket with objects of MinIO’s has no versions')
    }
    await super.setVersioning(bucket, state)
  }

  override async putObject(put: Parameters<Backend['putObject']>[0]) {
    const { data, condition } = put
    const met = { ...put, ...(condition && { condition: await this.#conditionOfOurs(put, condition) }) }
    if (data.kind !== 'same-as' || !(data.object.generation instanceof MinioFile)) return super.putObject(met)
    const places = await this.#import(data.object.generation)
    try {
      const generation = new Generation({ id: 0, places })
      return await super.putObject({
        ...met,
        data: { kind: 'same-as', object: { ...data.object, generation } },
      })
    } finally {
      for (const { file } of places) await this.#files.remove(file)
    }
  }

  override async completeUpload(...[upload, completion]: Parameters<Backend['completeUpload']>) {
    const { condition } = completion
    const met = condition && { condition: await this.#conditionOfOurs(upload, condition) }
    return super.completeUpload(upload, { ...completion, ...met })
  }

  override async getObject(bucket: string, key: string, versionId?: string): Promise<StoredObject> {
    try {
      return await super.getObject(bucket, key, versionId)
    } catch (error) {
      const absent =
        hasCode(error, 'no-such-key') || (hasCode(error, 'no-such-version') && versionId === nullVersionId)
      if (!absent || !this.#buckets.has(bucket)) throw error
      return { bucket, key, ...(await this.#minio.object(bucket, key)) }
    }
  }

  override openData(object: StoredObject, ranges: readonly StreamRange[]) {
    const { generation } = object
    return generation instanceof MinioFile
      ? this.#minio.open(generation, ranges)
      : super.openData(object, ranges)
  }

  override async deleteObject(deletion: Parameters<Backend['deleteObject']>[0]) {
    await this.#refuseTheirs(deletion)
    return super.deleteObject(deletion)
  }

  override async changeAttributes(change: Parameters<Backend['changeAttributes']>[0]) {
    try {
      return await super.changeAttributes(change)
    } catch (error) {
      if (hasCode(error, 'no-such-key')) await this.#refuseTheirs(change)
      throw error
    }
  }

  override async listObjects(bucket: string, query: ListQuery): Promise<ObjectPage> {
    const ours = await super.listObjects(bucket, query)
    if (!this.#buckets.has(bucket)) return ours
    const theirs = await this.#minio.page(bucket, query, cursorAfter(query.startAfter, query))
    return merged(ours, theirs, query.limit)
  }

  override async listVersions(bucket: string, query: VersionQuery): Promise<VersionPage> {
    const ours = await super.listVersions(bucket, query)
    if (!this.#buckets.has(bucket)) return ours
    const { entries, ...page } = await this.#minio.page(bucket, query, cursorOf(query))
    const versions = entries.map((entry) =>
      entry.kind === 'prefix'
        ? entry
        : ({ ...entry, kind: 'version', versionId: nullVersionId, latest: true } as const),
    )
    return merged(ours, { ...page, entries: versions }, query.limit)
  }

  /** The streams of an object of MinIO's, as files of ours. */
  async #import(object: MinioFile): Promise<readonly { readonly file: string }[]> {
    const copies: { readonly file: string }[] = []
    const handle = await object.open()
    try {
      for (const place of object.places) copies.push({ file: await this.#files.copyOf(handle, place) })
      return copies
    } catch (error) {
      for (const { file } of copies) await this.#files.remove(file)
      throw error
    } finally {
      await handle.close()
    }
  }

  /** Removing ours would bring back theirs. Errors: BackendError read-only. */
  async #refuseTheirs({ bucket, key }: { readonly bucket: string; readonly key: string }): Promise<void> {
    if (!this.#buckets.has(bucket) || !(await this.#minio.has(bucket, key))) return
    throw new BackendError('read-only', 'MinIO has stored the object')
  }

  /** Where theirs meets the condition, what is left to hold is that there is still none of ours. */
  async #conditionOfOurs(
    { bucket, key }: { readonly bucket: string; readonly key: string },
    condition: WriteCondition,
  ): Promise<WriteCondition> {
    const { ifMatch } = condition
    if (ifMatch === undefined || !this.#buckets.has(bucket)) return condition
    const { generation, record } = await this.getObject(bucket, key)
    const met = ifMatch === '*' || ifMatch === record.etag
    return generation instanceof MinioFile && met ? { ifNoneMatch: '*' } : condition
  }
}

function cursorOf(query: VersionQuery): Cursor {
  const { keyMarker, versionIdMarker } = query
  if (versionIdMarker === '') return cursorAfter(keyMarker, query)
  return { key: keyMarker, past: versionIdMarker === nullVersionId }
}

type Named =
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: string; readonly key: string }

/** One page of two pages from the same place on: of the same name, the first's counts. */
function merged<Entry extends Named>(
  ours: { readonly entries: readonly Entry[]; readonly truncated: boolean },
  theirs: { readonly entries: readonly Entry[]; readonly truncated: boolean; readonly through?: string },
  limit: number,
): { readonly entries: readonly Entry[]; readonly truncated: boolean } {
  const byName = new Map<string, Entry>()
  for (const entry of [...ours.entries, ...theirs.entries]) {
    const name = nameOf(entry)
    if (!byName.has(name)) byName.set(name, entry)
  }
  const through = theirs.through === undefined ? undefined : Buffer.from(theirs.through)
  const entries = [...byName]
    .map(([name, entry]) => ({ order: Buffer.from(name), entry }))
    .filter(({ order }) => through === undefined || Buffer.compare(order, through) <= 0)
    .sort((a, b) => Buffer.compare(a.order, b.order))
    .map(({ entry }) => entry)
  return {
    entries: entries.slice(0, limit),
    truncated: ours.truncated || theirs.truncated || entries.length > limit,
  }
}

function nameOf(entry: Named): string {
  return 'prefix' in entry ? entry.prefix : entry.key
}

function hasCode(error: unknown, code: BackendError['code']): boolean {
  return error instanceof BackendError && error.code === code
}
