import { setTimeout as sleep } from 'node:timers/promises'

/** Counts bytes, and keeps whoever reads them from being faster than it should. */
export class Pace {
  readonly #bytesPerSecondMax: number
  readonly #signal: AbortSignal
  readonly #startedAtMs = performance.now()
  #bytes = 0

  constructor(bytesPerSecondMax: number, signal: AbortSignal) {
    this.#bytesPerSecondMax = bytesPerSecondMax
    this.#signal = signal
  }

  /** All so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Resolves when that many more were due. Errors: the signal's reason. */
  async take(bytes: number): Promise<void> {
    this.#bytes += bytes
    const dueMs = (this.#bytes / this.#bytesPerSecondMax) * 1000
    const aheadMs = this.#startedAtMs + dueMs - performance.now()
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal: this.#signal })
    this.#signal.throwIfAborted()
  }
}
