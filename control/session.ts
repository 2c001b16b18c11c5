import type { SecretSource } from './config.ts'
import { KmsError } from './errors.ts'
import type { SessionStatus } from './providers/provider.ts'
import type { VaultClient, VaultGrant } from './providers/vault-client.ts'
import { VaultError } from './providers/vault-error.ts'
import { type Clock, systemClock } from './session-clock.ts'
import { isForbidden, TokenLookup } from './session-lookup.ts'
import { isShrunk, nextBackoffMs, renewalDelayMs, renewalRetryMs } from './session-plan.ts'
import { refusalsMax, SessionSecret } from './session-secret.ts'
import { type SessionLog, type SessionState, StateRecord } from './session-state.ts'

/** What a session can tell of itself. `reason` also says why it is degraded, when it is still ready. */
export interface SessionReport extends SessionStatus {
  /** Since when it has been in its state. */
  readonly sinceMs: number
}

/** What a session needs of Vault. */
export type SessionClient = Pick<VaultClient, 'login' | 'renewSelf' | 'lookupSelf'>

export interface SessionOptions {
  readonly client: SessionClient
  readonly secretId: SecretSource
  readonly log: SessionLog
  readonly clock?: Clock
}

interface Token {
  readonly value: string
  /** What the login granted: asked for again at each renewal. */
  readonly loginLeaseSeconds: number
  /** On the steady clock; Infinity for never. */
  readonly expiresAtMs: number
}

const loginIntervalMsMin = 1_000
const secretPollMs = 5_000

/**
 * Keeps a token alive: logs in, renews, logs in again. {@link start} returns at once; whatever fails is tried again in
 * the background with growing pauses, and at most one login a second. One thing only an operator can end: three
 * refused logins with one secret id stop further ones until its file changes, or until a restart.
 */
export class Session {
  readonly #client: SessionClient
  readonly #secret: SessionSecret
  readonly #log: SessionLog
  readonly #clock: Clock
  readonly #state: StateRecord
  readonly #lookup: TokenLookup
  readonly #closing = new AbortController()

  #token: Token | undefined
  #logins = 0
  #renewals = 0
  #lastLoginAtMs = 0
  #lastRenewalAtMs = 0

  #loggingIn: Promise<void> | undefined
  #renewing: Promise<void> | undefined
  #loginBegunAtMs = Number.NEGATIVE_INFINITY
  #backoffMs = 0
  #cancelNext = () => {}
  #cancelExpiry = () => {}
  #endPause = () => {}
  #onReadinessChange = () => {}

  constructor({ client, secretId, log, clock = systemClock }: SessionOptions) {
    this.#client = client
    this.#secret = new SessionSecret(secretId)
    this.#log = log
    this.#clock = clock
    this.#state = new StateRecord(clock, log)
    this.#lookup = new TokenLookup((token) => client.lookupSelf(token, { signal: this.#closing.signal }))
  }

  /** Begins the first login and returns. Never throws. */
  start(): void {
    void this.#login()
  }

  /** Called after each change of `ready`. One listener. */
  onReadinessChange(listener: () => void): void {
    this.#onReadinessChange = listener
  }

  status(): SessionReport {
    const remainingMs = this.#token === undefined ? 0 : this.#remainingMs(this.#token)
    const expires = remainingMs > 0 && Number.isFinite(remainingMs)
    return {
      state: this.#state.name,
      reason: this.#state.reason,
      sinceMs: this.#state.sinceMs,
      ready: remainingMs > 0,
      tokenExpiresAtMs: expires ? Math.round(this.#clock.wallMs() + remainingMs) : 0,
      lastLoginAtMs: this.#lastLoginAtMs,
      lastRenewalAtMs: this.#lastRenewalAtMs,
      logins: this.#logins,
      renewals: this.#renewals,
    }
  }

  /**
   * Makes a call with the token. A call that Vault forbids is made once more if it was the token that Vault no longer
   * knew; if the token is well, it is the policy that forbids it, and the refusal stands.
   * Errors: unavailable where there is no token; and what the call throws.
   */
  async run<T>(call: (token: string) => Promise<T>): Promise<T> {
    const token = await this.#obtainToken()
    try {
      return await call(token)
    } catch (error) {
      if (!isForbidden(error)) throw error
      // Another call may have found it dead already.
      if (this.#token?.value === token && !(await this.#lookup.isDead(token))) throw error
    }
    if (this.#token?.value === token) this.#drop('vault does not know the token any more')
    return await call(await this.#obtainToken())
  }

  /**
   * Stops everything. The token is not revoked: calls of others may still be on their way with it, Vault may be why
   * we are closing, and the period ends it soon by itself. Idempotent.
   */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelNext()
    this.#cancelExpiry()
    this.#endPause()
    this.#setToken(undefined, 'logged-out', 'closed')
    await this.#loggingIn
    await this.#renewing
  }

  /** The live token, or the one of the login under way. */
  async #obtainToken(): Promise<string> {
    if (this.#token !== undefined && this.#remainingMs(this.#token) <= 0) this.#drop('the token expired')
    if (this.#token === undefined) await this.#loggingIn
    if (this.#token !== undefined) return this.#token.value
    throw new KmsError('unavailable', `no session with vault: ${this.#state.reason || this.#state.name}`)
  }

  /** Joins the login under way or begins one. Never rejects: what came of it is in the state. */
  #login(): Promise<void> {
    this.#loggingIn ??= this.#loginOnce().finally(() => {
      this.#loggingIn = undefined
    })
    return this.#loggingIn
  }

  async #loginOnce(): Promise<void> {
    const { signal } = this.#closing
    this.#cancelNext()
    const waitMs = this.#loginBegunAtMs + loginIntervalMsMin - this.#clock.steadyMs()
    if (waitMs > 0) await this.#pause(waitMs)
    if (signal.aborted) return
    this.#loginBegunAtMs = this.#clock.steadyMs()
    if (this.#token !== undefined) this.#state.enter('renewing', 'logging in again')
    try {
      const secretId = await this.#secret.read()
      const grant = await this.#client.login(secretId, { signal }).finally(() => secretId.fill(0))
      if (!signal.aborted) this.#onLogin(grant)
    } catch (error) {
      if (!signal.aborted) this.#onLoginFailed(error)
    }
  }

  #onLogin(grant: VaultGrant): void {
    this.#logins++
    this.#lastLoginAtMs = this.#clock.wallMs()
    this.#secret.accepted()
    this.#hold(grant, grant.leaseSeconds)
  }

  #onLoginFailed(error: unknown): void {
    if (isRefused(error)) this.#secret.refused()
    if (this.#secret.stopped) {
      this.#stopLogins()
      return
    }
    this.#state.enter(this.#failedState(), this.#reasonOf(error))
    this.#next(this.#nextBackoffMs(), () => void this.#login())
  }

  /** A further refusal could lock the role out for everybody, so there is none. */
  #stopLogins(): void {
    const cure = this.#secret.changeable ? 'put a valid one into its file' : 'restart with a valid one'
    const reason = `login stopped: vault refused the role id or secret id ${refusalsMax} times (an unknown mount is refused in the same way); ${cure}`
    this.#state.enter(this.#failedState(), reason)
    this.#log.error({ session: this.#state.name }, reason)
    if (this.#secret.changeable) this.#next(secretPollMs, () => void this.#watchSecret())
  }

  async #watchSecret(): Promise<void> {
    if (!(await this.#secret.renewed())) return this.#next(secretPollMs, () => void this.#watchSecret())
    this.#backoffMs = 0
    return this.#login()
  }

  #renew(token: Token): void {
    if (this.#token !== token) return
    this.#state.enter('renewing')
    this.#renewing = this.#renewOnce(token)
  }

  async #renewOnce(token: Token): Promise<void> {
    const { signal } = this.#closing
    try {
      const grant = await this.#client.renewSelf(token.value, token.loginLeaseSeconds, { signal })
      // A login may have come between, or the token may have been found dead.
      if (this.#token !== token) return
      this.#renewals++
      this.#lastRenewalAtMs = this.#clock.wallMs()
      this.#hold(grant, token.loginLeaseSeconds)
    } catch (error) {
      if (this.#token === token) this.#onRenewalFailed(error, token)
    }
  }

  #onRenewalFailed(error: unknown, token: Token): void {
    this.#state.enter('degraded', this.#reasonOf(error))
    // Dead, or not renewable after all: calls go on with it for as long as Vault takes it.
    if (isRefused(error)) void this.#login()
    else this.#next(renewalRetryMs(this.#nextBackoffMs(), this.#remainingMs(token)), () => this.#renew(token))
  }

  /** Takes the token into use and plans what comes before its end. */
  #hold({ token: value, leaseSeconds, renewable }: VaultGrant, loginLeaseSeconds: number): void {
    const leaseMs = leaseSeconds === 0 ? Number.POSITIVE_INFINITY : leaseSeconds * 1000
    const token = { value, loginLeaseSeconds, expiresAtMs: this.#clock.steadyMs() + leaseMs }
    this.#backoffMs = 0
    this.#setToken(token, 'ready')
    this.#cancelNext()
    this.#expireIfDue()
    if (leaseMs === Number.POSITIVE_INFINITY) return
    const renews = renewable && !isShrunk(leaseSeconds, loginLeaseSeconds)
    const action = renews ? () => this.#renew(token) : () => void this.#login()
    this.#next(renewalDelayMs(leaseMs, this.#clock), action)
  }

  /** Drops a token whose time is over, or sets the timer for it; also where that timer came early. */
  #expireIfDue(): void {
    this.#cancelExpiry()
    if (this.#token === undefined) return
    const remainingMs = this.#remainingMs(this.#token)
    if (remainingMs <= 0) this.#drop('the token expired')
    else if (Number.isFinite(remainingMs)) {
      this.#cancelExpiry = this.#clock.after(remainingMs, () => this.#expireIfDue())
    }
  }

  /** Gives the token up, and logs in unless that was stopped. */
  #drop(why: string): void {
    const { reason } = this.#state
    this.#cancelExpiry()
    this.#setToken(undefined, 'expired', reason === '' ? why : `${why}; ${reason}`)
    if (!this.#secret.stopped) void this.#login()
  }

  #setToken(token: Token | undefined, state: SessionState, reason = ''): void {
    const changed = (token === undefined) !== (this.#token === undefined)
    this.#token = token
    this.#state.enter(state, reason)
    if (changed) this.#onReadinessChange()
  }

  #remainingMs(token: Token): number {
    return token.expiresAtMs - this.#clock.steadyMs()
  }

  #failedState(): SessionState {
    if (this.#token !== undefined) return 'degraded'
    return this.#logins > 0 ? 'expired' : 'logged-out'
  }

  #reasonOf(error: unknown): string {
    if (error instanceof VaultError || error instanceof KmsError) return error.message
    // A fault of ours: told in full, and tried again like any other.
    this.#log.error({ err: error }, 'vault session')
    return 'internal error'
  }

  #nextBackoffMs(): number {
    this.#backoffMs = nextBackoffMs(this.#backoffMs, this.#clock)
    return this.#backoffMs
  }

  /** Plans the one thing that comes next, in place of whatever was planned. */
  #next(delayMs: number, action: () => void): void {
    this.#cancelNext()
    if (!this.#closing.signal.aborted) this.#cancelNext = this.#clock.after(delayMs, action)
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(delayMs, resolve)
      this.#endPause = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** Whether Vault understood and said no, so that asking again in the same way is no use. */
function isRefused(error: unknown): boolean {
  return error instanceof VaultError && (error.status === 400 || error.status === 403)
}
