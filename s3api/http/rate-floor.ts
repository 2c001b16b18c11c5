import { S3Error } from '../errors.ts'

/** How long a client may stay below the rate. */
export const rateWindowMs = 30_000
/** Timers may come a little early. */
const toleranceMs = 1

/**
 * Ends a request whose client sends or takes its bytes too slowly. Only time spent waiting for the client counts; a full window
 * of it with fewer bytes than the rate asks is too slow. One timer a window, not one a wait: waits are many.
 */
export class RateFloor {
  readonly #bytesMin: number
  readonly #windowMs: number
  #bytes = 0
  #waitedMs = 0
  #waitingSince: number | undefined
  #tooSlow: ((error: Error) => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(bytesPerSecondMin: number, window: number = rateWindowMs) {
    this.#windowMs = window
    this.#bytesMin = (bytesPerSecondMin * window) / 1000
  }

  /** Bytes that the client sent or took. */
  moved(bytes: number): void {
    this.#bytes += bytes
  }

  /** Waits for the client, for one thing at a time. Errors: RequestTimeout when it is too slow, and the promise's own. */
  wait<Value>(promise: Promise<Value>): Promise<Value> {
    this.#waitingSince = performance.now()
    this.#timer ??= this.#arm()
    return new Promise((resolve, reject) => {
      this.#tooSlow = reject
      promise.then(
        (value) => {
          this.#waited()
          resolve(value)
        },
        (error: unknown) => {
          this.#waited()
          reject(error)
        },
      )
    })
  }

  /** The request is over. */
  close(): void {
    clearTimeout(this.#timer)
  }

  #waited(): void {
    this.#waitedMs = Math.min(this.#waitedMs + this.#currentWaitMs(), this.#windowMs)
    this.#waitingSince = undefined
    this.#tooSlow = undefined
  }

  #currentWaitMs(): number {
    return this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince
  }

  #arm(): NodeJS.Timeout {
    return setTimeout(() => this.#look(), this.#windowMs - this.#waitedMs)
  }

  #look(): void {
    this.#timer = undefined
    // Where nobody waits now, the next wait sets the timer again.
    if (this.#waitingSince === undefined) return
    if (this.#waitedMs + this.#currentWaitMs() + toleranceMs >= this.#windowMs) {
      if (this.#bytes < this.#bytesMin) {
        this.#tooSlow?.(new S3Error('RequestTimeout'))
        return
      }
      // Whoever moved enough in this window gets a new one.
      this.#bytes = 0
      this.#waitedMs = 0
      this.#waitingSince = performance.now()
    }
    this.#waitedMs += this.#currentWaitMs()
    this.#waitingSince = performance.now()
    this.#timer = this.#arm()
  }
}
