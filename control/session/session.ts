import type { SecretSource } from '../config.ts'
import { KmsError } from '../errors.ts'
import type { SessionStatus } from '../providers/provider.ts'
import type { VaultClient, VaultGrant } from '../providers/vault/vault-client.ts'
import { type Clock, systemClock } from './session-clock.ts'
import { isForbidden, isRefused, isWrongCredentials, TokenLookup } from './session-lookup.ts'
import { NextStep } from './session-next.ts'
import { Pace } from './session-pace.ts'
import {
  isShrunk,
  renewalDeadlineMs,
  renewalDelayMs,
  renewalRetryMs,
  respecting,
  retryAfterMsOf,
} from './session-plan.ts'
import { haltedReason, SessionSecret } from './session-secret.ts'
import { endReason, reasonOf, type SessionLog, SessionRecord, type SessionState } from './session-state.ts'
import { type Token, toToken } from './session-token.ts'
import { waitForLogin } from './session-wait.ts'

/** What a session needs of Vault. */
export interface SessionClient extends Pick<VaultClient, 'login' | 'renewSelf' | 'unwrapSecretId'> {
  lookupSelf(token: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>
  /** A call that the role's policy should grant: refused with 403, the token is dead or the policy lacks it. */
  useKey(token: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>
}

export interface SessionOptions {
  readonly client: SessionClient
  readonly secretId: SecretSource
  readonly log: SessionLog
  readonly clock?: Clock
}

const loginIntervalMsMin = 1_000
const secretPollMs = 5_000

/**
 * Keeps a token alive: logs in, renews, logs in again. {@link start} returns at once; whatever fails is tried again in
 * the background with growing pauses, and at most one login a second. One thing only an operator can end: a secret id
 * that Vault has found wrong three times halts further logins until its file changes, or until a restart.
 */
export class Session {
  readonly #client: SessionClient
  readonly #secret: SessionSecret
  readonly #log: SessionLog
  readonly #clock: Clock
  readonly #record: SessionRecord
  readonly #lookup: TokenLookup
  readonly #loginPace: Pace
  readonly #next: NextStep
  readonly #secretWatch: NextStep
  readonly #closing = new AbortController()

  #token: Token | undefined
  #loggingIn: Promise<void> | undefined
  #renewing: Promise<void> | undefined
  #cancelExpiry = () => {}
  #onReadinessChange = () => {}
  /** Why no login is tried; of interest while the secret is stopped. */
  #halted = ''

  constructor({ client, secretId, log, clock = systemClock }: SessionOptions) {
    this.#client = client
    const { signal } = this.#closing
    this.#secret = new SessionSecret(secretId, (token) => client.unwrapSecretId(token, { signal }))
    this.#log = log
    this.#clock = clock
    this.#record = new SessionRecord(clock, log)
    this.#loginPace = new Pace(clock, loginIntervalMsMin)
    this.#next = new NextStep(clock, (delayMs) => this.#record.planned(delayMs))
    this.#secretWatch = new NextStep(clock, (delayMs) => {
      if (this.#token === undefined) this.#record.planned(delayMs)
    })
    this.#lookup = new TokenLookup({
      lookupSelf: (token) => client.lookupSelf(token, { signal }),
      useKey: (token) => client.useKey(token, { signal }),
      clock,
    })
  }

  /** Begins the first login and returns. Never throws. */
  start(): void {
    void this.#login()
  }

  /** Called after each change of `ready`. One listener. */
  onReadinessChange(listener: () => void): void {
    this.#onReadinessChange = listener
  }

  status(): SessionStatus {
    const remainingMs = this.#token === undefined ? 0 : this.#remainingMs(this.#token)
    const expires = remainingMs > 0 && Number.isFinite(remainingMs)
    return {
      ...this.#record.report(),
      ready: remainingMs > 0,
      tokenExpiresAtMs: expires ? Math.round(this.#clock.wallMs() + remainingMs) : 0,
      leaseSeconds: this.#token?.leaseSeconds ?? 0,
      loginsHalted: this.#secret.stopped,
    }
  }

  /**
   * Makes a call with the token. A call that Vault forbids is made once more if it was the token that Vault no longer
   * knew; if the token is well, it is the policy that forbids it, and the refusal stands.
   * Errors: unavailable where there is no token, or none until the signal ends; and what the call throws.
   */
  async run<T>(call: (token: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const token = await this.#obtainToken(signal)
    try {
      return await this.#lookup.use(token, call)
    } catch (error) {
      if (!isForbidden(error)) throw error
      // Another call may have found it dead already.
      if (this.#token?.value === token && !(await this.#lookup.isDead(token))) throw error
    }
    if (this.#token?.value === token) this.#drop('vault does not know the token any more')
    return await this.#lookup.use(await this.#obtainToken(signal), call)
  }

  /**
   * Stops everything. The token is not revoked: calls of others may still be on their way with it, Vault may be why
   * we are closing, and the period ends it soon by itself. Idempotent.
   */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#next.end()
    this.#secretWatch.end()
    this.#cancelExpiry()
    this.#loginPace.stop()
    this.#setToken(undefined, 'logged-out', endReason)
    await this.#loggingIn
    await this.#renewing
    this.#secret.wipe()
  }

  /** The live token, or the one of the login under way. */
  async #obtainToken(signal: AbortSignal | undefined): Promise<string> {
    if (this.#token !== undefined && this.#remainingMs(this.#token) <= 0) this.#drop('the token expired')
    if (this.#token === undefined && this.#loggingIn !== undefined)
      await waitForLogin(this.#loggingIn, { clock: this.#clock, signal })
    if (this.#token !== undefined) return this.#token.value
    const why = this.#record.reason || this.#record.state
    const waiting = this.#loggingIn === undefined ? '' : '; a login is under way'
    throw new KmsError('unavailable', `no session with vault: ${why}${waiting}`)
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
    this.#next.drop()
    await this.#loginPace.turn()
    if (signal.aborted) return
    if (this.#token !== undefined) this.#record.enter('renewing', 'logging in again')
    try {
      const secretId = await this.#secret.read()
      const askedAtMs = this.#clock.steadyMs()
      const grant = await this.#client.login(secretId, { signal }).finally(() => secretId.fill(0))
      if (signal.aborted) return
      this.#record.loggedIn()
      this.#secret.accepted()
      this.#hold(grant, askedAtMs, grant.leaseSeconds)
    } catch (error) {
      if (!signal.aborted) this.#onLoginFailed(error)
    }
  }

  #onLoginFailed(error: unknown): void {
    const reason = reasonOf(error, this.#log)
    this.#record.loginFailed(reason)
    if (isWrongCredentials(error)) this.#secret.refused()
    if (this.#secret.stopped) {
      this.#haltLogins(reason)
      return
    }
    this.#record.enter(this.#failedState(), reason)
    this.#next.plan(respecting(retryAfterMsOf(error), this.#next.backoffMs()), () => void this.#login())
  }

  /** A further refusal could lock the role out for everybody, so there is none. A token that lives is renewed all the same. */
  #haltLogins(why: string): void {
    this.#halted = haltedReason(this.#secret, why)
    this.#record.enter(this.#failedState(), this.#halted)
    this.#log.error({ session: this.#record.state }, this.#halted)
    this.#watchSecretLater()
    if (this.#token?.renewable) this.#renewAgain(this.#token)
  }

  #watchSecretLater(): void {
    if (this.#secret.changeable) this.#secretWatch.plan(secretPollMs, () => void this.#watchSecret())
  }

  async #watchSecret(): Promise<void> {
    if (!(await this.#secret.renewed())) return this.#watchSecretLater()
    this.#next.succeeded()
    return this.#login()
  }

  #renew(token: Token): void {
    if (this.#token !== token) return
    if (!this.#secret.stopped) this.#record.enter('renewing')
    this.#renewing = this.#renewOnce(token)
  }

  async #renewOnce(token: Token): Promise<void> {
    const { signal } = this.#closing
    const askedAtMs = this.#clock.steadyMs()
    try {
      const deadlineMs = renewalDeadlineMs(this.#remainingMs(token))
      const grant = await this.#client.renewSelf(token.value, token.loginLeaseSeconds, { signal, deadlineMs })
      // A login may have come between, or the token may have been found dead.
      if (this.#token !== token) return
      this.#record.renewed()
      this.#hold(grant, askedAtMs, token.loginLeaseSeconds)
    } catch (error) {
      if (this.#token === token) this.#onRenewalFailed(error, token)
    }
  }

  #onRenewalFailed(error: unknown, token: Token): void {
    const reason = reasonOf(error, this.#log)
    this.#record.renewalFailed(reason)
    this.#record.enter('degraded', this.#secret.stopped ? this.#halted : reason)
    // Dead, or not renewable after all: calls go on with it for as long as Vault takes it.
    if (isRefused(error) && !this.#secret.stopped) void this.#login()
    else this.#renewAgain(token, retryAfterMsOf(error))
  }

  #renewAgain(token: Token, askedMs = 0): void {
    const remainingMs = this.#remainingMs(token)
    const retryAfterMs = Math.min(askedMs, remainingMs / 2)
    const waitMs = respecting(retryAfterMs, renewalRetryMs(this.#next.backoffMs(), remainingMs))
    this.#next.plan(waitMs, () => this.#renew(token))
  }

  /** Takes what was granted into use and plans what comes before its end. */
  #hold(grant: VaultGrant, askedAtMs: number, loginLeaseSeconds: number): void {
    const token = toToken(grant, { askedAtMs, loginLeaseSeconds, clock: this.#clock })
    const { leaseSeconds, leaseMs, renewable } = token
    const { stopped } = this.#secret
    this.#next.succeeded()
    this.#setToken(token, stopped ? 'degraded' : 'ready', stopped ? this.#halted : '')
    this.#next.drop()
    this.#expireIfDue()
    if (this.#token !== token || leaseMs === Number.POSITIVE_INFINITY) return
    const delayMs = renewalDelayMs(leaseMs, this.#clock)
    const renews = renewable && (stopped || !isShrunk(leaseSeconds, loginLeaseSeconds))
    if (renews) this.#next.plan(delayMs, () => this.#renew(token))
    else if (!stopped) this.#next.plan(delayMs, () => void this.#login())
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
    const { reason } = this.#record
    this.#cancelExpiry()
    this.#next.drop()
    const state = this.#secret.stopped ? 'locked' : 'expired'
    this.#setToken(undefined, state, reason === '' ? why : `${why}; ${reason}`)
    if (!this.#secret.stopped) void this.#login()
  }

  #setToken(token: Token | undefined, state: SessionState, reason = ''): void {
    const changed = (token === undefined) !== (this.#token === undefined)
    this.#token = token
    this.#record.enter(state, reason)
    if (changed) this.#onReadinessChange()
  }

  #remainingMs(token: Token): number {
    return token.expiresAtMs - this.#clock.steadyMs()
  }

  #failedState(): SessionState {
    if (this.#token !== undefined) return 'degraded'
    if (this.#secret.stopped) return 'locked'
    return this.#record.logins > 0 ? 'expired' : 'logged-out'
  }
}
