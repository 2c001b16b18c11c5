import type { Readable } from 'node:stream'
import { BackendError } from '../backend.ts'

/** How long a body may stand still. */
export const stallMs = 30_000
const drainedSizeMax = 64 * 1024

/** The body of an answer, as it arrives. */
export class UpstreamBody {
  readonly #readable: Readable

  constructor(readable: Readable) {
    this.#readable = readable
    // What nobody reads any more may fail.
    readable.on('error', () => {})
  }

  /** Its pieces. Errors: BackendError unavailable where the store stalls or the connection breaks. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const watch = setTimeout(
      () => this.#readable.destroy(new Error(`nothing came for ${stallMs / 1000} s`)),
      stallMs,
    )
    try {
      for await (const piece of this.#readable) {
        yield piece
        watch.refresh()
      }
    } catch (error) {
      throw new BackendError('unavailable', 'the store broke off its answer', { cause: error })
    } finally {
      clearTimeout(watch)
      this.cancel()
    }
  }

  /** All of it, which must not be more than `sizeMax`. */
  async bytes(sizeMax: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    let size = 0
    for await (const piece of this.pieces()) {
      size += piece.length
      if (size > sizeMax)
        throw new BackendError('unavailable', `the store's answer has over ${sizeMax} bytes`)
      pieces.push(piece)
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, size)
  }

  /** Reads what an answer without a document has, which is next to nothing: so its connection can be used again. */
  async drain(): Promise<void> {
    await this.bytes(drainedSizeMax)
  }

  /** Lets go of it; the connection with it, unless all has come. */
  cancel(): void {
    if (!this.#readable.destroyed) this.#readable.destroy()
  }
}
