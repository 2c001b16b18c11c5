import type { Clock } from './session-clock.ts'

/** Keeps two beginnings of something apart by an interval at least. */
export class Pace {
  readonly #clock: Clock
  readonly #intervalMs: number
  #begunAtMs = Number.NEGATIVE_INFINITY
  #endWait = () => {}

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /** Resolves when it may begin. For one caller at a time. */
  async turn(): Promise<void> {
    const waitMs = this.#begunAtMs + this.#intervalMs - this.#clock.steadyMs()
    if (waitMs > 0) await this.#wait(waitMs)
    this.#begunAtMs = this.#clock.steadyMs()
  }

  /** Ends a wait at once. */
  stop(): void {
    this.#endWait()
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(delayMs, resolve)
      this.#endWait = () => {
        cancel()
        resolve()
      }
    })
  }
}
