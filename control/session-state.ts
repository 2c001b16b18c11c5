import type { Logger } from 'pino'
import type { Clock } from './session-clock.ts'

/**
 *   logged-out ──login──▶ ready ◀──────────▶ renewing
 *                          ▲  ▲                  │ failed
 *                    login │  └── succeeded ── degraded
 *                          │                     │ lease ended, or token refused
 *                          └────────────────── expired
 *
 * A token lives in `ready`, `renewing` (a renewal or a planned login is under way) and `degraded` (the last one
 * failed). There is none in `logged-out` (not yet) and `expired` (not any more).
 */
export type SessionState = 'logged-out' | 'ready' | 'renewing' | 'degraded' | 'expired'

export type SessionLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** The state that a session is in, why and since when; every change of it is logged. */
export class StateRecord {
  readonly #clock: Clock
  readonly #log: SessionLog
  #name: SessionState = 'logged-out'
  #reason = 'not started'
  #sinceMs: number

  constructor(clock: Clock, log: SessionLog) {
    this.#clock = clock
    this.#log = log
    this.#sinceMs = clock.wallMs()
  }

  get name(): SessionState {
    return this.#name
  }

  /** Safe to print; empty when ready. */
  get reason(): string {
    return this.#reason
  }

  /** Milliseconds since 1970. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  enter(name: SessionState, reason = ''): void {
    const from = this.#name
    if (from === name && this.#reason === reason) return
    this.#name = name
    this.#reason = reason
    this.#sinceMs = this.#clock.wallMs()
    this.#log[levelOf(from, name)]({ session: name, from, reason }, `vault session is ${name}`)
  }
}

/** Renewals come and go in silence, as long as they succeed. */
function levelOf(from: SessionState, to: SessionState): 'debug' | 'info' | 'warn' {
  if (to === 'renewing') return 'debug'
  if (to === 'ready') return from === 'renewing' ? 'debug' : 'info'
  return 'warn'
}
