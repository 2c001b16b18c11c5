import type { EventEmitter } from 'node:events'

/** A server stream's call. */
export interface OpenStream extends EventEmitter {
  end(): unknown
}

/** Streams that a client leaves open for as long as it lives: a drain would wait for them for ever, so it ends them. */
export class OpenStreams {
  readonly #open = new Set<OpenStream>()
  #ended = false

  /** Ends it at once if the drain has begun. */
  add(stream: OpenStream): void {
    if (this.#ended) {
      stream.end()
      return
    }
    this.#open.add(stream)
    const forget = () => this.#open.delete(stream)
    stream.once('close', forget).once('cancelled', forget)
  }

  end(): void {
    this.#ended = true
    for (const stream of this.#open) stream.end()
    this.#open.clear()
  }
}
