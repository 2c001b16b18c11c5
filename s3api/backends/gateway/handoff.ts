/** Hands pieces from a writer to a reader, one at a time: a piece is the writer's again when the reader asks for the next. */
export class Handoff {
  #piece: Uint8Array | undefined
  #taken: { resolve(): void; reject(error: Error): void } | undefined
  #wake: (() => void) | undefined
  #ended = false
  #broken: Error | undefined

  /** Resolves when the reader is done with the piece. Errors: what {@link break} was told. */
  put(piece: Uint8Array): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    if (this.#piece !== undefined) throw new Error('a piece is on its way already')
    this.#piece = piece
    return new Promise((resolve, reject) => {
      this.#taken = { resolve, reject }
      this.#wake?.()
    })
  }

  /** No further piece comes. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** Fails writer and reader. */
  break(error: Error): void {
    if (this.#ended && this.#piece === undefined) return
    this.#broken ??= error
    this.#taken?.reject(error)
    this.#taken = undefined
    this.#wake?.()
  }

  /** For one reader. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#broken !== undefined) throw this.#broken
      if (this.#piece !== undefined) {
        yield this.#piece
        this.#piece = undefined
        this.#taken?.resolve()
        this.#taken = undefined
      } else if (this.#ended) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    }
  }
}
