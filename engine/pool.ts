import type { HashName } from './hashes.ts'

/** Where stored bytes are read from: a file (by position, never by its offset) or memory. */
export type ByteSource =
  | { readonly kind: 'file'; readonly fd: number; readonly size: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

export interface CryptoPoolOptions {
  /** Worker threads, each running one long engine task. */
  readonly threads: number
}

export interface WriteOptions {
  /** The plaintext, in pieces of any size. Ended with `return()` when the write fails or is aborted. */
  readonly source: AsyncIterable<Uint8Array>
  /** 32 bytes, copied; absent: the bytes are stored as they are. */
  readonly key?: Uint8Array
  /** Digests of the plaintext to compute in the same pass, none twice. */
  readonly hashes: readonly HashName[]
  /**
   * Called once, when the body turns out to be larger than `inlineSizeMax`: the file to write to, from position 0.
   * The caller owns and closes it, after the returned promise has settled.
   */
  readonly openTarget: () => Promise<{ readonly fd: number }>
  /** Bodies up to this many plaintext bytes come back as `bytes` and no target is opened. */
  readonly inlineSizeMax: number
  readonly signal?: AbortSignal
}

export interface WriteResult {
  /** Plaintext bytes read from the source. */
  readonly size: number
  /** Bytes stored. */
  readonly sealedSize: number
  readonly digests: Readonly<Partial<Record<HashName, Uint8Array>>>
  /** The stored bytes themselves, when the body was small and nothing was written to a target. */
  readonly bytes?: Uint8Array
}

export interface ReadOptions {
  readonly source: ByteSource
  /** 32 bytes, copied; absent: the bytes are read as they are. */
  readonly key?: Uint8Array
  /** Plaintext range [offset, offset + size) within the stream's plaintextSize, the size that the envelope promises. */
  readonly offset: number
  readonly size: number
  readonly plaintextSize: number
  readonly signal?: AbortSignal
}

/** Plaintext that was authenticated. `data` is valid until `release` is called, once, by whoever is done with it. */
export interface PlainBatch {
  readonly data: Uint8Array
  release(): void
}

export interface CryptoPoolStats {
  readonly threads: number
  readonly streams: number
  readonly batchesInFlight: number
  readonly batchesWaiting: number
  readonly bytesSealed: number
  readonly bytesOpened: number
}

/** Threads that seal, open, hash, write and read the data of many streams at once. */
export interface CryptoPool {
  /** Reads the source to its end. Errors: what the source or the target throws, the signal's reason. */
  write(options: WriteOptions): Promise<WriteResult>
  /**
   * The range's plaintext in order, each batch authenticated before it is given out; a read that reaches the end of the
   * stream demands its final package. Errors: DareError, the file's, the signal's reason.
   */
  read(options: ReadOptions): AsyncGenerator<PlainBatch, void, undefined>
  stats(): CryptoPoolStats
  /** Ends the threads when running streams have ended. Idempotent. */
  close(): Promise<void>
}

export declare function createCryptoPool(options: CryptoPoolOptions): CryptoPool
