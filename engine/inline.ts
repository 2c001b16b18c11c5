import { gather } from './batches.ts'
import { createStreamNonce, joined, openEach, sealBytes } from './dare.ts'
import { hashBytes } from './hashes.ts'
import { createOpenState } from './open-state.ts'
import { packageRange } from './sizes.ts'
import type { BytesOptions, WriteOptions, WriteResult } from './streams.ts'

/** Few bytes are not worth the way to a thread: they are sealed and opened where they are. */

export async function writeInline(
  pieces: readonly Uint8Array[],
  size: number,
  { key, hashes }: WriteOptions,
): Promise<WriteResult> {
  const plaintext = gather(pieces, new Uint8Array(size))
  const digests = await hashBytes(hashes, plaintext)
  if (key === undefined) return { size, sealedSize: size, digests, bytes: plaintext }
  const nonce = createStreamNonce()
  const bytes = sealBytes(key, plaintext, { nonce })
  return { size, sealedSize: bytes.length, digests, bytes, nonce }
}

/** Bytes in memory are few: opened where they are. */
export function readInline({
  source: { bytes },
  key,
  acceptsVersion1 = false,
  nonce,
  offset,
  size,
  plaintextSize,
}: BytesOptions): Uint8Array {
  if (key === undefined) return bytes.subarray(offset, offset + size)
  const range = packageRange({ offset, size, plaintextSize })
  const sealed = bytes.subarray(range.sealedOffset, range.sealedOffset + range.sealedSize)
  const { firstSequence, reachesEnd: final } = range
  const expected = createOpenState({ acceptsVersion1, nonce })
  const plaintext = joined([...openEach(sealed, { key, firstSequence, final, expected })])
  return plaintext.subarray(range.skip, range.skip + size)
}
