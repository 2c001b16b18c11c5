import type { Readable } from 'node:stream'
import { BackendError } from '../backend.ts'

const drainedSizeMax = 64 * 1024

/** The body of an answer, as it arrives. */
export class UpstreamBody {
  readonly #readable: Readable
  readonly #stallMs: number

  /** `stallMs`: how long it may stand still. */
  constructor(readable: Readable, stallMs: number) {
    this.#readable = readable
    this.#stallMs = stallMs
    // What nobody reads any more may fail.
    readable.on('error', () => {})
  }

  /** Its pieces. Errors: BackendError unavailable where the store stalls or the connection breaks. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    let watch = this.#watch()
    try {
      for await (const piece of this.#readable) {
        // How long the reader takes with it says nothing of the store.
        clearTimeout(watch)
        yield piece
        watch = this.#watch()
      }
    } catch (error) {
      throw brokenOff(error)
    } finally {
      clearTimeout(watch)
      this.cancel()
    }
  }

  /** All of it, in place of its pieces; it must not be more than `sizeMax`. Errors: as `pieces`. */
  bytes(sizeMax: number): Promise<Uint8Array> {
    const readable = this.#readable
    const watch = this.#watch()
    return new Promise<Uint8Array>((resolve, reject) => {
      const pieces: Uint8Array[] = []
      let size = 0
      const closed = () => {
        if (!readable.readableEnded) reject(brokenOff(readable.errored ?? new Error('it was closed')))
      }
      readable
        .on('data', (piece: Uint8Array) => {
          size += piece.length
          pieces.push(piece)
          if (size > sizeMax) readable.destroy(new Error(`it has over ${sizeMax} bytes`))
          watch.refresh()
        })
        .on('end', () => {
          const [first, ...more] = pieces
          resolve(first !== undefined && more.length === 0 ? first : Buffer.concat(pieces, size))
        })
        .on('close', closed)
      // Closed before: then none of these comes any more.
      if (readable.closed) closed()
    }).finally(() => {
      clearTimeout(watch)
      this.cancel()
    })
  }

  #watch(): NodeJS.Timeout {
    const stalled = () => this.#readable.destroy(new Error(`nothing came for ${this.#stallMs / 1000} s`))
    return setTimeout(stalled, this.#stallMs)
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

function brokenOff(cause: unknown): BackendError {
  return new BackendError('unavailable', 'the store broke off its answer', { cause })
}
