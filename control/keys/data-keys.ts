import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { contextBytes } from '../context.ts'
import { isRefusal, KmsError } from '../errors.ts'
import type { Provider } from '../providers/provider.ts'
import type { EncryptionContext } from '../service.ts'
import { type Clock, systemClock } from '../session/session-clock.ts'
import { DisabledKeys } from './disabled-keys.ts'
import type { CacheEvents, Fetch, HeldKey, TakenKey, Terms, Waiting } from './held-key.ts'
import { KeyCache } from './key-cache.ts'
import type { KeyLimits } from './key-limits.ts'
import { KeyTrouble } from './key-trouble.ts'
import { Outage } from './outage.ts'
import { rewrap } from './rewrap.ts'
import { WatchHub } from './watch-hub.ts'

/** Of a call to the KMS that several wait for, so that it cannot be given up with one of them. */
const fetchDeadlineMs = 10_000
/** Longer ones are other services' payloads, which are not kept. */
const keptSealedSizeMax = 4 * 1024
/** A lease of an epoch takes this part of the uses that are left, so that they last for any number of front-ends. */
const leaseShare = 1 / 256
const leaseUsesMin = 64
/** While the KMS is away front-ends ask again so often. */
const staleLeaseMs = 30_000
/** How soon after the end of the grace all leases end. */
const graceCheckMs = 1_000
/** Between two looks whether the KMS still gives a key, for one key id. */
const probeIntervalMs = 1_000

const share = (left: number) => Math.max(leaseUsesMin, left * leaseShare)

interface Bound {
  readonly keyId: string
  readonly context: EncryptionContext
}

export interface DataKeysOptions {
  readonly provider: Provider
  readonly limits: KeyLimits
  readonly log: Logger
  readonly disabledKeysFile?: string
  readonly clock?: Clock
  readonly epochEvents?: CacheEvents
  readonly openedEvents?: CacheEvents
}

/**
 * What control does with data keys: draws, opens, keeps and withdraws them. A key that is disabled is refused by every
 * method with access-denied. Plaintexts that are returned belong to the caller.
 */
export class DataKeys {
  readonly hub: WatchHub
  readonly #provider: Provider
  readonly #limits: KeyLimits
  readonly #clock: Clock
  readonly #outage: Outage
  readonly #trouble: KeyTrouble
  readonly #disabled: DisabledKeys
  readonly #epochs: KeyCache
  readonly #opened: KeyCache
  readonly #probedAtMs = new Map<string, number>()
  /** The leases of before the outage have been ended. */
  #graceOver = false
  #cancelGraceCheck = () => {}

  /** Errors: KmsError `internal` for a list of disabled keys that cannot be read. */
  constructor(options: DataKeysOptions) {
    const { provider, limits, log, clock = systemClock, epochEvents, openedEvents } = options
    this.#provider = provider
    this.#limits = limits
    this.#clock = clock
    this.#outage = new Outage(clock)
    this.#trouble = new KeyTrouble(provider.defaultKeyId, clock)
    this.#disabled = new DisabledKeys({
      file: options.disabledKeysFile,
      log,
      clock,
      onChange: () => this.#disabledChanged(),
    })
    this.hub = new WatchHub({
      keysReused: limits.reuse === 'bucket',
      disabledKeyIds: () => this.#disabled.keyIds,
    })
    const shared = {
      entriesMax: limits.entriesMax,
      clock,
      outage: this.#outage,
      onRefused: (keyId: string) => {
        log.warn({ keyId }, 'the KMS refuses a key that it gave before; all leases of it end')
        this.#withdraw(keyId)
      },
    }
    this.#epochs = new KeyCache({ ...shared, ...(epochEvents && { events: epochEvents }) })
    this.#opened = new KeyCache({ ...shared, ...(openedEvents && { events: openedEvents }) })
    this.#checkGraceLater()
  }

  /** A fresh data key, which is not kept. */
  async generate({ keyId, context }: Bound, signal: AbortSignal): Promise<HeldKey> {
    this.#disabled.require(keyId)
    const drawing = this.#provider.generateDataKey({ keyId, context, signal })
    const drawn = this.#outage.observe(this.#trouble.observe('generate', keyId, drawing), signal)
    return { keyId, ...(await this.#suspecting(keyId, drawn)) }
  }

  /**
   * The running epoch's data key with a lease on some of its uses; undefined where keys are not reused. Errors: those of the
   * provider, also where the KMS has been away for so long that the key opens nothing any more.
   */
  async lease(bound: Bound, call: Waiting): Promise<TakenKey | undefined> {
    if (this.#limits.reuse === 'object') return undefined
    const { keyId, context } = bound
    this.#disabled.require(keyId)
    const id = `${keyId}\n${textOf(context)}`
    const taking = this.#epochs.take(id, () => this.#drawEpoch(bound), { share, call })
    const taken = await this.#suspecting(keyId, taking)
    await this.#confirm(taken, context, call)
    // Nothing is sealed in the grace; it is for what the holder opens with the same key.
    const offlineGraceMs = this.#outage.active ? 0 : this.#limits.offlineGraceMs
    return { ...taken, terms: { ...this.#leaseTerms(taken.terms), offlineGraceMs } }
  }

  /** Opens what was sealed; `leased` takes a lease, too. Errors: those of the provider, for a while from memory. */
  async open(
    bound: Bound & { readonly sealed: Uint8Array; readonly leased: boolean },
    call: Waiting,
  ): Promise<{ readonly plaintext: Uint8Array; readonly terms?: Terms; readonly cached: boolean }> {
    const { keyId, sealed, context } = bound
    this.#disabled.require(keyId)
    if (sealed.length > keptSealedSizeMax) {
      const { signal } = call
      const opening = this.#provider.decrypt({ keyId, sealed, context, signal })
      return { plaintext: await this.#outage.observe(opening, signal), cached: false }
    }
    const options = { ...(bound.leased && { share }), call }
    const taking = this.#opened.take(idOf(bound), () => this.#fetchOpened(bound), options)
    const { plaintext, terms, cached } = await this.#suspecting(keyId, taking)
    return { plaintext, cached, ...(bound.leased && { terms: this.#leaseTerms(terms) }) }
  }

  /** Seals a payload. */
  async encrypt(bound: Bound & { readonly plaintext: Uint8Array }, signal: AbortSignal): Promise<Uint8Array> {
    this.#disabled.require(bound.keyId)
    const sealing = this.#provider.encrypt({ ...bound, signal })
    return this.#outage.observe(this.#trouble.observe('encrypt', bound.keyId, sealing), signal)
  }

  /** Seals a data key anew under the newest version of its master key. Errors: those of the provider. */
  async rewrap(bound: Bound & { readonly sealed: Uint8Array }, signal: AbortSignal): Promise<Uint8Array> {
    this.#disabled.require(bound.keyId)
    return rewrap(this.#provider, { ...bound, signal })
  }

  /** Stops, or allows again, all use of a key, everywhere. Returns whether that outlives this process. Errors: those of enabling. */
  setDisabled(keyId: string, disabled: boolean): boolean {
    return disabled ? this.#disabled.disable(keyId) : this.#disabled.enable(keyId)
  }

  /** Empties the cache and ends all leases. Returns how many keys there were. */
  flush(): number {
    const count = this.#epochs.drop() + this.#opened.drop()
    this.hub.drop()
    return count
  }

  get status() {
    const { lastedMs, active } = this.#outage
    return {
      epochs: this.#epochs.size,
      openedKeys: this.#opened.size,
      offlineSinceMs: active ? this.#clock.wallMs() - lastedMs : 0,
      offlineGraceRemainingMs: Math.max(0, this.#limits.offlineGraceMs - lastedMs),
      watchers: this.hub.size,
      disabledKeyIds: this.#disabled.keyIds,
      trouble: this.#trouble.reason,
    }
  }

  /** Zeroes every key. */
  close(): void {
    this.#cancelGraceCheck()
    this.#disabled.close()
    this.hub.close()
    this.#epochs.close()
    this.#opened.close()
  }

  /** A front-end that took a lease just before the KMS went away would open objects for longer than the grace. */
  #checkGraceLater(): void {
    this.#cancelGraceCheck = this.#clock.after(graceCheckMs, () => {
      const over = this.#outage.active && this.#outage.lastedMs >= this.#limits.offlineGraceMs
      if (over && !this.#graceOver) this.hub.drop()
      this.#graceOver = over
      this.#checkGraceLater()
    })
  }

  async #drawEpoch({ keyId, context }: Bound): ReturnType<Fetch> {
    this.#disabled.require(keyId)
    const signal = AbortSignal.timeout(fetchDeadlineMs)
    const drawing = this.#provider.generateDataKey({ keyId, context, signal })
    const { plaintext, sealed } = await this.#trouble.observe('generate', keyId, drawing)
    // Whoever reads what is sealed with it needs no call to the KMS.
    const bound = { keyId, context, sealed }
    const key = { keyId, plaintext: new Uint8Array(plaintext), sealed }
    const again = () => this.#fetchOpened(bound)
    this.#opened.put(idOf(bound), { key, terms: this.#openedTerms() }, again)
    const { epochAgeMs, epochUsesMax, idleMs } = this.#limits
    const terms = { ageMs: epochAgeMs, uses: epochUsesMax, idleMs, offlineGraceMs: 0 }
    return { key: { keyId, plaintext, sealed }, terms }
  }

  async #fetchOpened({ keyId, context, sealed }: Bound & { readonly sealed: Uint8Array }): ReturnType<Fetch> {
    this.#disabled.require(keyId)
    const signal = AbortSignal.timeout(fetchDeadlineMs)
    const opening = this.#provider.decrypt({ keyId, sealed, context, signal })
    const plaintext = await this.#trouble.observe('open', keyId, opening)
    return { key: { keyId, plaintext, sealed }, terms: this.#openedTerms() }
  }

  #openedTerms(): Terms {
    const { ageMs, usesMax, idleMs, offlineGraceMs } = this.#limits
    return { ageMs, uses: usesMax, idleMs, offlineGraceMs }
  }

  #leaseTerms(terms: Terms): Terms {
    const ageMax = this.#outage.active
      ? Math.min(staleLeaseMs, this.#limits.leaseAgeMs)
      : this.#limits.leaseAgeMs
    return { ...terms, ageMs: Math.min(terms.ageMs, ageMax) }
  }

  /**
   * What seals must open. Where objects are only written nobody else opens the epoch's key, and so nobody would find out that
   * the KMS refuses it, or that the grace is over.
   */
  async #confirm(
    { keyId, sealed, plaintext }: HeldKey,
    context: EncryptionContext,
    call: Waiting,
  ): Promise<void> {
    const bound = { keyId, context, sealed }
    try {
      const opened = await this.#opened.take(idOf(bound), () => this.#fetchOpened(bound), { call })
      opened.plaintext.fill(0)
    } catch (error) {
      plaintext.fill(0)
      if (isRefusal(error)) this.#withdraw(keyId)
      throw error
    }
  }

  /**
   * Where the KMS refuses, perhaps this call only, perhaps the key as such, one of its keys that are held is asked for again:
   * that tells.
   */
  async #suspecting<T>(keyId: string, call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      const refused =
        error instanceof KmsError && (error.code === 'access-denied' || error.code === 'key-not-found')
      if (refused) this.#probe(keyId)
      throw error
    }
  }

  #probe(keyId: string): void {
    const nowMs = this.#clock.steadyMs()
    if (nowMs - (this.#probedAtMs.get(keyId) ?? Number.NEGATIVE_INFINITY) < probeIntervalMs) return
    if (this.#opened.probe(keyId)) this.#probedAtMs.set(keyId, nowMs)
  }

  #withdraw(keyId: string): void {
    this.#epochs.drop(keyId)
    this.#opened.drop(keyId)
    this.hub.drop(keyId)
  }

  #disabledChanged(): void {
    for (const keyId of this.#disabled.keyIds) {
      this.#epochs.drop(keyId)
      this.#opened.drop(keyId)
    }
    this.hub.changed()
  }
}

function textOf(context: EncryptionContext): string {
  return Buffer.from(contextBytes(context)).toString('utf8')
}

/** Of an opened key, which is bound to all three. */
function idOf({ keyId, context, sealed }: Bound & { readonly sealed: Uint8Array }): string {
  const bound = Buffer.concat([Buffer.from(`${keyId}\n${sealed.length}\n`), sealed, contextBytes(context)])
  return hash('sha256', bound, 'base64')
}
