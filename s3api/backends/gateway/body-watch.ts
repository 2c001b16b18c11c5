/** What a store that is not stuck sends in a second. */
const bytesPerSecondMin = 1024

/**
 * Tells when an answer's body comes too slowly: fewer bytes in so long than the rate asks, none among them. Only time spent waiting
 * for the store counts.
 */
export class BodyWatch {
  readonly #ms: number
  readonly #bytesMin: number
  readonly #late: () => void
  #bytes = 0
  #waitedMs = 0
  #since = 0
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, late: () => void) {
    this.#ms = ms
    this.#bytesMin = (bytesPerSecondMin * ms) / 1000
    this.#late = late
  }

  /** The store is waited for. */
  wait(): void {
    this.#since = performance.now()
    this.#timer = setTimeout(this.#late, this.#ms - this.#waitedMs)
  }

  /** It has sent bytes, and is waited for again when {@link wait} says so. */
  came(bytes: number): void {
    this.end()
    this.#bytes += bytes
    this.#waitedMs += performance.now() - this.#since
    if (this.#bytes < this.#bytesMin) return
    this.#bytes = 0
    this.#waitedMs = 0
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
