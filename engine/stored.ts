import { DareError } from './errors.ts'
import { packageRange, plaintextSizeMax, sealedSizeOf } from './sizes.ts'
import type { ReadOptions } from './streams.ts'
import { batchSize, sealedBatchSize } from './threads.ts'

/** Where stored bytes are, and how many. */

/** Where stored bytes are read from: a file (by position, never by its offset), memory, or a stream that brings them. */
export type ByteSource =
  | {
      readonly kind: 'file'
      readonly fd: number
      readonly size: number
      /** Where in the file they begin; absent: at its beginning. */
      readonly start?: number
    }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stream'
      /** Stored bytes in all, of which only those that are wanted come. */
      readonly size: number
      /** Where the first of those that come stands: what {@link storedRange} says. */
      readonly offset: number
      /** Read but not ended: what follows belongs to another. */
      readonly pieces: AsyncIterable<Uint8Array>
      /** Lets a read of `pieces` that is under way fail, because nobody wants it any more. */
      cancel(): void
    }

/** Where stored bytes are written to: a file, from position 0, or whoever takes them one batch after the other. */
export type WriteTarget =
  | { readonly fd: number }
  | {
      /** Wants the SHA-256 of every batch. */
      readonly hashed: boolean
      /** Takes {@link storedBatchSize} bytes, the last time fewer. They may be used anew when the promise resolves. */
      write(bytes: Uint8Array, sha256: Uint8Array | undefined): Promise<void>
    }

/** The stored bytes [offset, offset + size) that a plaintext range is read from. */
export function storedRange({
  encrypted,
  ...range
}: {
  readonly encrypted: boolean
  readonly offset: number
  readonly size: number
  readonly plaintextSize: number
}): { readonly offset: number; readonly size: number } {
  if (!encrypted) return { offset: range.offset, size: range.size }
  const { sealedOffset, sealedSize } = packageRange(range)
  return { offset: sealedOffset, size: sealedSize }
}

/** Stored bytes of every batch but the last that a stream target is given. */
export function storedBatchSize({ encrypted }: { readonly encrypted: boolean }): number {
  return encrypted ? sealedBatchSize : batchSize
}

/** What is stored must have the size that the envelope promises, before anything of it is believed. */
export function checkSizes({ source, key, offset, size, plaintextSize }: ReadOptions): void {
  if (plaintextSize > plaintextSizeMax || offset < 0 || size < 0 || offset + size > plaintextSize) {
    throw new RangeError(`range ${offset}+${size} is outside of ${plaintextSize} bytes`)
  }
  const stored = source.kind === 'bytes' ? source.bytes.length : source.size
  if (source.kind === 'stream') {
    const wanted = storedRange({ encrypted: key !== undefined, offset, size, plaintextSize })
    if (source.offset !== wanted.offset) throw new RangeError('a stream does not begin where it is wanted')
  }
  const expected = key === undefined ? plaintextSize : sealedSizeOf(plaintextSize)
  if (stored === expected) return
  throw new DareError(
    stored < expected ? 'unexpected-eof' : 'unexpected-data',
    `${stored} bytes are stored where ${expected} belong`,
  )
}
