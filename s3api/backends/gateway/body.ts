import type { Readable } from 'node:stream'
import { BackendError } from '../backend.ts'
import { BodyWatch } from './body-watch.ts'

const drainedSizeMax = 64 * 1024

/** The body of an answer, as it arrives. */
export class UpstreamBody {
  readonly #readable: Readable
  readonly #watch: BodyWatch

  /** `slowMs`: how long it may stand still, or come with next to nothing. */
  constructor(readable: Readable, slowMs: number) {
    this.#readable = readable
    this.#watch = new BodyWatch(slowMs, () =>
      readable.destroy(new Error(`next to nothing came for ${slowMs / 1000} s`)),
    )
    // What nobody reads any more may fail.
    readable.on('error', () => {})
  }

  /** Its pieces. Errors: BackendError unavailable where the store stalls, or next to does, or the connection breaks. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const watch = this.#watch
    watch.wait()
    try {
      for await (const piece of this.#readable) {
        // How long the reader takes with it says nothing of the store.
        watch.came(piece.length)
        yield piece
        watch.wait()
      }
    } catch (error) {
      throw brokenOff(error)
    } finally {
      watch.end()
      this.cancel()
    }
  }

  /** All of it, in place of its pieces; it must not be more than `sizeMax`. Errors: as `pieces`. */
  bytes(sizeMax: number): Promise<Uint8Array> {
    const readable = this.#readable
    const watch = this.#watch
    watch.wait()
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
          watch.came(piece.length)
          watch.wait()
        })
        .on('end', () => {
          const [first, ...more] = pieces
          resolve(first !== undefined && more.length === 0 ? first : Buffer.concat(pieces, size))
        })
        .on('close', closed)
      // Closed before: then none of these comes any more.
      if (readable.closed) closed()
    }).finally(() => {
      watch.end()
      this.cancel()
    })
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
