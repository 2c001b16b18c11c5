import { isRefusal, KmsError } from '../errors.ts'
import type { Clock } from '../session/session-clock.ts'

/** Whether the place that keys come from answers, and since when it does not. Measured on real calls. */
export class Outage {
  readonly #clock: Clock
  #sinceMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sees what becomes of a call. `signal` is that of who waits for it: what was given up tells nothing. */
  async observe<T>(call: Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      const result = await call
      this.#sinceMs = undefined
      return result
    } catch (error) {
      if (isAnswer(error)) this.#sinceMs = undefined
      else if (isAway(error) && signal?.aborted !== true) this.#sinceMs ??= this.#clock.steadyMs()
      throw error
    }
  }

  get active(): boolean {
    return this.#sinceMs !== undefined
  }

  /** How long it has lasted; 0 while there is none. */
  get lastedMs(): number {
    return this.#sinceMs === undefined ? 0 : this.#clock.steadyMs() - this.#sinceMs
  }
}

/** The KMS itself said no; or control lets no key be used, and then none is to serve beyond its age. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof KmsError)) return false
  return error.byControl ? error.code === 'unavailable' : isRefusal(error)
}

/** No answer came. A limit that was reached is an answer. */
function isAway(error: unknown): boolean {
  if (!(error instanceof KmsError) || error.code !== 'unavailable') return false
  return error.retryAfterMs === undefined && !error.byControl
}
