import type { ByteSource } from '../../engine/index.ts'
import type {
  ListQuery,
  ObjectPage,
  ObjectRecord,
  PartRecord,
  UploadPage,
  UploadQuery,
  UploadRecord,
} from './records.ts'
import type { SystemRecords } from './system-records.ts'
import type {
  AttributeChanges,
  Deletion,
  ObjectAttributes,
  VersioningState,
  VersionPage,
  VersionQuery,
} from './versions.ts'
import type { AskedEncryption, StagedData, StagePlan, WriteCondition, WrittenBytes } from './writes.ts'

// Whoever works with backends finds their errors and records here.
export { BackendError, type BackendErrorCode } from './backend-error.ts'
export {
  type Checksum,
  type ChecksumAlgorithm,
  checksumAlgorithms,
  type ListEntry,
  type ListedRecord,
  type ListQuery,
  type MinioSeal,
  type ObjectPage,
  type ObjectPart,
  type ObjectRecord,
  type PartRecord,
  type UploadPage,
  type UploadQuery,
  type UploadRecord,
} from './records.ts'
export {
  requireSystemRecord,
  type SystemRecords,
  systemNamePattern,
  systemRecordSizeMax,
} from './system-records.ts'
export {
  type AskedEncryption,
  inlineDataSizeMax,
  type StagedData,
  type StagePlan,
  type WriteCondition,
  type WrittenBytes,
} from './writes.ts'

/**
 * Where objects live. A backend stores bytes and records as it is given them: sealing, ETags, checksums and S3's rules
 * are the front-end's. Every backend passes `test/contracts/backend.ts`.
 *
 * Atomicity: putObject, completeUpload and deleteObject happen entirely or not at all, and are durable when their
 * promise resolves. A reader sees the old object or the new one, never a mixture, also in mid-read.
 * Names: bucket names were validated; keys are 1..1024 bytes of UTF-8, otherwise arbitrary (`..`, `//`, trailing `/`).
 */
export interface Backend {
  /** The bucket with its first settings, in one step. Errors: bucket-exists. */
  createBucket(bucket: string, initial?: NewBucket): Promise<void>
  /** Errors: no-such-bucket. */
  getBucket(bucket: string): Promise<Bucket>
  /** In UTF-8 byte order of names. */
  listBuckets(): Promise<readonly Bucket[]>
  /** Errors: no-such-bucket, bucket-not-empty (versions, markers included; running uploads are discarded with the bucket). */
  deleteBucket(bucket: string): Promise<void>
  /** A named document of the bucket (`encryption`, `policy`, …), or undefined. Errors: no-such-bucket. */
  getBucketSetting(bucket: string, name: string): Promise<string | undefined>
  /** Sets or, with undefined, removes it. Errors: no-such-bucket. */
  setBucketSetting(bucket: string, name: string, value: string | undefined): Promise<void>
  /** Once enabled, versioning can only be suspended. Errors: no-such-bucket, not-supported. */
  setVersioning(bucket: string, state: Exclude<VersioningState, 'unversioned'>): Promise<void>

  /** A new, empty place for the stored bytes of one object or part. Errors: of putObject or putPart, where they are known already. */
  stage(plan: StagePlan): Promise<StagedData>
  /**
   * Makes the object: a new version, or in place of the null version, as the bucket's versioning is at that moment. Takes
   * over `data`: it is used up when this resolves and discarded when it rejects.
   * Errors: no-such-bucket, precondition-failed, no-such-key (an If-Match on nothing), locked (the null version is),
   * replaced (the object whose data is taken over).
   */
  putObject(put: {
    readonly bucket: string
    readonly key: string
    readonly record: ObjectRecord
    readonly data: NewData
    readonly attributes?: ObjectAttributes
    /** Makes the version's id; called only where the store does not choose ids itself. */
    readonly newVersionId: () => string
    readonly condition?: WriteCondition
    readonly asked?: AskedEncryption
    /** Gives up the wait for a store that moves another object's data; whether the object is made is open then. */
    readonly signal?: AbortSignal
  }): Promise<WrittenVersion>
  /**
   * The current version, or the one of that id: its record, and a handle on the data of this very generation.
   * Errors: no-such-bucket; no-such-key (with `marker` where the current version is a delete marker); no-such-version;
   * delete-marker (that version is one; with `marker`); replaced (again and again, while it was looked up).
   */
  getObject(bucket: string, key: string, versionId?: string, hint?: LookupHint): Promise<StoredObject>
  /**
   * The wanted attributes of the current version, or of the one of that id, also where it cannot be looked up without its
   * client's key; others may be absent. Errors: as getObject.
   */
  getAttributes(
    name: { readonly bucket: string; readonly key: string; readonly versionId?: string },
    wanted: readonly (keyof Omit<ObjectAttributes, 'acl'>)[],
  ): Promise<Pick<StoredObject, 'attributes' | 'versionId'>>
  /**
   * The stored bytes of ranges of the object's streams, which follow each other without a gap. Each source is to be read
   * before the next is asked for; ending the generator closes what is open. Errors: replaced when that generation is gone
   * (look the object up again). The signal ends the wait for a store.
   */
  openData(
    object: StoredObject,
    ranges: readonly StreamRange[],
    signal?: AbortSignal,
  ): AsyncGenerator<ByteSource, void, undefined>
  /**
   * With a version id: removes that version for good, and the newest of those left becomes the current one. Without: removes
   * the object of a bucket without versioning, and makes a delete marker in others. Nothing there is no error and meets any
   * condition, and then there is nothing done; of a delete marker only `*` holds, and a size of 0.
   * Errors: no-such-bucket, precondition-failed, locked.
   */
  deleteObject(deletion: {
    readonly bucket: string
    readonly key: string
    readonly versionId?: string
    /** To whom a delete marker belongs, as in {@link ObjectRecord}. */
    readonly owner?: string
    /** Of the version named, or else of the current one. */
    readonly condition?: WriteCondition
    readonly bypassGovernance?: boolean
  }): Promise<Deletion>
  /**
   * Changes attributes of one version, the current one without an id. Resolves to its version id.
   * Errors: as getObject; locked (the change would weaken a retention that holds); not-supported.
   */
  changeAttributes(change: {
    readonly bucket: string
    readonly key: string
    readonly versionId?: string
    readonly changes: AttributeChanges
    readonly bypassGovernance?: boolean
  }): Promise<WrittenVersion>
  /** One page of current versions in UTF-8 byte order of keys. The signal ends it. Errors: no-such-bucket. */
  listObjects(bucket: string, query: ListQuery, signal?: AbortSignal): Promise<ObjectPage>
  /** One page of all versions and delete markers; the signal as above. Errors: no-such-bucket, not-supported. */
  listVersions(bucket: string, query: VersionQuery, signal?: AbortSignal): Promise<VersionPage>

  /** Errors: no-such-bucket. Resolves to the upload's id, URL-safe. */
  createUpload(upload: Omit<UploadRecord, 'uploadId'>, asked?: AskedEncryption): Promise<string>
  /** Errors: no-such-bucket, no-such-upload (also when bucket and key are not the upload's own). */
  getUpload(bucket: string, key: string, uploadId: string): Promise<UploadRecord>
  /** Stores or replaces one part. Takes over `data` as putObject does. Errors: no-such-upload. */
  putPart(upload: UploadRecord, part: PartRecord, data: WrittenBytes, asked?: AskedEncryption): Promise<void>
  /** Parts in order of number, those above `after`, at most `limit`. Errors: no-such-upload. */
  listParts(
    upload: UploadRecord,
    page: { readonly after: number; readonly limit: number },
  ): Promise<{ readonly parts: readonly PartRecord[]; readonly truncated: boolean }>
  /** Running uploads by key, then by id, both in byte order; the signal as above. Errors: no-such-bucket. */
  listUploads(bucket: string, query: UploadQuery, signal?: AbortSignal): Promise<UploadPage>
  /**
   * Makes the object, as putObject does, of the parts named in `record.parts`, in that order, and ends the upload; other
   * parts are discarded. Errors: those of putObject, no-such-upload, invalid-part (a part is missing or is not the one that `record.parts` describes: number and
   * generation are compared).
   */
  completeUpload(
    upload: UploadRecord,
    completion: {
      readonly record: ObjectRecord
      readonly parts: readonly PartRecord[]
      readonly attributes?: ObjectAttributes
      readonly newVersionId: () => string
      readonly condition?: WriteCondition
      readonly asked?: AskedEncryption
    },
  ): Promise<WrittenVersion>
  /** Errors: no-such-upload. */
  abortUpload(bucket: string, key: string, uploadId: string): Promise<void>

  /** What Sealgate itself keeps in the store, outside of users' buckets. */
  readonly system: SystemRecords

  /** Throws BackendError `unavailable` when the store can't take writes now. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface Bucket {
  readonly name: string
  readonly createdAtMs: number
  /** Canonical id of the user that it belongs to. Absent: the root user. */
  readonly owner?: string
  readonly versioning: VersioningState
}

export interface NewBucket {
  readonly owner?: string
  readonly versioning?: 'enabled'
  /** Documents as setBucketSetting takes them, by name. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Absent version id: the bucket never had versioning. */
export interface WrittenVersion {
  readonly versionId?: string
}

/** What a backend may want to know of a look-up. */
export interface LookupHint {
  /** The client's, 32 bytes, where it came with one. */
  readonly customerKey?: Uint8Array
  /** The data will not be wanted. */
  readonly recordOnly?: boolean
  /** `attributes.acl` will be wanted; without the hint it may be absent. */
  readonly acl?: boolean
  /** A part that will be asked for. */
  readonly partNumber?: number
  /** Ends the wait for a store. */
  readonly signal?: AbortSignal
}

/** A part of an object whose record does not tell the parts. */
export interface StoredPart {
  readonly number: number
  readonly offset: number
  readonly size: number
  /** Of all parts. */
  readonly count: number
}

/** Stored bytes [offset, offset + size) of one stream; `index` counts `record.parts`, or is 0 for an object without. */
export interface StreamRange {
  readonly index: number
  readonly offset: number
  readonly size: number
}

/**
 * What becomes of a new object's bytes: new ones, or those of an existing object (whose record may differ; all its streams
 * are taken over, and the two objects live independently from then on).
 */
export type NewData = WrittenBytes | { readonly kind: 'same-as'; readonly object: StoredObject }

export interface StoredObject {
  readonly bucket: string
  readonly key: string
  readonly record: ObjectRecord
  readonly attributes: ObjectAttributes
  /** Absent: the bucket never had versioning. */
  readonly versionId?: string
  /** The stored bytes, all of them, where the look-up has brought them and there is one stream: there is nothing to open then. */
  readonly body?: Uint8Array
  /** The part that was hinted at, where the store knows the parts and the record does not. */
  readonly part?: StoredPart
  /** The ETag that a list shows which cannot look the object up. */
  readonly storeEtag?: string
  /** The backend's own handle on this generation of the object; opaque. */
  readonly generation: unknown
}
