import type { Logger } from 'pino'
import type { ByteSource } from '../../../engine/index.ts'
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
import { Attributes } from './attributes.ts'
import { Buckets } from './buckets.ts'
import type { GatewayConfig } from './config.ts'
import { type CopyLimits, ObjectCopier } from './copying.ts'
import { generationOf, toStoredObject } from './generation.ts'
import { ListedCache } from './listed-cache.ts'
import { Listing } from './listing.ts'
import { Lookup } from './lookup.ts'
import { MinioStore } from './minio-store.ts'
import { openRanges } from './reading.ts'
import { ObjectRemover } from './removing.ts'
import { StoreAcls } from './store-acls.ts'
import { Sweeper } from './sweeper.ts'
import { createSystemRecords, SystemBucket } from './system-records.ts'
import { UploadStore } from './upload-store.ts'
import { Uploads } from './uploads.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { ObjectWriter } from './writing.ts'

/** Generations of objects that listings remember: some 300 bytes each. */
const listedMax = 50_000

export type FoundKind = 'sealed' | 'plain' | 'minio'

/** Objects in another S3. */
export class GatewayBackend implements Backend {
  readonly system: SystemRecords
  readonly #upstream: Upstream
  readonly #systemBucket: SystemBucket
  readonly #passThrough: boolean
  readonly #found: (kind: FoundKind) => void
  readonly #buckets: Buckets
  readonly #lookup: Lookup
  readonly #minio: MinioStore | undefined
  readonly #listed = new ListedCache(listedMax)
  readonly #listing: Listing
  readonly #writer: ObjectWriter
  readonly #copier: ObjectCopier
  readonly #remover: ObjectRemover
  readonly #attributes: Attributes
  readonly #uploadStore: UploadStore
  readonly #uploads: Uploads
  readonly #sweeper: Sweeper
  #closed: Promise<void> | undefined

  constructor(
    config: GatewayConfig,
    {
      upstream,
      log,
      now,
      found = () => {},
      copyLimits,
    }: {
      readonly upstream: Upstream
      readonly log: Logger
      readonly now: () => number
      /** Told what kind of object each look-up has found. */
      readonly found?: (kind: FoundKind) => void
      /** Of the store. Absent: those of S3. */
      readonly copyLimits?: CopyLimits | undefined
    },
  ) {
    this.#found = found
    const { double } = config
    const system = new SystemBucket(upstream, config.systemBucket, { optional: config.passThrough })
    const store = new UploadStore(system, log)
    this.#upstream = upstream
    this.#passThrough = config.passThrough
    this.#systemBucket = system
    this.system = createSystemRecords(system)
    this.#buckets = new Buckets(upstream, system, { region: config.region, now })
    this.#lookup = new Lookup(upstream, double)
    const acls = new StoreAcls(upstream, (bucket) => this.getBucket(bucket))
    this.#writer = new ObjectWriter({ upstream, double, lookup: this.#lookup, acls })
    this.#copier = new ObjectCopier({ upstream, double, acls, writer: this.#writer, limits: copyLimits })
    this.#remover = new ObjectRemover(upstream, this.#lookup)
    this.#attributes = new Attributes(upstream, acls)
    this.#minio = config.readMinio ? new MinioStore(upstream, this.#lookup) : undefined
    this.#uploadStore = store
    this.#uploads = new Uploads({ upstream, double, system, store, acls, writer: this.#writer })
    this.#sweeper = new Sweeper({ upstream, system, store, log })
    this.#listing = new Listing({
      upstream,
      lookup: this.#lookup,
      cache: this.#listed,
      uploads: store,
      minio: this.#minio,
      log,
    })
  }

  /** Makes ready what Sealgate keeps in the store. Errors: BackendError unavailable. */
  async prepare(): Promise<void> {
    if (this.#passThrough) return
    await this.#systemBucket.prepare()
    this.#sweeper.start()
  }

  createBucket(bucket: string, initial: NewBucket = {}) {
    return this.#buckets.create(bucket, initial)
  }

  getBucket(bucket: string) {
    return this.#buckets.get(bucket)
  }

  listBuckets() {
    return this.#buckets.list()
  }

  async deleteBucket(bucket: string) {
    try {
      await this.#buckets.delete(bucket)
    } catch (error) {
      const full = error instanceof BackendError && error.code === 'bucket-not-empty'
      if (!full || !(await this.#endUploads(bucket))) throw error
      await this.#buckets.delete(bucket)
    }
    await this.#uploadStore.forgetAll(bucket)
  }

  async getBucketSetting(bucket: string, name: string) {
    const [setting] = await Promise.all([this.#buckets.setting(bucket, name), this.getBucket(bucket)])
    return setting
  }

  setBucketSetting(bucket: string, name: string, value: string | undefined) {
    return this.#buckets.setSetting(bucket, name, value)
  }

  async setVersioning(bucket: string, state: Exclude<VersioningState, 'unversioned'>) {
    this.#refuseOurs(bucket)
    await this.#buckets.setVersioning(bucket, state)
  }

  async stage(plan: StagePlan) {
    this.#refuseOurs(plan.bucket)
    this.#minio?.requireWritable(plan.key)
    const { becomes } = plan
    return becomes.kind === 'object'
      ? this.#writer.stage({ ...plan, becomes })
      : this.#uploads.stage({ ...plan, becomes })
  }

  async putObject(put: Parameters<Backend['putObject']>[0]) {
    this.#refuseOurs(put.bucket)
    this.#minio?.requireWritable(put.key)
    const { data } = put
    const written =
      data.kind === 'same-as'
        ? await this.#copier.copy(put, data.object)
        : await this.#writer.put({ ...put, data })
    return this.#named(put.bucket, written)
  }

  async getObject(bucket: string, key: string, versionId?: string, hint: LookupHint = {}) {
    this.#refuseOurs(bucket)
    this.#minio?.requireReadable(key)
    const wanted = {
      bucket,
      key,
      versionId,
      customerKey: hint.customerKey,
      tail: hint.recordOnly === true ? 'record' : 'data',
    } as const
    const found = await this.#lookup.object(wanted).catch((error: unknown) => {
      const absent = error instanceof BackendError && error.code === 'no-such-key'
      if (this.#minio === undefined || !absent || versionId !== undefined) throw error
      return this.#minio.object(wanted)
    })
    this.#found(kindOf(found.record))
    if (found.record.minio === undefined) this.#listed.set(found, found.record)
    return toStoredObject(found, key, await this.#attributes.of(found, hint))
  }

  openData(
    object: StoredObject,
    ranges: readonly StreamRange[],
  ): AsyncGenerator<ByteSource, void, undefined> {
    return openRanges(this.#upstream, generationOf(object), ranges)
  }

  async deleteObject(deletion: Parameters<Backend['deleteObject']>[0]) {
    this.#refuseOurs(deletion.bucket)
    await this.#minio?.requireRemovable(deletion)
    return this.#remover.remove(deletion)
  }

  async changeAttributes(change: Parameters<Backend['changeAttributes']>[0]) {
    this.#refuseOurs(change.bucket)
    const { changes, bypassGovernance = false, ...name } = change
    const asked = changes.acl !== undefined
    const { owner } = asked ? (await this.#lookup.object({ ...name, tail: 'record' })).record : {}
    return this.#attributes.change(name, changes, { owner, bypassGovernance })
  }

  async listObjects(bucket: string, query: ListQuery) {
    await this.getBucket(bucket)
    return this.#listing.objects(bucket, query)
  }

  async listVersions(bucket: string, query: VersionQuery) {
    await this.getBucket(bucket)
    return this.#listing.versions(bucket, query)
  }

  async createUpload(upload: Omit<UploadRecord, 'uploadId'>, asked?: AskedEncryption) {
    this.#refuseOurs(upload.bucket)
    this.#minio?.requireWritable(upload.key)
    return this.#uploads.create(upload, asked)
  }

  async getUpload(bucket: string, key: string, uploadId: string) {
    await this.getBucket(bucket)
    return this.#uploadStore.get({ bucket, key, uploadId })
  }

  putPart(upload: UploadRecord, part: PartRecord, data: WrittenBytes, asked?: AskedEncryption) {
    return this.#uploads.putPart(upload, part, data, asked)
  }

  async listParts(upload: UploadRecord, page: { readonly after: number; readonly limit: number }) {
    await this.#uploadStore.get(upload)
    const placed = await this.#uploadStore.parts(upload, page)
    const parts = placed.slice(0, page.limit).map(({ part }) => part)
    return { parts, truncated: page.limit > 0 && placed.length > page.limit }
  }

  async listUploads(bucket: string, query: UploadQuery) {
    await this.getBucket(bucket)
    return this.#listing.uploads(bucket, query)
  }

  async completeUpload(upload: UploadRecord, completion: Parameters<Backend['completeUpload']>[1]) {
    return this.#named(upload.bucket, await this.#uploads.complete(upload, completion))
  }

  async abortUpload(bucket: string, key: string, uploadId: string) {
    this.#refuseOurs(bucket)
    await this.#uploads.abort({ bucket, key, uploadId })
  }

  async check() {
    if (this.#passThrough) {
      await this.#buckets.reach()
      return
    }
    await asBackend(
      () => this.#upstream.fetch({ method: 'HEAD', bucket: this.#systemBucket.name, repeatable: true }, 0),
      'unavailable',
    )
  }

  close() {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#sweeper.close()
    await this.#uploadStore.close()
    await this.#upstream.close()
  }

  /** For stores whose buckets are kept by running uploads. False: it was not they. */
  async #endUploads(bucket: string): Promise<boolean> {
    const everything = { prefix: '', delimiter: '', limit: 1000 }
    const { entries } = await this.#listing.objects(bucket, { ...everything, startAfter: '', limit: 1 })
    if (entries.length > 0) return false
    let ended = false
    for (;;) {
      const page = await this.#listing.uploads(bucket, { ...everything, keyMarker: '', uploadIdMarker: '' })
      for (const entry of page.entries) {
        if (entry.kind === 'upload') await this.#uploads.abort(entry.upload)
      }
      ended ||= page.entries.length > 0
      if (!page.truncated || page.entries.length === 0) return ended
    }
  }

  /** Stores do not name the null version that they write where versioning is suspended. */
  async #named(bucket: string, written: WrittenVersion): Promise<WrittenVersion> {
    if (written.versionId !== undefined) return written
    const { versioning } = await this.getBucket(bucket)
    return versioning === 'suspended' ? { versionId: nullVersionId } : written
  }

  /** The system bucket is out of everybody's reach. */
  #refuseOurs(bucket: string): void {
    if (bucket !== this.#systemBucket.name) return
    throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
  }
}

function kindOf({ envelope, minio }: ObjectRecord): FoundKind {
  if (minio !== undefined) return 'minio'
  return envelope === undefined ? 'plain' : 'sealed'
}
