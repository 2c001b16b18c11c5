import type { ObjectData } from './object-data.ts'

/**
 * The bytes of an object's data, as a write takes them. Batches are not given back for reuse: what a write is given is its own,
 * and the first of it it may keep, so the memory is left to the garbage collector.
 */
export async function* plainPieces(data: ObjectData): AsyncGenerator<Uint8Array> {
  if (data instanceof Uint8Array) yield data
  else for await (const batch of data) yield batch.data
}
