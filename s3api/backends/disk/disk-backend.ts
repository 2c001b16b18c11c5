import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import type { Logger } from 'pino'
import {
  type Backend,
  BackendError,
  type ListQuery,
  type NewBucket,
  type PartRecord,
  type StoredObject,
  type StreamRange,
  type SystemRecords,
  type UploadQuery,
  type UploadRecord,
  type WrittenBytes,
  type WrittenVersion,
} from '../backend.ts'
import type { Deletion, VersionQuery } from '../versions.ts'
import type { Command, CommandResult } from './command.ts'
import type { DataFiles } from './data-files.ts'
import { DiskSystemRecords } from './disk-system-records.ts'
import { FreeSpace } from './free-space.ts'
import { Janitor } from './janitor.ts'
import type { Reader } from './reader.ts'
import { fromObjectRecord, fromPartRecord, fromUploadRecord } from './rows.ts'
import { Generation, StoredData } from './stored-data.ts'
import type { Writer } from './writer.ts'

const uploadIdSize = 24
/** Hexadecimal digits of milliseconds since 1970, enough until the year 10889. */
const uploadTimeDigits = 12

/** Data in files, everything else in an embedded database. */
export class DiskBackend implements Backend {
  readonly system: SystemRecords
  readonly #directory: string
  readonly #files: DataFiles
  readonly #space: FreeSpace
  readonly #data: StoredData
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #janitor: Janitor
  readonly #now: () => number
  #closed: Promise<void> | undefined

  constructor(parts: {
    readonly directory: string
    readonly files: DataFiles
    readonly reader: Reader
    readonly writer: Writer
    readonly log: Logger
    readonly now: () => number
  }) {
    this.#directory = parts.directory
    this.#files = parts.files
    this.#space = new FreeSpace(parts.directory, () => parts.reader.spareBytes())
    this.#data = new StoredData({ ...parts, space: this.#space })
    this.#reader = parts.reader
    this.#writer = parts.writer
    this.#now = parts.now
    this.system = new DiskSystemRecords(parts)
    this.#janitor = new Janitor(parts)
    this.#janitor.wake()
  }

  async createBucket(bucket: string, initial: NewBucket = {}) {
    const { owner = null, versioning = 'unversioned', settings = {} } = initial
    const atMs = this.#now()
    await this.#writer.execute({ type: 'create-bucket', bucket, owner, versioning, settings, atMs })
  }

  async getBucket(bucket: string) {
    return this.#reader.bucket(bucket)
  }

  async listBuckets() {
    return this.#reader.buckets()
  }

  async deleteBucket(bucket: string) {
    await this.#change({ type: 'delete-bucket', bucket, atMs: this.#now() })
  }

  async getBucketSetting(bucket: string, name: string) {
    return this.#reader.setting(bucket, name)
  }

  async setBucketSetting(bucket: string, name: string, value: string | undefined) {
    await this.#writer.execute({ type: 'set-setting', bucket, name, value: value ?? null })
  }

  async setVersioning(bucket: string, state: 'enabled' | 'suspended') {
    await this.#writer.execute({ type: 'set-versioning', bucket, state })
  }

  async stage() {
    await this.#space.requireForFile()
    return this.#files.create()
  }

  async putObject(put: Parameters<Backend['putObject']>[0]) {
    const { bucket, key, record, data, attributes = {}, condition, newVersionId } = put
    const columns = fromObjectRecord(record)
    const atMs = this.#now()
    return this.#data.storing(data, (streams) =>
      this.#change<WrittenVersion>({
        type: 'put-object',
        bucket,
        key,
        versionId: newVersionId(),
        columns,
        streams,
        attributes,
        condition,
        atMs,
      }),
    )
  }

  async getObject(bucket: string, key: string, versionId?: string): Promise<StoredObject> {
    const { id, places, ...view } = this.#reader.object(bucket, key, versionId)
    const [first] = places
    const body =
      view.record.parts === undefined && first !== undefined && 'body' in first ? first.body : undefined
    return {
      bucket,
      key,
      generation: new Generation({ id, places }),
      ...view,
      ...(body !== undefined && { body }),
    }
  }

  getAttributes({ bucket, key, versionId }: Parameters<Backend['getAttributes']>[0]) {
    return this.getObject(bucket, key, versionId)
  }

  openData(object: StoredObject, ranges: readonly StreamRange[]) {
    return this.#data.open(object, ranges)
  }

  async deleteObject({ bypassGovernance = false, ...deletion }: Parameters<Backend['deleteObject']>[0]) {
    const { bucket, key, versionId, owner = null, condition } = deletion
    const atMs = this.#now()
    return this.#change<Deletion>({
      type: 'delete-object',
      bucket,
      key,
      versionId,
      owner,
      condition,
      bypassGovernance,
      atMs,
    })
  }

  async changeAttributes({
    bypassGovernance = false,
    ...change
  }: Parameters<Backend['changeAttributes']>[0]) {
    const { bucket, key, versionId, changes } = change
    const atMs = this.#now()
    return this.#change<WrittenVersion>({
      type: 'change-attributes',
      bucket,
      key,
      versionId,
      changes,
      bypassGovernance,
      atMs,
    })
  }

  async listObjects(bucket: string, query: ListQuery) {
    return this.#reader.objects(bucket, query)
  }

  async listVersions(bucket: string, query: VersionQuery) {
    return this.#reader.versions(bucket, query)
  }

  async createUpload(upload: Omit<UploadRecord, 'uploadId'>) {
    const uploadId = newUploadId(this.#now())
    const { bucket, key, envelope = null } = upload
    const details = fromUploadRecord(upload)
    await this.#space.requireForRows()
    await this.#writer.execute({ type: 'create-upload', uploadId, bucket, key, details, envelope })
    return uploadId
  }

  async getUpload(bucket: string, key: string, uploadId: string) {
    return this.#reader.upload(bucket, key, uploadId)
  }

  async putPart({ uploadId }: UploadRecord, part: PartRecord, data: WrittenBytes) {
    const { number, generation, mac = null } = part
    const details = fromPartRecord(part)
    await this.#data.storing(data, ([place]) => {
      if (place === undefined) throw new Error('a part has one stream')
      const atMs = this.#now()
      return this.#change({ type: 'put-part', uploadId, number, generation, details, mac, place, atMs })
    })
  }

  async listParts(upload: UploadRecord, page: { readonly after: number; readonly limit: number }) {
    return this.#reader.parts(upload, page)
  }

  async listUploads(bucket: string, query: UploadQuery) {
    return this.#reader.uploads(bucket, query)
  }

  async completeUpload(
    { uploadId, bucket, key }: UploadRecord,
    { record, parts, attributes = {}, newVersionId, condition }: Parameters<Backend['completeUpload']>[1],
  ) {
    const columns = fromObjectRecord(record)
    const named = parts.map(({ number, generation }) => ({ number, generation }))
    const atMs = this.#now()
    return this.#change<WrittenVersion>({
      type: 'complete-upload',
      uploadId,
      bucket,
      key,
      columns,
      parts: named,
      attributes,
      versionId: newVersionId(),
      condition,
      atMs,
    })
  }

  async abortUpload(bucket: string, key: string, uploadId: string) {
    await this.#change({ type: 'abort-upload', uploadId, bucket, key, atMs: this.#now() })
  }

  async check() {
    const { bavail } = await statfs(this.#directory).catch((error: unknown) => {
      throw new BackendError('unavailable', 'the data directory cannot be reached', { cause: error })
    })
    if (bavail === 0) throw new BackendError('unavailable', 'the disk is full')
    await this.#writer.execute({ type: 'check' })
  }

  close() {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#janitor.close()
    await this.#writer.close()
    this.#reader.close()
  }

  /** A change that may leave files without an object. `Result` is what the executor gives for that command. */
  async #change<Result extends CommandResult>(command: Command): Promise<Result> {
    const result = await this.#writer.execute(command)
    this.#janitor.wake()
    return result as Result
  }
}

/** In the order of time, so that uploads of one key are listed as they were begun (S3 API reference, ListMultipartUploads). */
function newUploadId(nowMs: number): string {
  const time = nowMs.toString(16).padStart(uploadTimeDigits, '0')
  return `${time}${randomBytes(uploadIdSize).toString('base64url')}`
}
