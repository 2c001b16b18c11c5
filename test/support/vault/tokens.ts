import { randomBytes } from 'node:crypto'
import { oneError, Refusal } from './reply.ts'

export interface TokenSettings {
  readonly policies: readonly string[]
  readonly namespace: string
  readonly ttlSeconds: number
  readonly maxTtlSeconds: number
  /** Above 0 the token is periodic: each renewal begins a new period, for ever. */
  readonly periodSeconds: number
  readonly renewable: boolean
  /** 0 for no limit. */
  readonly uses: number
  readonly meta: Readonly<Record<string, string>>
}

export interface TokenEntry extends TokenSettings {
  readonly token: string
  readonly accessor: string
  readonly createdAtMs: number
  expiresAtMs: number
  /** What the login or the last renewal granted, in whole seconds. */
  leaseSeconds: number
  usesLeft: number
}

const defaultTtlSeconds = 768 * 3600

/** The tokens of the whole server, with real expiry by the given clock. */
export class TokenStore {
  readonly #now: () => number
  readonly #entries = new Map<string, TokenEntry>()

  constructor(now: () => number) {
    this.#now = now
  }

  create(settings: TokenSettings): TokenEntry {
    const createdAtMs = this.#now()
    const ttlSeconds = ttlOf(settings)
    const entry = {
      ...settings,
      ttlSeconds,
      token: `${settings.renewable || settings.policies.includes('root') ? 'hvs' : 'hvb'}.${randomBytes(24).toString('base64url')}`,
      accessor: randomBytes(18).toString('base64url'),
      createdAtMs,
      expiresAtMs: createdAtMs + ttlSeconds * 1000,
      leaseSeconds: ttlSeconds,
      usesLeft: settings.uses,
    }
    this.#entries.set(entry.token, entry)
    return entry
  }

  /** The living token, one use of it taken. Refuses as Vault does, which does not tell unknown from expired. */
  use(token: string): TokenEntry {
    const entry = this.find(token)
    if (entry === undefined)
      throw new Refusal(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n')
    if (entry.uses > 0 && --entry.usesLeft === 0) this.#entries.delete(token)
    return entry
  }

  find(token: string): TokenEntry | undefined {
    const entry = this.#entries.get(token)
    if (entry === undefined || entry.expiresAtMs > this.#now()) return entry
    this.#entries.delete(token)
    return undefined
  }

  renew(entry: TokenEntry, incrementSeconds: number): TokenEntry {
    if (!entry.renewable) throw new Refusal(400, 'batch tokens cannot be renewed')
    const ttl = this.#renewedTtl(entry, incrementSeconds)
    entry.expiresAtMs = this.#now() + ttl * 1000
    entry.leaseSeconds = Math.floor(ttl)
    return entry
  }

  #renewedTtl(entry: TokenEntry, incrementSeconds: number): number {
    if (entry.periodSeconds > 0) return entry.periodSeconds
    const ageSeconds = (this.#now() - entry.createdAtMs) / 1000
    const left = (entry.maxTtlSeconds || defaultTtlSeconds) - ageSeconds
    if (left <= 0) throw new Refusal(400, oneError('past the max TTL, cannot renew'))
    return Math.min(incrementSeconds || entry.ttlSeconds, left)
  }

  revoke(token: string): void {
    this.#entries.delete(token)
  }

  /** Every token that a login gave out; root tokens live on. */
  revokeAll(): void {
    for (const [token, { policies }] of this.#entries)
      if (!policies.includes('root')) this.#entries.delete(token)
  }

  /** The `data` of a look-up. */
  describe(entry: TokenEntry): object {
    const { accessor, policies, renewable, meta, periodSeconds, uses, usesLeft } = entry
    const ttl = Number.isFinite(entry.expiresAtMs) ? Math.floor((entry.expiresAtMs - this.#now()) / 1000) : 0
    const period = periodSeconds > 0 ? { period: periodSeconds } : {}
    const numUses = uses > 0 ? usesLeft : 0
    return {
      accessor,
      policies,
      renewable,
      meta,
      ttl,
      num_uses: numUses,
      id: entry.token,
      type: renewable || policies.includes('root') ? 'service' : 'batch',
      ...period,
    }
  }

  /** The `auth` of a login or renewal. */
  grant(entry: TokenEntry): object {
    return {
      client_token: entry.token,
      accessor: entry.accessor,
      policies: entry.policies,
      token_policies: entry.policies,
      metadata: entry.meta,
      lease_duration: entry.leaseSeconds,
      renewable: entry.renewable,
      entity_id: '',
      token_type: entry.renewable ? 'service' : 'batch',
      orphan: true,
      mfa_requirement: null,
      num_uses: entry.uses,
    }
  }
}

function ttlOf({ policies, periodSeconds, ttlSeconds, maxTtlSeconds }: TokenSettings): number {
  if (policies.includes('root')) return Number.POSITIVE_INFINITY
  if (periodSeconds > 0) return periodSeconds
  return Math.min(ttlSeconds || defaultTtlSeconds, maxTtlSeconds || defaultTtlSeconds)
}
