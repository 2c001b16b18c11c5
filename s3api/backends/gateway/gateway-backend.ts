import type { ByteSource } from '../../../engine/index.ts'
import { S3Error } from '../../errors.ts'
import {
  type AskedEncryption,
  type Backend,
  BackendError,
  type ListQuery,
  type LookupHint,
  type NewBucket,
  type ObjectRecord,
  type PartRecord,
  type StagePlan,
  type StoredObject,
  type StreamRange,
  type SystemRecords,
  type UploadQuery,
  type UploadRecord,
  type WrittenBytes,
  type WrittenVersion,
} from '../backend.ts'
import { nullVersionId, type VersioningState, type VersionQuery } from '../versions.ts'
import { removeBucket } from './bucket-removal.ts'
import type { GatewayConfig } from './config.ts'
import { generationOf, toStoredObject } from './generation.ts'
import type { LookedUp } from './lookup.ts'
import { createParts, type GatewayParts, type GatewayPartsOptions } from './parts.ts'
import { hasParts, plainPart } from './plain-parts.ts'
import { openRanges } from './reading.ts'
import { createSystemRecords } from './system-records.ts'
import { asBackend } from './upstream-error.ts'

export type FoundKind = 'sealed' | 'plain' | 'minio'

/** Objects in another S3. */
export class GatewayBackend implements Backend {
  readonly system: SystemRecords
  readonly #passThrough: boolean
  readonly #found: (kind: FoundKind) => void
  readonly #parts: GatewayParts
  #closed: Promise<void> | undefined

  constructor(
    config: GatewayConfig,
    {
      found = () => {},
      ...options
    }: GatewayPartsOptions & {
      /** Told what kind of object each look-up has found. */
      readonly found?: (kind: FoundKind) => void
    },
  ) {
    this.#found = found
    this.#passThrough = config.passThrough
    this.#parts = createParts(config, options)
    this.system = createSystemRecords(this.#parts.system)
  }

  /** Makes ready what Sealgate keeps in the store. Errors: BackendError unavailable. */
  async prepare(): Promise<void> {
    if (this.#passThrough) return
    await this.#parts.system.prepare()
    this.#parts.sweeper.start()
  }

  createBucket(bucket: string, initial: NewBucket = {}) {
    return this.#parts.buckets.create(bucket, initial)
  }

  getBucket(bucket: string) {
    return this.#parts.buckets.get(bucket)
  }

  listBuckets() {
    return this.#parts.buckets.list()
  }

  deleteBucket(bucket: string) {
    return removeBucket(bucket, this.#parts)
  }

  async getBucketSetting(bucket: string, name: string) {
    const [setting] = await Promise.all([this.#parts.buckets.setting(bucket, name), this.getBucket(bucket)])
    return setting
  }

  setBucketSetting(bucket: string, name: string, value: string | undefined) {
    return this.#parts.buckets.setSetting(bucket, name, value)
  }

  async setVersioning(bucket: string, state: Exclude<VersioningState, 'unversioned'>) {
    this.#refuseOurs(bucket)
    await this.#parts.buckets.setVersioning(bucket, state)
  }

  async stage(plan: StagePlan) {
    this.#refuseOurs(plan.bucket)
    this.#parts.minio?.requireWritable(plan.key)
    const { becomes } = plan
    return becomes.kind === 'object'
      ? this.#parts.writer.stage({ ...plan, becomes })
      : this.#parts.sender.stage({ ...plan, becomes })
  }

  async putObject(put: Parameters<Backend['putObject']>[0]) {
    this.#refuseOurs(put.bucket)
    this.#parts.minio?.requireWritable(put.key)
    const { data } = put
    return this.#named(put.bucket, () =>
      data.kind === 'same-as'
        ? this.#parts.copier.copy(put, data.object)
        : this.#parts.writer.put({ ...put, data }),
    )
  }

  async getObject(bucket: string, key: string, versionId?: string, hint: LookupHint = {}) {
    this.#refuseOurs(bucket)
    this.#parts.minio?.requireReadable(key)
    const wanted = {
      bucket,
      key,
      versionId,
      customerKey: hint.customerKey,
      signal: hint.signal,
      tail: hint.recordOnly === true ? 'record' : 'data',
    } as const
    const found = await this.#parts.lookup.object(wanted).catch((error: unknown) => {
      const absent = error instanceof BackendError && error.code === 'no-such-key'
      if (this.#parts.minio === undefined || !absent || versionId !== undefined) throw error
      return this.#parts.minio.object(wanted)
    })
    this.#found(kindOf(found.record))
    if (found.record.minio === undefined) this.#parts.listed.set(found, found.record)
    const looked = toStoredObject(found, key, await this.#parts.attributes.of(found, hint))
    const part = await this.#partOf(found, hint)
    const stored = part === undefined ? looked : { ...looked, part }
    if (found.versionId !== undefined) return stored
    const { versioning } = await this.#parts.buckets.last(bucket)
    return versioning === 'unversioned' ? stored : { ...stored, versionId: nullVersionId }
  }

  /** Of a plain object; those of others stand in their records. */
  async #partOf(found: LookedUp, { partNumber: number, signal }: LookupHint) {
    if (number === undefined || kindOf(found.record) !== 'plain' || !hasParts(found)) return undefined
    return plainPart(this.#parts.upstream, found, { number, signal })
  }

  async getAttributes(...[name, wanted]: Parameters<Backend['getAttributes']>) {
    try {
      return await this.getObject(name.bucket, name.key, name.versionId, { recordOnly: true })
    } catch (error) {
      // The store asks for an SSE-C key before it shows the object, but not before it tells these.
      if (!(error instanceof S3Error) || error.code !== 'InvalidRequest') throw error
      const { versioning } = await this.#parts.buckets.last(name.bucket)
      return asAsked(name, versioning, await this.#parts.attributes.read(name, wanted))
    }
  }

  openData(
    object: StoredObject,
    ranges: readonly StreamRange[],
    signal?: AbortSignal,
  ): AsyncGenerator<ByteSource, void, undefined> {
    return openRanges(this.#parts.upstream, generationOf(object), ranges, signal)
  }

  async deleteObject(deletion: Parameters<Backend['deleteObject']>[0]) {
    this.#refuseOurs(deletion.bucket)
    await this.#parts.minio?.requireRemovable(deletion)
    const { versioning } = await this.#parts.buckets.last(deletion.bucket)
    const removed = await this.#parts.remover.remove(deletion, versioning)
    const plain = deletion.versionId === undefined && deletion.condition === undefined
    if (removed.versionId !== undefined || versioning !== 'suspended' || !plain) return removed
    return { versionId: nullVersionId, deleteMarker: true }
  }

  async changeAttributes(change: Parameters<Backend['changeAttributes']>[0]) {
    this.#refuseOurs(change.bucket)
    const { changes, bypassGovernance = false, ...name } = change
    const asked = changes.acl !== undefined
    const { owner } = asked ? (await this.#parts.lookup.object({ ...name, tail: 'record' })).record : {}
    const { versioning } = await this.#parts.buckets.last(change.bucket)
    const options = { owner, bypassGovernance }
    return asAsked(name, versioning, await this.#parts.attributes.change(name, changes, options))
  }

  async listObjects(bucket: string, query: ListQuery, signal?: AbortSignal) {
    await this.getBucket(bucket)
    return this.#parts.listing.objects(bucket, query, signal)
  }

  async listVersions(bucket: string, query: VersionQuery, signal?: AbortSignal) {
    await this.getBucket(bucket)
    return this.#parts.listing.versions(bucket, query, signal)
  }

  async createUpload(upload: Omit<UploadRecord, 'uploadId'>, asked?: AskedEncryption) {
    this.#refuseOurs(upload.bucket)
    this.#parts.minio?.requireWritable(upload.key)
    return this.#parts.uploads.create(upload, asked)
  }

  async getUpload(bucket: string, key: string, uploadId: string) {
    await this.getBucket(bucket)
    return this.#parts.uploadStore.get({ bucket, key, uploadId })
  }

  putPart(upload: UploadRecord, part: PartRecord, data: WrittenBytes, asked?: AskedEncryption) {
    return this.#parts.uploads.putPart(upload, part, data, asked)
  }

  async listParts(upload: UploadRecord, page: { readonly after: number; readonly limit: number }) {
    const placed = await this.#parts.uploads.parts(upload, page)
    const parts = placed.slice(0, page.limit).map(({ part }) => part)
    const truncated = page.limit > 0 && placed.length > page.limit
    // An upload that has ended is forgotten before its parts are: while it is there, these are all of them.
    if (!truncated) await this.#parts.uploadStore.requireRunning(upload)
    return { parts, truncated }
  }

  async listUploads(bucket: string, query: UploadQuery, signal?: AbortSignal) {
    await this.getBucket(bucket)
    return this.#parts.listing.uploads(bucket, query, signal)
  }

  async completeUpload(upload: UploadRecord, completion: Parameters<Backend['completeUpload']>[1]) {
    return this.#named(upload.bucket, () => this.#parts.uploads.complete(upload, completion))
  }

  async abortUpload(bucket: string, key: string, uploadId: string) {
    this.#refuseOurs(bucket)
    await this.#parts.uploads.abort({ bucket, key, uploadId })
  }

  async check() {
    if (this.#passThrough) {
      await this.#parts.buckets.reach()
      return
    }
    await asBackend(
      () =>
        this.#parts.upstream.fetch({ method: 'HEAD', bucket: this.#parts.system.name, repeatable: true }, 0),
      'unavailable',
    )
  }

  close() {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#parts.sweeper.close()
    await this.#parts.uploadStore.close()
    await this.#parts.upstream.close()
  }

  /**
   * Stores do not always name the null version that they make where versioning is suspended. The bucket is asked for before the
   * write, which must not fail when it is done.
   */
  async #named(bucket: string, write: () => Promise<WrittenVersion>): Promise<WrittenVersion> {
    const { versioning } = await this.#parts.buckets.last(bucket)
    const written = await write()
    return written.versionId === undefined && versioning === 'suspended'
      ? { versionId: nullVersionId }
      : written
  }

  /** The system bucket is out of everybody's reach. */
  #refuseOurs(bucket: string): void {
    if (bucket !== this.#parts.system.name) return
    throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
  }
}

/** With the id that was asked for, where the store tells none: in a bucket without versions nothing has one. */
function asAsked<Told extends WrittenVersion>(
  { versionId }: { readonly versionId?: string },
  versioning: VersioningState,
  told: Told,
): Told {
  const named = versionId !== undefined && versioning !== 'unversioned' && { versionId }
  return { ...named, ...told }
}

function kindOf({ envelope, minio }: ObjectRecord): FoundKind {
  if (minio !== undefined) return 'minio'
  return envelope === undefined ? 'plain' : 'sealed'
}
