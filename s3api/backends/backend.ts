import type { ByteSource } from '../../engine/index.ts'

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
  createBucket(
    bucket: string,
    facts?: { readonly owner?: string; readonly settings?: Readonly<Record<string, string>> },
  ): Promise<void>
  /** Errors: no-such-bucket. */
  getBucket(bucket: string): Promise<Bucket>
  /** In UTF-8 byte order of names. */
  listBuckets(): Promise<readonly Bucket[]>
  /** Errors: no-such-bucket, bucket-not-empty (objects; running uploads are discarded with the bucket). */
  deleteBucket(bucket: string): Promise<void>
  /** A named document of the bucket (`encryption`, `policy`, …), or undefined. Errors: no-such-bucket. */
  getBucketSetting(bucket: string, name: string): Promise<string | undefined>
  /** Sets or, with undefined, removes it. Errors: no-such-bucket. */
  setBucketSetting(bucket: string, name: string, value: string | undefined): Promise<void>

  /** A new, empty, unnamed place for the stored bytes of one object or part. */
  stage(): Promise<StagedData>
  /**
   * Makes the object, replacing what was there. Takes over `data`: it is used up when this resolves and discarded when
   * it rejects. Errors: no-such-bucket, precondition-failed, no-such-key (an If-Match on nothing).
   */
  putObject(put: {
    readonly bucket: string
    readonly key: string
    readonly record: ObjectRecord
    readonly data: NewData
    readonly condition?: WriteCondition
  }): Promise<void>
  /** The record and a handle on the data of this very generation. Errors: no-such-bucket, no-such-key. */
  getObject(bucket: string, key: string): Promise<StoredObject>
  /**
   * Opens the stored bytes of one stream of the object: `index` counts `record.parts`, or is 0 for an object without.
   * The caller closes it. Errors: no-such-key when that generation is gone (look the object up again).
   */
  openData(object: StoredObject, index: number): Promise<OpenData>
  /** Removes the object; nothing there is no error. Errors: no-such-bucket, precondition-failed. */
  deleteObject(bucket: string, key: string, condition?: WriteCondition): Promise<void>
  /** One page in UTF-8 byte order of keys. Errors: no-such-bucket. */
  listObjects(bucket: string, query: ListQuery): Promise<ObjectPage>

  /** Errors: no-such-bucket. Resolves to the upload's id, URL-safe. */
  createUpload(upload: Omit<UploadRecord, 'uploadId'>): Promise<string>
  /** Errors: no-such-bucket, no-such-upload (also when bucket and key are not the upload's own). */
  getUpload(bucket: string, key: string, uploadId: string): Promise<UploadRecord>
  /** Stores or replaces one part. Takes over `data` as putObject does. Errors: no-such-upload. */
  putPart(upload: UploadRecord, part: PartRecord, data: WrittenBytes): Promise<void>
  /** Parts in order of number, those above `after`, at most `limit`. Errors: no-such-upload. */
  listParts(
    upload: UploadRecord,
    page: { readonly after: number; readonly limit: number },
  ): Promise<{ readonly parts: readonly PartRecord[]; readonly truncated: boolean }>
  /** Running uploads by key, then by id, both in byte order. Errors: no-such-bucket. */
  listUploads(bucket: string, query: UploadQuery): Promise<UploadPage>
  /**
   * Makes the object of the parts named in `record.parts`, in that order, and ends the upload; other parts are discarded.
   * Errors: no-such-upload, invalid-part (a part is missing or is not the one that `record.parts` describes: number and
   * generation are compared), precondition-failed, no-such-key.
   */
  completeUpload(
    upload: UploadRecord,
    completion: {
      readonly record: ObjectRecord
      readonly parts: readonly PartRecord[]
      readonly condition?: WriteCondition
    },
  ): Promise<void>
  /** Errors: no-such-upload. */
  abortUpload(bucket: string, key: string, uploadId: string): Promise<void>

  /** What Sealgate itself keeps in the store, outside of users' buckets. */
  readonly system: SystemRecords

  /** Throws BackendError `unavailable` when the store can't take writes now. */
  check(): Promise<void>
  close(): Promise<void>
}

/**
 * Small records of Sealgate's own: epochs of data keys, the store's fingerprint. Names match {@link systemNamePattern},
 * values have at most {@link systemRecordSizeMax} bytes; anything else is a programmer's error. Every method can fail with
 * BackendError `unavailable`, a put also with `no-space`.
 */
export interface SystemRecords {
  /** The record as it is now, also right after a put through another process; owned by the caller. */
  get(name: string): Promise<Uint8Array | undefined>
  /**
   * Writes it whole and durably. With `onlyIfAbsent`, of any number of puts to one name exactly one writes: false tells that
   * there was a record already, which stays. Without, the result is true.
   */
  put(name: string, value: Uint8Array, options?: { readonly onlyIfAbsent?: boolean }): Promise<boolean>
  /** Names that begin so, in byte order, those above `after`, at most `limit`. */
  list(prefix: string, page: { readonly after: string; readonly limit: number }): Promise<readonly string[]>
  /** Removes it; nothing there is no error. */
  delete(name: string): Promise<void>
}

export const systemNamePattern = /^[a-z0-9/._-]{1,512}$/
/** Bytes. */
export const systemRecordSizeMax = 64 * 1024

/** Throws on a name or value that no backend has to take. */
export function requireSystemRecord(name: string, value?: Uint8Array): void {
  if (!systemNamePattern.test(name)) throw new Error(`"${name}" is not the name of a system record`)
  if (value !== undefined && value.length > systemRecordSizeMax) {
    throw new Error(`a system record of ${value.length} bytes is above ${systemRecordSizeMax}`)
  }
}

export interface Bucket {
  readonly name: string
  readonly createdAtMs: number
  /** Canonical id of the user that it belongs to. Absent: the root user. */
  readonly owner?: string
}

/** An object's metadata as stored. All of it is covered by the envelope's MAC where there is an envelope. */
export interface ObjectRecord {
  /** Plaintext bytes. */
  readonly size: number
  /** As shown to clients, without quotes. */
  readonly etag: string
  readonly modifiedAtMs: number
  /** Standard headers to give back (content-type, cache-control, …), lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata: lower-case names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  /** Canonical id of the user that it belongs to, where that is not the bucket's owner. */
  readonly owner?: string
  /** Of the plaintext. */
  readonly checksum?: Checksum
  /** Multipart objects: their parts in order. Absent: one stream. */
  readonly parts?: readonly ObjectPart[]
  /** The sealed envelope, FORMAT.md §4. Absent: the stored bytes are plaintext. */
  readonly envelope?: Uint8Array
}

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
  /** base64; COMPOSITE carries its `-N`. */
  readonly value: string
}

export interface ObjectPart {
  readonly number: number
  /** Plaintext bytes. */
  readonly size: number
  readonly checksum?: Checksum
}

/** A part of a running upload. */
export interface PartRecord extends ObjectPart {
  /** As shown to clients, without quotes. */
  readonly etag: string
  readonly modifiedAtMs: number
  /** Told apart from an earlier upload of the same number: 32 hex digits, chosen by the front-end. */
  readonly generation: string
  /** HMAC-SHA256 over the part's facts under a key of the object's, FORMAT.md §5. Absent: a plain upload. */
  readonly mac?: Uint8Array
}

export interface UploadRecord {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly initiatedAtMs: number
  /** Canonical id of the user that began it. Absent: the root user, or nobody known. */
  readonly initiator?: string
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: 'FULL_OBJECT' | 'COMPOSITE' }
  /** The envelope that the object will start from; sealed as in {@link ObjectRecord}. Absent: a plain upload. */
  readonly envelope?: Uint8Array
}

/** A place for the stored bytes of one object or part, until it is given to putObject or putPart. */
export interface StagedData {
  /** The engine's workers write here. */
  readonly fd: number
  /** Gives the place back; after it was used up, or discarded already, it does nothing. */
  discard(): Promise<void>
}

/** Bytes that were written anew: staged, or few enough to stand beside the record. */
export type WrittenBytes =
  | { readonly kind: 'staged'; readonly staged: StagedData }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/**
 * What becomes of a new object's bytes: new ones, or those of an existing object (whose record may differ; all its streams
 * are taken over, and the two objects live independently from then on).
 */
export type NewData = WrittenBytes | { readonly kind: 'same-as'; readonly object: StoredObject }

/** Inline bodies: data of kind `bytes` hold at most this many stored bytes. */
export const inlineDataSizeMax = 128 * 1024

export interface StoredObject {
  readonly bucket: string
  readonly key: string
  readonly record: ObjectRecord
  /** The backend's own handle on this generation of the object; opaque. */
  readonly generation: unknown
}

export interface OpenData {
  readonly source: ByteSource
  close(): Promise<void>
}

/** Evaluated in the same step as the write. ETags without quotes, `*` for any. */
export interface WriteCondition {
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
}

export interface ListQuery {
  readonly prefix: string
  /** Empty: none. May be longer than one character. */
  readonly delimiter: string
  /** Only keys after this one in byte order; where it is a whole common prefix of the listing, after all keys below it. */
  readonly startAfter: string
  /** 0..1000 entries, common prefixes counted. */
  readonly limit: number
}

export type ListEntry =
  | { readonly kind: 'object'; readonly key: string; readonly record: ListedRecord }
  | { readonly kind: 'prefix'; readonly prefix: string }

/** What a listing shows; may leave out the rest of the record. */
export type ListedRecord = Pick<
  ObjectRecord,
  'size' | 'etag' | 'modifiedAtMs' | 'storageClass' | 'owner' | 'checksum'
>

export interface ObjectPage {
  /** Objects and common prefixes in one byte order. */
  readonly entries: readonly ListEntry[]
  readonly truncated: boolean
}

export interface UploadQuery {
  readonly prefix: string
  readonly delimiter: string
  /** With an empty uploadIdMarker: keys after this one; else uploads of this key above that id, and all later keys. */
  readonly keyMarker: string
  readonly uploadIdMarker: string
  readonly limit: number
}

export interface UploadPage {
  readonly entries: readonly (
    | { readonly kind: 'upload'; readonly upload: UploadRecord }
    | { readonly kind: 'prefix'; readonly prefix: string }
  )[]
  readonly truncated: boolean
}

export type BackendErrorCode =
  | 'bucket-exists'
  | 'no-such-bucket'
  | 'bucket-not-empty'
  | 'no-such-key'
  | 'no-such-upload'
  | 'invalid-part'
  | 'precondition-failed'
  | 'no-space'
  | 'unavailable'

/** A backend operation that failed for a reason of its contract; anything else thrown is a programmer's error. */
export class BackendError extends Error {
  override readonly name = 'BackendError'
  readonly code: BackendErrorCode
  constructor(code: BackendErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
