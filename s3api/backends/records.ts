import type { SealAlgorithm, SealDomain } from '../../engine/index.ts'
import type { ObjectAttributes } from './versions.ts'

/** What a backend keeps of objects, parts and uploads besides their bytes, and the pages that list them. */

/** An object's metadata as stored. All of it but the owner is covered by the envelope's MAC where there is an envelope. */
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
  /** The sealed envelope, FORMAT.md §4. Absent: the stored bytes are plaintext, or sealed by MinIO. */
  readonly envelope?: Uint8Array
  /** How MinIO has sealed the object, in place of an envelope. */
  readonly minio?: MinioSeal
}

/** The keys of an object that MinIO has stored (FORMAT.md §3). Nothing of its record is authentic but what opens with them. */
export interface MinioSeal {
  readonly mode: SealDomain
  readonly algorithm: SealAlgorithm
  readonly iv: Uint8Array
  readonly sealedObjectKey: Uint8Array
  /** SSE-S3 and SSE-KMS. */
  readonly kms?: {
    readonly keyId: string
    readonly sealedDataKey: Uint8Array
    readonly clientContext: Readonly<Record<string, string>>
  }
  /** As stored: 96 hex digits are a sealed one. */
  readonly storedEtag: string
}

/** S3 API reference, data type Checksum. */
export const checksumAlgorithms = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]

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
  /** Told apart from an earlier upload of the same number: hex digits, chosen by the front-end. */
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
  /** To whom the object will belong, as in {@link ObjectRecord}. */
  readonly owner?: string
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: 'FULL_OBJECT' | 'COMPOSITE' }
  /** The envelope that the object will start from; sealed as in {@link ObjectRecord}. Absent: a plain upload. */
  readonly envelope?: Uint8Array
  /** What the object will get; outside of the envelope's MAC. */
  readonly attributes?: ObjectAttributes
  /** The retention among them is what the bucket had by default when the upload began. */
  readonly retainsByDefault?: true
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
