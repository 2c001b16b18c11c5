/**
 * So many small pieces in a row become one: a client that sends byte by byte would have us hold some hundred bytes for each of
 * them.
 */
const smallPiecesMax = 256
const smallPieceSize = 1024

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
  let small = 0
  for await (const piece of source) {
    let rest = piece
    while (rest.length > 0) {
      if (size === batchSize) {
        yield { pieces, size, final: false }
        pieces = []
        size = 0
        small = 0
      }
      const taken = rest.subarray(0, batchSize - size)
      pieces.push(taken)
      size += taken.length
      small = taken.length < smallPieceSize ? small + 1 : 0
      if (small === smallPiecesMax) {
        pieces.push(joined(pieces.splice(-smallPiecesMax)))
        small = 0
      }
      rest = rest.subarray(taken.length)
    }
  }
  yield { pieces, size, final: true }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  gather(pieces, whole)
  return whole
}

/** The pieces one after the other at the start of `target`. */
export function gather(pieces: readonly Uint8Array[], target: Uint8Array): void {
  let offset = 0
  for (const piece of pieces) {
    target.set(piece, offset)
    offset += piece.length
  }
}
