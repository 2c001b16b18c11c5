import { isRefusal, KmsError, type KmsErrorCode } from '../errors.ts'
import { type Clock, systemClock } from '../session/session-clock.ts'
import type { CacheEvents, EvictionReason, Fetch, TakenKey, Waiting } from './held-key.ts'
import { KeyEntry } from './key-entry.ts'
import { Outage } from './outage.ts'

/**
 * The one cache of data keys, in control and in every front-end: of each key one copy, bounded by entries, age, idleness and
 * uses, fetched by one call however many want it, refreshed ahead of its age, zeroed when it goes.
 */

export interface KeyCacheOptions {
  readonly entriesMax: number
  readonly clock?: Clock
  readonly events?: CacheEvents
  /** Shared by caches that have one source. */
  readonly outage?: Outage
  /** The source has refused what it gave before: called with the key's id after the key was dropped. */
  readonly onRefused?: (keyId: string) => void
}

/** Between two attempts to refresh one key. */
const refreshRetryMs = 1_000
const sweepMs = 1_000
/** How long a failure answers for the same key without another call. */
const failureMs = {
  'invalid-ciphertext': 30_000,
  'too-large': 5_000,
  'key-not-found': 5_000,
  'access-denied': 5_000,
  'not-configured': 5_000,
  unavailable: 1_000,
  internal: 1_000,
} as const satisfies Record<KmsErrorCode, number>
/** Each round of a wait for a key gives at least one who waits a use of it. */
const roundsMax = 10_000

export class KeyCache {
  readonly #clock: Clock
  readonly #entriesMax: number
  readonly #events: CacheEvents | undefined
  readonly #outage: Outage
  readonly #onRefused: (keyId: string) => void
  /** In the order of their last use. */
  readonly #entries = new Map<string, KeyEntry>()
  readonly #failures = new Map<string, { readonly error: KmsError; readonly untilMs: number }>()
  readonly #running = new Map<string, Promise<void>>()
  /** Counts drops: what was fetched before one is not kept after it. */
  #drops = 0
  #closed = false
  #cancelSweep = () => {}

  constructor({ entriesMax, clock = systemClock, events, outage, onRefused = () => {} }: KeyCacheOptions) {
    this.#clock = clock
    this.#entriesMax = entriesMax
    this.#events = events
    this.#outage = outage ?? new Outage(clock)
    this.#onRefused = onRefused
    this.#sweepLater()
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * The key of that id, fetched where it is not held. `share` names how many uses to take of those that are left, one unless
   * given. Errors: those of `fetch`, and for a while the same again without a call; unavailable when the call's signal aborts.
   */
  async take(
    id: string,
    fetch: Fetch,
    { share, call }: { readonly share?: (left: number) => number; readonly call?: Waiting } = {},
  ): Promise<TakenKey> {
    for (let round = 0; round < roundsMax; round++) {
      const held = this.#held(id)
      if (held !== undefined) {
        // Shares of what is left last for any number of takers; single uses come to an end.
        this.#refreshIfDue(id, held, { byUses: share === undefined })
        return this.#grant(id, held, { share, cached: round === 0 })
      }
      const failure = this.#failures.get(id)
      if (failure !== undefined && failure.untilMs > this.#clock.steadyMs()) throw failure.error
      if (round === 0) this.#events?.miss()
      try {
        await withSignal(this.#fetchOnce(id, fetch), call?.signal)
      } catch (error) {
        // What is held may have become good enough by the failure.
        if (this.#held(id) === undefined) throw error
      }
    }
    throw new KmsError('unavailable', 'too many want the key at once')
  }

  /** Keeps a key that came in another way than by `fetch`, which will get it anew. Takes over its plaintext. */
  put(id: string, { key, terms }: Awaited<ReturnType<Fetch>>, fetch: Fetch): void {
    if (this.#closed) {
      key.plaintext.fill(0)
      return
    }
    const entry = new KeyEntry({ key, terms }, { fetch, clock: this.#clock, outage: this.#outage })
    const before = this.#entries.get(id)
    if (before !== undefined) {
      entry.inherit(before)
      before.zero()
    }
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    this.#failures.delete(id)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#entriesMax) break
      this.#evict(oldest, 'entries')
    }
  }

  /**
   * Keeps a secret that was opened with a key: zeroed with the key, and used only while the key may be. Takes it over. Returns the
   * id of the master key; undefined: the key is not held.
   */
  keepSecret(id: string, secret: Uint8Array): string | undefined {
    const entry = this.#entries.get(id)
    entry?.keep(secret)
    if (entry === undefined) secret.fill(0)
    return entry?.key.keyId
  }

  /** Takes a use of the key for a secret that is kept with it. False: the key may not be used without asking, or the secret is gone. */
  useSecret(id: string, secret: Uint8Array): boolean {
    const held = this.#held(id)
    if (held?.keeps(secret) !== true) return false
    this.#refreshIfDue(id, held, { byUses: true })
    this.#use(id, held, { uses: 1, cached: true })
    return true
  }

  /** Zeroes a secret that is kept with a key. */
  dropSecret(id: string, secret: Uint8Array): void {
    this.#entries.get(id)?.release(secret)
    secret.fill(0)
  }

  /** Zeroes the keys of one master key, or all; what is being fetched is not kept. Returns how many there were. */
  drop(keyId?: string): number {
    this.#drops++
    this.#failures.clear()
    let count = 0
    for (const [id, { key }] of this.#entries) {
      if (keyId !== undefined && key.keyId !== keyId) continue
      this.#evict(id, 'dropped')
      count++
    }
    return count
  }

  /** Asks for one of a master key's keys anew, to see whether the source still gives it. False: none is held. */
  probe(keyId: string): boolean {
    for (const [id, entry] of this.#entries) {
      if (entry.key.keyId !== keyId) continue
      this.#fetchAgain(id, entry)
      return true
    }
    return false
  }

  close(): void {
    this.#closed = true
    this.#cancelSweep()
    this.#failures.clear()
    for (const id of [...this.#entries.keys()]) this.#evict(id, 'closed')
  }

  /** The entry, if it may be used now. */
  #held(id: string): KeyEntry | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    const reason = entry.reasonToEvict
    if (reason === undefined) return entry.isUsable ? entry : undefined
    this.#evict(id, reason)
    return undefined
  }

  #grant(
    id: string,
    entry: KeyEntry,
    { share, cached }: { readonly share: ((left: number) => number) | undefined; readonly cached: boolean },
  ): TakenKey {
    const { key, terms } = entry
    const uses = Math.min(entry.usesLeft, Math.max(1, Math.floor(share?.(entry.usesLeft) ?? 1)))
    this.#use(id, entry, { uses, cached })
    // Looked at once: a lease whose age is over in between would have a negative one.
    const { freshMs, graceLeftMs } = entry
    const isStale = freshMs <= 0
    const { keyId, sealed, epochId } = key
    return {
      keyId,
      sealed,
      // Not slice, which is no copy of a Buffer.
      plaintext: new Uint8Array(key.plaintext),
      terms: {
        ageMs: isStale ? graceLeftMs : freshMs,
        uses,
        idleMs: terms.idleMs,
        offlineGraceMs: isStale ? 0 : terms.offlineGraceMs,
      },
      cached,
      ...(epochId !== undefined && { epochId }),
    }
  }

  #use(
    id: string,
    entry: KeyEntry,
    { uses, cached }: { readonly uses: number; readonly cached: boolean },
  ): void {
    entry.use(uses)
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    if (entry.isStale) this.#events?.stale()
    else if (cached) this.#events?.hit()
  }

  /** A failure is tried again at the next use, but not at once. */
  #refreshIfDue(id: string, entry: KeyEntry, { byUses }: { readonly byUses: boolean }): void {
    if (entry.isDue({ againAfterMs: refreshRetryMs, byUses })) this.#fetchAgain(id, entry)
  }

  /** In the background. */
  #fetchAgain(id: string, entry: KeyEntry): void {
    // What it means that it failed was seen to where it failed.
    this.#fetchOnce(id, entry.fetch).catch(() => {})
  }

  #fetchOnce(id: string, fetch: Fetch): Promise<void> {
    const running = this.#running.get(id)
    if (running !== undefined) return running
    const drops = this.#drops
    const promise = this.#fetchAndPut(id, fetch, drops).finally(() => this.#running.delete(id))
    this.#running.set(id, promise)
    return promise
  }

  async #fetchAndPut(id: string, fetch: Fetch, drops: number): Promise<void> {
    try {
      const fetched = await this.#outage.observe(fetch())
      if (drops === this.#drops) this.put(id, fetched, fetch)
      else fetched.key.plaintext.fill(0)
    } catch (error) {
      if (error instanceof KmsError && drops === this.#drops) this.#failed(id, error)
      throw error
    }
  }

  #failed(id: string, error: KmsError): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined && isRefusal(error)) {
      // Not remembered: what was refused is a form of the key, and whoever asks next may know of a newer one.
      this.#evict(id, 'refused')
      this.#onRefused(entry.key.keyId)
      return
    }
    const forMs = Math.min(failureMs[error.code], error.retryAfterMs ?? Number.POSITIVE_INFINITY)
    this.#failures.set(id, { error, untilMs: this.#clock.steadyMs() + forMs })
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= this.#entriesMax) break
      this.#failures.delete(oldest)
    }
  }

  #evict(id: string, reason: EvictionReason): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    entry.zero()
    this.#events?.evicted(reason)
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      for (const [id, entry] of this.#entries) {
        const reason = entry.reasonToEvict
        if (reason !== undefined) this.#evict(id, reason)
      }
      for (const [id, { untilMs }] of this.#failures) {
        if (untilMs <= this.#clock.steadyMs()) this.#failures.delete(id)
      }
      this.#sweepLater()
    })
  }
}

/** The promise, or the signal's reason if that comes first; the promise is left to its other holders. */
function withSignal(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(new KmsError('unavailable', 'the call was given up', { cause: signal.reason }))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
