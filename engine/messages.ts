import { DareError, type DareErrorCode } from './errors.ts'
import type { Digests, HashName } from './hashes.ts'

/** What the pool and its engine tasks say to each other, over one MessagePort a thread. Buffers are transferred with every message. */

/** Packages in one batch: 256 KiB keep the buffers of several streams in the processor's cache. */
export const packagesPerBatch = 4

export type Request =
  | { readonly type: 'open'; readonly stream: number; readonly setup: StreamSetup }
  | {
      /**
       * Hash and seal `size` plaintext bytes of `buffer`, and write them to the file; without one they come back in the
       * buffer. The reply to the final one has the digests and the stream's nonce.
       */
      readonly type: 'write'
      readonly stream: number
      readonly id: number
      readonly buffer: ArrayBuffer
      readonly size: number
      readonly final: boolean
    }
  | {
      /** Read `size` stored bytes at `position` of the file, or find them in `buffer`, and open them into `buffer`. */
      readonly type: 'read'
      readonly stream: number
      readonly id: number
      readonly buffer: ArrayBuffer
      readonly position: number
      readonly size: number
      readonly firstSequence: number
      readonly final: boolean
    }
  | { readonly type: 'close'; readonly stream: number }
  | { readonly type: 'stop' }

export interface StreamSetup {
  /** Absent: stored bytes come and go in the batches' buffers. */
  readonly fd: number | undefined
  /** Without a file: hash the stored bytes of each written batch, too. */
  readonly hashStored: boolean
  /** 32 bytes; absent: no encryption. */
  readonly key: Uint8Array | undefined
  /** Of what is read: it may be of DARE 1.0. */
  readonly acceptsVersion1: boolean
  /** Of what is read: the stream's, where it is known. */
  readonly nonce: Uint8Array | undefined
  readonly hashes: readonly HashName[]
}

export interface Reply {
  readonly id: number
  /** The request's buffer, on its way back. */
  readonly buffer: ArrayBuffer
  /** Write: stored bytes. Read: plaintext bytes in the buffer. */
  readonly size: number
  readonly digests?: Digests
  /** Of the stream that was written, with the digests. */
  readonly nonce?: Uint8Array
  /** SHA-256 of this batch's stored bytes, where the setup asks for it. */
  readonly storedSha256?: Uint8Array
  readonly failure?: Failure
}

/** An error as data: a class does not survive the way between threads. */
export interface Failure {
  readonly kind: 'dare' | 'system'
  readonly code: string | undefined
  readonly message: string
}

export function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return { kind: error instanceof DareError ? 'dare' : 'system', code, message }
}

/** The error that {@link toFailure} took apart. */
export function fromFailure({ kind, code, message }: Failure): Error {
  // The code of a failure of this kind was read off a DareError.
  if (kind === 'dare') return new DareError(code as DareErrorCode, message)
  return Object.assign(new Error(message), { code })
}
