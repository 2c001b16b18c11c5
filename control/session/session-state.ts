import type { Logger } from 'pino'
import { KmsError } from '../errors.ts'
import type { SessionStatus } from '../providers/provider.ts'
import { VaultError } from '../providers/vault/vault-error.ts'
import type { Clock } from './session-clock.ts'

/**
 *   logged-out ──login──▶ ready ◀──────────▶ renewing
 *                          ▲  ▲                  │ failed
 *                    login │  └── succeeded ── degraded
 *                          │                     │ lease ended, or token refused
 *                          ├──────────────── expired
 *                          │                     │ secret id found wrong three times
 *                          └──────────────── locked ◀── logged-out
 *
 * A token lives in `ready`, `renewing` (a renewal or a planned login is under way) and `degraded` (the last one
 * failed). There is none in `logged-out` (not yet), `expired` (not any more) and `locked` (and no login is tried until
 * the secret's source changes).
 */
export type SessionState = Exclude<SessionStatus['state'], 'none'>

/** Of a session that was closed. */
export const endReason = 'closed'

export type SessionLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** What a session remembers of itself: its state, why and since when, and what came of its logins and renewals. */
export class SessionRecord {
  readonly #clock: Clock
  readonly #log: SessionLog
  #state: SessionState = 'logged-out'
  #reason = 'not started'
  #sinceMs: number
  #nextActionAtMs = 0
  #lastLoginAtMs = 0
  #lastRenewalAtMs = 0
  #lastErrorAtMs = 0
  #lastError = ''
  #logins = 0
  #renewals = 0
  #loginFailures = 0
  #renewalFailures = 0

  constructor(clock: Clock, log: SessionLog) {
    this.#clock = clock
    this.#log = log
    this.#sinceMs = clock.wallMs()
  }

  get state(): SessionState {
    return this.#state
  }

  /** Safe to print; empty when ready. */
  get reason(): string {
    return this.#reason
  }

  get logins(): number {
    return this.#logins
  }

  /** Every change is logged. */
  enter(state: SessionState, reason = ''): void {
    const from = this.#state
    if (from === state && this.#reason === reason) return
    // A session that renews in time is well all along.
    if (from !== state && !(isWell(from) && isWell(state))) this.#sinceMs = this.#clock.wallMs()
    this.#state = state
    this.#reason = reason
    this.#log[reason === endReason ? 'info' : levelOf(from, state)](
      { session: state, from, reason },
      `vault session is ${state}`,
    )
  }

  loggedIn(): void {
    this.#logins++
    this.#lastLoginAtMs = this.#clock.wallMs()
  }

  renewed(): void {
    this.#renewals++
    this.#lastRenewalAtMs = this.#clock.wallMs()
  }

  loginFailed(reason: string): void {
    this.#loginFailures++
    this.#failed(reason)
  }

  renewalFailed(reason: string): void {
    this.#renewalFailures++
    this.#failed(reason)
  }

  /** Something will be done after the delay; `undefined` for nothing. */
  planned(delayMs: number | undefined): void {
    this.#nextActionAtMs = delayMs === undefined ? 0 : Math.round(this.#clock.wallMs() + delayMs)
  }

  report() {
    return {
      state: this.#state,
      reason: this.#reason,
      sinceMs: this.#sinceMs,
      nextActionAtMs: this.#nextActionAtMs,
      lastLoginAtMs: this.#lastLoginAtMs,
      lastRenewalAtMs: this.#lastRenewalAtMs,
      lastErrorAtMs: this.#lastErrorAtMs,
      lastError: this.#lastError,
      logins: this.#logins,
      renewals: this.#renewals,
      loginFailures: this.#loginFailures,
      renewalFailures: this.#renewalFailures,
    }
  }

  #failed(reason: string): void {
    this.#lastError = reason
    this.#lastErrorAtMs = this.#clock.wallMs()
  }
}

function isWell(state: SessionState): boolean {
  return state === 'ready' || state === 'renewing'
}

/** Renewals come and go in silence, as long as they succeed. */
function levelOf(from: SessionState, to: SessionState): 'debug' | 'info' | 'warn' {
  if (to === 'renewing') return 'debug'
  if (to === 'ready') return from === 'renewing' ? 'debug' : 'info'
  return 'warn'
}

/** What may be told of a failure. A fault of ours is logged in full, and tried again like any other. */
export function reasonOf(error: unknown, log: SessionLog): string {
  if (error instanceof VaultError || error instanceof KmsError) return error.message
  log.error({ err: error }, 'vault session')
  return 'internal error'
}
