interface Watcher {
  /** Shown every piece before it goes on; what it throws ends the source. */
  readonly piece: (size: number) => void
  /** The same for the end. */
  readonly end?: () => void
}

/**
 * The same pieces, each shown to the watcher before it goes on. Stands in for a generator, whose every layer would cost each piece
 * three turns of the microtask queue.
 */
export function watched(source: AsyncIterable<Uint8Array>, watcher: Watcher): AsyncIterable<Uint8Array> {
  return new Watched(source, watcher)
}

class Watched implements AsyncIterator<Uint8Array, undefined> {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #watcher: Watcher

  constructor(source: AsyncIterable<Uint8Array>, watcher: Watcher) {
    this.#pieces = source[Symbol.asyncIterator]()
    this.#watcher = watcher
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const result = await this.#pieces.next()
    try {
      if (result.done === true) this.#watcher.end?.()
      else this.#watcher.piece(result.value.length)
    } catch (error) {
      await this.#pieces.return?.()
      throw error
    }
    return result
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#pieces.return?.()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
