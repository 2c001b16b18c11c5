/** A run of plaintext, as references to the source's pieces: nothing is copied before there is room for it. */
export interface Batch {
  readonly pieces: readonly Uint8Array[]
  readonly size: number
  /** The source ends with it. */
  readonly final: boolean
}

/**
 * Cuts a source of any pieces in batches of exactly `batchSize` bytes, but for the last, which has 0..batchSize. A full batch is
 * held back until the source goes on or ends: only then is it known whether it is the final one.
 */
export async function* inBatches(
  source: AsyncIterable<Uint8Array>,
  batchSize: number,
): AsyncGenerator<Batch, void, undefined> {
  let pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of source) {
    let rest = piece
    while (rest.length > 0) {
      if (size === batchSize) {
        yield { pieces, size, final: false }
        pieces = []
        size = 0
      }
      const taken = rest.subarray(0, batchSize - size)
      pieces.push(taken)
      size += taken.length
      rest = rest.subarray(taken.length)
    }
  }
  yield { pieces, size, final: true }
}

/** The pieces one after the other at the start of `target`. */
export function gather(pieces: readonly Uint8Array[], target: Uint8Array): void {
  let offset = 0
  for (const piece of pieces) {
    target.set(piece, offset)
    offset += piece.length
  }
}
