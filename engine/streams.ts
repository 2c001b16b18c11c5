import type { Digests, HashName } from './hashes.ts'
import type { ByteSource, WriteTarget } from './stored.ts'

/** What the pool is asked to do with one stream, and what comes back. */

export interface WriteOptions {
  /**
   * The plaintext, in pieces of any size, which are the pool's from then on: one that is all of its buffer loses its memory when
   * it has been used up. Ended with `return()` when the write fails or is aborted.
   */
  readonly source: AsyncIterable<Uint8Array>
  /** 32 bytes, copied; absent: the bytes are stored as they are. */
  readonly key?: Uint8Array
  /** Digests of the plaintext to compute in the same pass, none twice. */
  readonly hashes: readonly HashName[]
  /**
   * Called once, when the body turns out to be larger than `inlineSizeMax`. The caller owns and closes the target, after
   * the returned promise has settled.
   */
  readonly openTarget: () => Promise<WriteTarget>
  /** Bodies up to this many plaintext bytes, at most 256 KiB, come back as `bytes` and no target is opened. */
  readonly inlineSizeMax: number
  readonly signal?: AbortSignal
}

export interface WriteResult {
  /** Plaintext bytes read from the source. */
  readonly size: number
  /** Bytes stored. */
  readonly sealedSize: number
  readonly digests: Readonly<Digests>
  /** 12 bytes, where there is a key: what tells the stream from every other under the same key. */
  readonly nonce?: Uint8Array
  /** The stored bytes themselves, when the body was small and nothing was written to a target. */
  readonly bytes?: Uint8Array
}

export interface ReadOptions {
  readonly source: ByteSource
  /** 32 bytes, copied; absent: the bytes are read as they are. */
  readonly key?: Uint8Array
  /** The stream may be of DARE 1.0, whose end cannot be told: for MinIO's objects of before July 2018. */
  readonly acceptsVersion1?: boolean
  /** 12 bytes: the stream's nonce. Absent: of the streams under the key any may be the one. */
  readonly nonce?: Uint8Array
  /** Plaintext range [offset, offset + size) within the stream's plaintextSize, the size that the envelope promises. */
  readonly offset: number
  readonly size: number
  readonly plaintextSize: number
  readonly signal?: AbortSignal
}

/** Of a stream that is all in memory. */
export interface BytesOptions extends ReadOptions {
  readonly source: Extract<ByteSource, { readonly kind: 'bytes' }>
}

/** Plaintext that was authenticated. `data` is valid until `release` is called, at most once, by whoever is done with it. */
export interface PlainBatch {
  readonly data: Uint8Array
  /** Gives the memory back for reuse; without it the garbage collector does. */
  release(): void
}
