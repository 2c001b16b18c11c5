import { KmsError } from '../errors.ts'

/** What one client may ask at once, and in a second. */
export interface ClientLimits {
  readonly inFlightMax: number
  /** Operations a second; as many more at once after a second of rest. */
  readonly perSecondMax: number
}

export const defaultLimits: ClientLimits = { inFlightMax: 2_000, perSecondMax: 10_000 }

/** Clients remembered; one that is idle with nothing used up is as good as unknown. */
const rememberedMax = 10_000
const msPerSecond = 1_000
/** When a call of this client's is likely to have ended. */
const inFlightRetryMs = 1_000

interface Usage {
  inFlight: number
  /** What is left of this second's operations, a fraction included. */
  tokens: number
  refilledAtMs: number
}

/** Counts what clients have under way, and lets their operations through at their rate. */
export class LimitedClients {
  readonly #limits: ClientLimits
  readonly #now: () => number
  readonly #clients = new Map<string, Usage>()

  constructor(limits: ClientLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /**
   * Counts an operation in, of the weight of so many; whoever calls it calls the result once it is over. Errors: KmsError
   * `unavailable` with `retryAfterMs`, when the client has reached a limit.
   */
  enter(identity: string, { weight = 1 }: { readonly weight?: number } = {}): () => void {
    const { inFlightMax, perSecondMax } = this.#limits
    const usage = this.#usageOf(identity)
    if (usage.inFlight >= inFlightMax) {
      throw new KmsError('unavailable', `this client has ${inFlightMax} calls under way already`, {
        retryAfterMs: inFlightRetryMs,
      })
    }
    // What weighs more than a second's share is let through by a full one, and is paid for afterwards.
    const needed = Math.min(weight, perSecondMax)
    if (usage.tokens < needed) {
      throw new KmsError('unavailable', `this client asks more than ${perSecondMax} operations a second`, {
        retryAfterMs: Math.max(1, ((needed - usage.tokens) / perSecondMax) * msPerSecond),
      })
    }
    usage.tokens -= weight
    usage.inFlight++
    let over = false
    return () => {
      if (!over) usage.inFlight--
      over = true
    }
  }

  #usageOf(identity: string): Usage {
    const { perSecondMax } = this.#limits
    const now = this.#now()
    const known = this.#clients.get(identity)
    if (known === undefined) {
      if (this.#clients.size >= rememberedMax) this.#forgetIdle()
      const usage = { inFlight: 0, tokens: perSecondMax, refilledAtMs: now }
      this.#clients.set(identity, usage)
      return usage
    }
    const refill = ((now - known.refilledAtMs) / msPerSecond) * perSecondMax
    known.tokens = Math.min(perSecondMax, known.tokens + refill)
    known.refilledAtMs = now
    return known
  }

  #forgetIdle(): void {
    for (const [identity, { inFlight }] of this.#clients) if (inFlight === 0) this.#clients.delete(identity)
  }
}
