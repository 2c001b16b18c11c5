import { S3Error } from '../errors.ts'

/** What the documents of all requests of a front-end may hold together, bytes. */
export const documentBytesMax = 256 * 1024 * 1024

/** What one request holds of the budget. */
export interface DocumentRoom {
  /** So many bytes in place of those held so far. Errors: SlowDown where all together would be too many. */
  resize(size: number): void
  /** Gives all of it back. */
  release(): void
}

/**
 * Memory for request bodies that are read as a whole. There is no queue: what finds no room is told so, and what its client has
 * sent until then is let go of.
 */
export class DocumentBudget {
  readonly #bytesMax: number
  readonly #refused: () => void
  #held = 0

  /** `refused` is told of each document that found no room. */
  constructor(bytesMax: number, refused: () => void) {
    this.#bytesMax = bytesMax
    this.#refused = refused
  }

  /** Bytes. */
  get held(): number {
    return this.#held
  }

  open(): DocumentRoom {
    let own = 0
    return {
      resize: (size) => {
        if (this.#held - own + size > this.#bytesMax) {
          this.#refused()
          throw new S3Error('SlowDown')
        }
        this.#held += size - own
        own = size
      },
      release: () => {
        this.#held -= own
        own = 0
      },
    }
  }
}
