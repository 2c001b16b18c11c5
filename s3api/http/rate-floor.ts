import { S3Error } from '../errors.ts'

/** How long a client may stay below the rate. */
const windowMs = 30_000

/**
 * Ends a request whose client sends or takes its bytes too slowly. Only time spent waiting for the client counts; a full window
 * of it with fewer bytes than the rate asks is too slow.
 */
export class RateFloor {
  readonly #bytesMin: number
  readonly #windowMs: number
  #bytes = 0
  #waitedMs = 0

  constructor(bytesPerSecondMin: number, window: number = windowMs) {
    this.#windowMs = window
    this.#bytesMin = (bytesPerSecondMin * window) / 1000
  }

  /** Bytes that the client sent or took. */
  moved(bytes: number): void {
    this.#bytes += bytes
  }

  /** Waits for the client. Errors: RequestTimeout when it is too slow, and the promise's own. */
  async wait<Value>(promise: Promise<Value>): Promise<Value> {
    const startedAt = performance.now()
    let timer: NodeJS.Timeout | undefined
    const tooSlow = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // Whoever moved enough earlier in this window gets the rest of a new one.
        if (this.#bytes < this.#bytesMin) reject(new S3Error('RequestTimeout'))
        else {
          this.#restart()
          timer = setTimeout(() => reject(new S3Error('RequestTimeout')), this.#windowMs)
        }
      }, this.#windowMs - this.#waitedMs)
    })
    try {
      return await Promise.race([promise, tooSlow])
    } finally {
      clearTimeout(timer)
      this.#waitedMs = Math.min(this.#waitedMs + performance.now() - startedAt, this.#windowMs)
    }
  }

  #restart(): void {
    this.#bytes = 0
    this.#waitedMs = 0
  }
}
