import { gather } from './batches.ts'
import { openPackages, sealBytes } from './dare.ts'
import { hashBytes } from './hashes.ts'
import { createOpenState } from './open-state.ts'
import { packageRange } from './sizes.ts'
import type { PlainBatch, ReadOptions, WriteOptions, WriteResult } from './streams.ts'

/** Few bytes are not worth the way to a thread: they are sealed and opened where they are. */

export async function writeInline(
  pieces: readonly Uint8Array[],
  size: number,
  { key, hashes }: WriteOptions,
): Promise<WriteResult> {
  const plaintext = gather(pieces, new Uint8Array(size))
  const digests = await hashBytes(hashes, plaintext)
  const bytes = key === undefined ? plaintext : sealBytes(key, plaintext)
  return { size, sealedSize: bytes.length, digests, bytes }
}

/** Bytes in memory are few: opened where they are. */
export async function* readInline(
  bytes: Uint8Array,
  { key, acceptsVersion1 = false, offset, size, plaintextSize }: ReadOptions,
): AsyncGenerator<PlainBatch, void, undefined> {
  const release = () => {}
  if (key === undefined) {
    yield { data: bytes.subarray(offset, offset + size), release }
    return
  }
  const range = packageRange({ offset, size, plaintextSize })
  const sealed = bytes.subarray(range.sealedOffset, range.sealedOffset + range.sealedSize)
  const target = new Uint8Array(range.sealedSize)
  const { firstSequence, reachesEnd: final } = range
  const expected = createOpenState({ acceptsVersion1 })
  openPackages(sealed, target, { key, firstSequence, final, expected })
  yield { data: target.subarray(range.skip, range.skip + size), release }
}
