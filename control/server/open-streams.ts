import type { EventEmitter } from 'node:events'

/** A server stream's call. */
export interface OpenStream extends EventEmitter {
  end(): unknown
}

/** Streams that a client leaves open for as long as it lives: a drain would wait for them for ever, so it ends them. */
export class OpenStreams {
  readonly #ends = new Map<OpenStream, () => void>()
  #ended = false

  /**
   * Ends it at once if the drain has begun. `end` is for streams that have to answer something first; the last one that was
   * given counts.
   */
  add(stream: OpenStream, end: () => void = () => stream.end()): void {
    if (this.#ended) {
      end()
      return
    }
    const known = this.#ends.has(stream)
    this.#ends.set(stream, end)
    if (known) return
    const forget = () => this.#ends.delete(stream)
    stream.once('close', forget).once('cancelled', forget)
  }

  end(): void {
    this.#ended = true
    for (const end of this.#ends.values()) end()
    this.#ends.clear()
  }
}
