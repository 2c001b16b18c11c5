import { KmsError } from '../errors.ts'
import type { CircuitStatus } from '../providers/provider.ts'
import type { Clock } from './session-clock.ts'
import { nextBackoffMs, retryAfterMsMax } from './session-plan.ts'
import type { SessionLog } from './session-state.ts'

/** Outages in a row after which calls fail at once, however quickly they came. */
const outagesMax = 5
/** The same where nothing was answered for a while: a KMS that hangs shows little. */
const silentOutagesMax = 2
const silenceMs = 4_000
/** Longest time without a try, where the KMS asked for none itself. */
const openMsMax = 5_000
/** When nobody has called for so long, the circuit does, so that its state is true. */
const idleMsMax = 15_000
/** The same while there is trouble: it is soon known whether it lasts. */
const uneasyMsMax = 3_000

/** What an error says of the KMS. `unknown`: nothing, for instance because the caller gave up at once. */
export type Verdict =
  | { readonly kind: 'answered' | 'unknown' }
  /** It could not answer; `retryAfterMs` is how long it asks us to stay away, 0 where it names no time. */
  | { readonly kind: 'outage'; readonly retryAfterMs: number }

export interface CircuitOptions {
  readonly clock: Clock
  readonly log: SessionLog
  /** `elapsedMs`: how long the call took. */
  readonly judge: (error: unknown, elapsedMs: number) => Verdict
  /** A cheap call that shows whether the KMS is back; rejects if not. */
  readonly probe: () => Promise<unknown>
}

/**
 * Keeps calls from a KMS that is away: after five outages in a row, two of a silent one, or when it asks for a pause, calls fail at once
 * instead of each waiting for its deadline, and a probe of our own, every few seconds, finds out when that is over.
 */
export class Circuit {
  readonly #options: CircuitOptions
  #state: CircuitStatus['state'] = 'closed'
  #reason = ''
  #trips = 0
  #sinceMs: number
  #retryAtMs = 0
  #openMs = 0
  #outages = 0
  #lastOutcomeAtMs: number
  #lastAnswerAtMs: number
  /** When it looked by itself, whatever came of it. */
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #closed = false
  #cancel = () => {}
  #onChange = () => {}

  constructor(options: CircuitOptions) {
    this.#options = options
    this.#sinceMs = options.clock.wallMs()
    this.#lastOutcomeAtMs = options.clock.steadyMs()
    this.#lastAnswerAtMs = this.#lastOutcomeAtMs
  }

  /** Begins to look whether the KMS is there. */
  start(): void {
    this.#watch()
  }

  /** Called after each change of state. One listener. */
  onChange(listener: () => void): void {
    this.#onChange = listener
  }

  status(): CircuitStatus {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      retryAtMs: this.#retryAtMs,
      reason: this.#reason,
      trips: this.#trips,
    }
  }

  /** Makes the call, unless calls are known to fail. Errors: unavailable; and what the call throws. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#state !== 'closed') {
      throw new KmsError('unavailable', `the KMS is not asked until it is back: ${this.#reason}`)
    }
    return this.#observed(call)
  }

  /** Stops to probe. Idempotent. */
  close(): void {
    this.#closed = true
    this.#cancel()
  }

  async #observed<T>(call: () => Promise<T>): Promise<T> {
    const { clock, judge } = this.#options
    const begunAtMs = clock.steadyMs()
    try {
      const result = await call()
      this.#answered()
      return result
    } catch (error) {
      const verdict = judge(error, clock.steadyMs() - begunAtMs)
      if (verdict.kind === 'answered') this.#answered()
      if (verdict.kind === 'outage') this.#failed(verdict.retryAfterMs, error)
      throw error
    }
  }

  /** Also the late answer to a call from before the circuit opened: the KMS is there. */
  #answered(): void {
    this.#lastOutcomeAtMs = this.#options.clock.steadyMs()
    this.#lastAnswerAtMs = this.#lastOutcomeAtMs
    this.#outages = 0
    this.#openMs = 0
    if (this.#state === 'closed') return
    this.#enter('closed', '', 0)
    this.#watch()
  }

  #failed(retryAfterMs: number, error: unknown): void {
    this.#lastOutcomeAtMs = this.#options.clock.steadyMs()
    this.#outages++
    const silent = this.#lastOutcomeAtMs - this.#lastAnswerAtMs >= silenceMs
    const tooMany = this.#outages >= (silent ? silentOutagesMax : outagesMax)
    const due = tooMany || retryAfterMs > 0 || this.#state === 'probing'
    // Calls that began before it opened fail one after the other, and change nothing.
    if (due && this.#state !== 'open') this.#open(retryAfterMs, error)
  }

  #open(retryAfterMs: number, error: unknown): void {
    const { clock } = this.#options
    this.#openMs = Math.min(openMsMax, nextBackoffMs(this.#openMs, clock))
    const waitMs = Math.max(this.#openMs, Math.min(retryAfterMs, retryAfterMsMax))
    if (this.#state === 'closed') this.#trips++
    this.#enter('open', error instanceof Error ? error.message : 'unknown', clock.wallMs() + waitMs)
    this.#plan(waitMs, () => void this.#probe())
  }

  async #probe(): Promise<void> {
    this.#enter('probing', this.#reason, 0)
    await this.#tryOut()
    // Nothing has been learnt, for want of a token for instance: then calls find out.
    if (this.#state === 'probing') this.#answered()
  }

  /** What came of it is in the state. */
  async #tryOut(): Promise<void> {
    this.#lookedAtMs = this.#options.clock.steadyMs()
    await this.#observed(this.#options.probe).catch(() => {})
  }

  #watch(): void {
    this.#plan(Math.max(0, this.#quietLeftMs()), () => void this.#lookAround())
  }

  async #lookAround(): Promise<void> {
    if (this.#state === 'closed' && this.#quietLeftMs() <= 0) await this.#tryOut()
    if (this.#state === 'closed') this.#watch()
  }

  #quietLeftMs(): number {
    const sinceMs = Math.max(this.#lastOutcomeAtMs, this.#lookedAtMs)
    const quietMs = this.#options.clock.steadyMs() - sinceMs
    return (this.#outages === 0 ? idleMsMax : uneasyMsMax) - quietMs
  }

  #enter(state: CircuitStatus['state'], reason: string, retryAtMs: number): void {
    const { clock, log } = this.#options
    const from = this.#state
    this.#state = state
    this.#reason = reason
    this.#retryAtMs = Math.round(retryAtMs)
    if ((from === 'closed') !== (state === 'closed')) {
      this.#sinceMs = clock.wallMs()
      log[state === 'closed' ? 'info' : 'warn'](
        { circuit: state, reason },
        `the circuit to the KMS is ${state}`,
      )
    }
    this.#onChange()
  }

  #plan(delayMs: number, action: () => void): void {
    this.#cancel()
    if (!this.#closed) this.#cancel = this.#options.clock.after(delayMs, action)
  }
}
