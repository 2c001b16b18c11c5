import { free } from './spent-buffers.ts'

/** A run of plaintext: in a buffer's first `size` bytes, or, where the source ended after few, as the pieces that came. */
export type Batch =
  | {
      readonly buffer: ArrayBuffer
      readonly size: number
      /** The source ends with it. */
      readonly final: boolean
    }
  | { readonly pieces: readonly Uint8Array[]; readonly size: number; readonly final: true }

export interface BatchOptions {
  readonly batchSize: number
  /** So many bytes are kept as the pieces that they came in: few are not worth a buffer, nor is a source that stands still. */
  readonly loosePiecesMax: number
  /** A buffer of at least `batchSize` bytes, which goes to whoever gets the batch. */
  take(): ArrayBuffer
}

/**
 * Cuts a source of any pieces in batches of exactly `batchSize` bytes, but for the last, which has 0..batchSize. A full batch is
 * held back until the source goes on or ends: only then is it known whether it is the final one. Pieces are copied as they come:
 * held until a batch is full they would outlive the collections of young garbage. Then they are freed, where they are all of
 * their buffer: the next that comes finds its place still in the processor's cache (docs/performance.md).
 */
export async function* inBatches(
  source: AsyncIterable<Uint8Array>,
  { batchSize, loosePiecesMax, take }: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  let loose = new LoosePieces()
  let filled: Uint8Array<ArrayBuffer> | undefined
  let size = 0
  const intoBuffer = () => {
    const bytes = gather(loose.pieces, new Uint8Array(take()))
    loose = new LoosePieces()
    return bytes
  }
  for await (const piece of source) {
    let rest = piece
    while (rest.length > 0) {
      if (size === batchSize) {
        const { buffer } = filled ?? intoBuffer()
        yield { buffer, size, final: false }
        filled = undefined
        size = 0
      }
      const taken = rest.subarray(0, batchSize - size)
      if (size + taken.length <= loosePiecesMax) loose.push(taken)
      else {
        filled ??= intoBuffer()
        filled.set(taken, size)
      }
      size += taken.length
      rest = rest.subarray(taken.length)
      // Copied to its end: what is still kept loose is not.
      if (rest.length === 0 && filled !== undefined) free(piece)
    }
  }
  yield filled === undefined
    ? { pieces: loose.pieces, size, final: true }
    : { buffer: filled.buffer, size, final: true }
}

/**
 * So many small pieces in a row become one: a client that sends byte by byte would have us hold some hundred bytes for each of
 * them.
 */
const smallPiecesMax = 256
const smallPieceSize = 1024

class LoosePieces {
  readonly pieces: Uint8Array[] = []
  #small = 0

  push(piece: Uint8Array): void {
    this.pieces.push(piece)
    this.#small = piece.length < smallPieceSize ? this.#small + 1 : 0
    if (this.#small < smallPiecesMax) return
    const last = this.pieces.splice(-smallPiecesMax)
    this.pieces.push(gather(last, new Uint8Array(last.reduce((sum, { length }) => sum + length, 0))))
    this.#small = 0
  }
}

/** The pieces one after the other at the start of `target`, which it returns. */
export function gather<Target extends Uint8Array>(pieces: readonly Uint8Array[], target: Target): Target {
  let offset = 0
  for (const piece of pieces) {
    target.set(piece, offset)
    offset += piece.length
  }
  return target
}
