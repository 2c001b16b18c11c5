import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../session/session-clock.ts'
import type { EvictionReason, Fetch, HeldKey, Terms } from './held-key.ts'
import type { Outage } from './outage.ts'

/** A cache in which many keys expire at one time would ask for all of them at one time. */
const jitterShare = 0.1
/** Of its age or its uses, after which a key in use is fetched anew while the old one still serves. */
const refreshShare = 0.8

/** A key in a cache: how long and how often it may still be used, and the secrets that were opened with it. */
export class KeyEntry {
  readonly key: HeldKey
  readonly terms: Terms
  readonly fetch: Fetch
  readonly #clock: Clock
  readonly #outage: Outage
  readonly #expiresAtMs: number
  readonly #refreshAtMs: number
  /** Of the next attempt to fetch it anew. */
  #attemptAtMs = Number.NEGATIVE_INFINITY
  #usedAtMs: number
  #usesLeft: number
  #secrets: Set<Uint8Array> | undefined

  constructor(
    { key, terms }: Awaited<ReturnType<Fetch>>,
    { fetch, clock, outage }: { readonly fetch: Fetch; readonly clock: Clock; readonly outage: Outage },
  ) {
    this.key = key
    this.terms = terms
    this.fetch = fetch
    this.#clock = clock
    this.#outage = outage
    const nowMs = clock.steadyMs()
    const ageMs = terms.ageMs * (1 - jitterShare * clock.random())
    this.#expiresAtMs = nowMs + ageMs
    this.#refreshAtMs = nowMs + ageMs * refreshShare
    this.#usedAtMs = nowMs
    this.#usesLeft = terms.uses
  }

  get usesLeft(): number {
    return this.#usesLeft
  }

  /** Negative beyond its age. */
  get freshMs(): number {
    return this.#expiresAtMs - this.#clock.steadyMs()
  }

  get isStale(): boolean {
    return this.freshMs <= 0
  }

  /** Of what is held beyond its age while the source is away. */
  get graceLeftMs(): number {
    return this.terms.offlineGraceMs - Math.max(this.#outage.lastedMs, -this.freshMs)
  }

  /** Beyond its age a key serves only while its source is away, and for so long. */
  get isUsable(): boolean {
    return !this.isStale || (this.#outage.active && this.graceLeftMs > 0)
  }

  get reasonToEvict(): EvictionReason | undefined {
    const { offlineGraceMs, idleMs } = this.terms
    if (this.#usesLeft <= 0) return 'uses'
    const beyondMs = -this.freshMs
    if (beyondMs >= 0 && offlineGraceMs === 0) return 'age'
    const overdue = this.#outage.active && this.#outage.lastedMs >= offlineGraceMs
    if (beyondMs >= offlineGraceMs || (beyondMs >= 0 && overdue)) return 'grace'
    // Nobody can tell when the source comes back, so that idle keys stay for the grace.
    if (this.#clock.steadyMs() - this.#usedAtMs >= idleMs && !this.#outage.active) return 'idle'
    return undefined
  }

  /** Whether it is time to fetch it anew, `byUses` also because few uses are left; if so, not again before `againAfterMs`. */
  isDue({ againAfterMs, byUses }: { readonly againAfterMs: number; readonly byUses: boolean }): boolean {
    const nowMs = this.#clock.steadyMs()
    if (nowMs < this.#attemptAtMs) return false
    const runsOut = byUses && this.#usesLeft < this.terms.uses * (1 - refreshShare)
    if (nowMs < this.#refreshAtMs && !runsOut) return false
    this.#attemptAtMs = nowMs + againAfterMs
    return true
  }

  use(uses: number): void {
    this.#usesLeft -= uses
    this.#usedAtMs = this.#clock.steadyMs()
  }

  /** Takes over a secret that was opened with the key, and zeroes it with the key. */
  keep(secret: Uint8Array): void {
    this.#secrets ??= new Set()
    this.#secrets.add(secret)
  }

  keeps(secret: Uint8Array): boolean {
    return this.#secrets?.has(secret) === true
  }

  release(secret: Uint8Array): void {
    this.#secrets?.delete(secret)
  }

  /** Takes over the secrets of an entry that this one replaces, if it has the same key. */
  inherit(before: KeyEntry): void {
    const [old, now] = [before.key.plaintext, this.key.plaintext]
    if (old.length !== now.length || !timingSafeEqual(old, now)) return
    this.#secrets = before.#secrets
    before.#secrets = undefined
  }

  zero(): void {
    this.key.plaintext.fill(0)
    for (const secret of this.#secrets ?? []) secret.fill(0)
    this.#secrets = undefined
  }
}
