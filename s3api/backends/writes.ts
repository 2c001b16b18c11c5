import type { SealDomain, WriteTarget } from '../../engine/index.ts'
import type { ObjectRecord, UploadRecord } from './records.ts'
import type { ObjectAttributes } from './versions.ts'

/** What goes with a write: where its bytes go until it is done, and under which conditions it is. */

/** What is known of stored bytes before they come: a backend that sends them on needs it at once. */
export interface StagePlan {
  readonly bucket: string
  readonly key: string
  /** How many will come. */
  readonly storedSize: number
  /** The record as far as it is known: digests, ETag and checksum are placeholders of the right size, and the MAC is of those. */
  readonly becomes:
    | {
        readonly kind: 'object'
        readonly record: ObjectRecord
        readonly attributes?: ObjectAttributes
        readonly condition?: WriteCondition
      }
    | { readonly kind: 'part'; readonly upload: UploadRecord; readonly number: number }
  readonly asked?: AskedEncryption
}

/** What encryption the client asked for or came with: for backends that have their own upstream encrypt as well. */
export interface AskedEncryption {
  readonly mode: SealDomain
  /** SSE-C: 32 bytes. */
  readonly customerKey?: Uint8Array
}

/** A place for the stored bytes of one object or part, until it is given to putObject or putPart. */
export interface StagedData {
  /** The engine writes here. */
  readonly target: WriteTarget
  /** Gives the place back; after it was used up, or discarded already, it does nothing. */
  discard(): Promise<void>
}

/** Bytes that were written anew: staged, or few enough to stand beside the record. */
export type WrittenBytes =
  | { readonly kind: 'staged'; readonly staged: StagedData }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/** Inline bodies: data of kind `bytes` hold at most this many stored bytes. */
export const inlineDataSizeMax = 128 * 1024

/** Evaluated in the same step as the write. ETags without quotes, `*` for any. */
export interface WriteCondition {
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
  /** Plaintext bytes. */
  readonly ifSize?: number
  /** Whole seconds since 1970. */
  readonly ifModifiedAt?: number
}
