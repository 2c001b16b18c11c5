import type { PlainBatch } from '../../engine/index.ts'

/**
 * The bytes of batches, as a write takes them. The batches are not given back for reuse: what a write is given is its own, and
 * the first of it it may keep, so the memory is left to the garbage collector.
 */
export async function* plainPieces(
  batches: AsyncGenerator<PlainBatch, void, undefined>,
): AsyncGenerator<Uint8Array> {
  for await (const { data } of batches) yield data
}
