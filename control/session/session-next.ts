import type { Clock } from './session-clock.ts'
import { nextBackoffMs } from './session-plan.ts'

/** The one thing that a session does next by itself, and how long it waits after failures. */
export class NextStep {
  readonly #clock: Clock
  readonly #tell: (delayMs: number | undefined) => void
  #backoffMs = 0
  #ended = false
  #cancel = () => {}

  /** `tell` hears what is planned: in how many milliseconds, or undefined for nothing. */
  constructor(clock: Clock, tell: (delayMs: number | undefined) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** In place of whatever was planned. */
  plan(delayMs: number, action: () => void): void {
    this.drop()
    if (this.#ended) return
    this.#tell(delayMs)
    this.#cancel = this.#clock.after(delayMs, action)
  }

  drop(): void {
    this.#cancel()
    this.#tell(undefined)
  }

  /** How long to wait after one more failure. */
  backoffMs(): number {
    this.#backoffMs = nextBackoffMs(this.#backoffMs, this.#clock)
    return this.#backoffMs
  }

  /** Failures from now on count from the first. */
  succeeded(): void {
    this.#backoffMs = 0
  }

  /** Nothing comes any more. */
  end(): void {
    this.#ended = true
    this.drop()
  }
}
