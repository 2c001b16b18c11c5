import { DareError } from './errors.ts'
import type { PlainBatch, ReadOptions } from './streams.ts'

/** Stored bytes that arrive in pieces of any size, taken in runs of a known size, in order. */
export class StoredPieces {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Fills the target. Errors: unexpected-eof; what the source throws. */
  async fill(target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const piece = await this.some(target.length - done)
      target.set(piece, done)
      done += piece.length
    }
  }

  /** From 1 to `sizeMax` bytes, as they come. Errors: as above. */
  async some(sizeMax: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next()
      if (next.done === true) throw new DareError('unexpected-eof', 'the stored bytes end too early')
      this.#rest = next.value
    }
    const piece = this.#rest.subarray(0, sizeMax)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }
}

/** Plain bytes that come are given on as they come. */
export async function* readPieces(
  pieces: StoredPieces,
  { size, signal }: ReadOptions,
): AsyncGenerator<PlainBatch, void, undefined> {
  for (let rest = size; rest > 0; ) {
    signal?.throwIfAborted()
    const data = await pieces.some(rest)
    rest -= data.length
    yield { data, release() {} }
  }
}
