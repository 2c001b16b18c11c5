/** A data key and what it was opened from. */
export interface HeldKey {
  readonly keyId: string
  /** 32 bytes, the cache's own. */
  readonly plaintext: Uint8Array
  readonly sealed: Uint8Array
  /** Where it is known which epoch it belongs to. */
  readonly epochId?: Uint8Array
}

/** How long and how often a key may be used. */
export interface Terms {
  readonly ageMs: number
  readonly uses: number
  readonly idleMs: number
  /** How much longer than its age while its source is away; 0 for a key that seals. */
  readonly offlineGraceMs: number
}

/** A key that was taken: a copy of the caller's own, who zeroes it. */
export interface TakenKey extends HeldKey {
  /** What is left of the terms: all that the caller may pass on. `uses` is what was taken. */
  readonly terms: Terms
  /** It was held; nobody was asked for it. */
  readonly cached: boolean
}

/** Who waits for a key. The signal is looked at only where there is something to wait for. */
export interface Waiting {
  readonly signal: AbortSignal
}

export type Fetch = () => Promise<{ readonly key: HeldKey; readonly terms: Terms }>

export type EvictionReason = 'entries' | 'age' | 'idle' | 'uses' | 'grace' | 'refused' | 'dropped' | 'closed'

/** What happens in a cache, for metrics. */
export interface CacheEvents {
  hit(): void
  miss(): void
  stale(): void
  evicted(reason: EvictionReason): void
}
