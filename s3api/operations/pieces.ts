import type { PlainBatch } from '../../engine/index.ts'

/**
 * The bytes of batches, as a write takes them. The batches are not given back for reuse: a write keeps what it was given
 * until it has a whole batch of its own, so the memory is left to the garbage collector.
 */
export async function* plainPieces(
  batches: AsyncGenerator<PlainBatch, void, undefined>,
): AsyncGenerator<Uint8Array> {
  for await (const { data } of batches) yield data
}
