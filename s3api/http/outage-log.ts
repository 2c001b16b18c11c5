import type { Logger } from 'pino'
import { type Clock, systemClock } from '../../control/client.ts'
import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import { BackendError } from '../backends/backend.ts'

/** What many requests fail of at a time, which is no defect of ours, and which none of them has caused. */
const outages = {
  keys: 'data keys cannot be had',
  'key-limit': 'control allows no more key operations',
  store: 'the store is away',
  connections: 'no connection to the store is free',
  space: 'there is no space left',
} as const

type OutageName = keyof typeof outages

interface Outage {
  readonly sinceMs: number
  lastMs: number
  requests: number
  cancel: () => void
}

/** An outage is over when no request has failed of it for so long. */
const quietMs = 10_000

/**
 * Tells of an outage when it begins and when it is over, and not with every request that it fails: each has its own line, with the
 * reason, and a metric counts them.
 */
export class OutageLog {
  readonly #log: Pick<Logger, 'warn' | 'info'>
  readonly #clock: Clock
  readonly #running = new Map<OutageName, Outage>()

  constructor(log: Pick<Logger, 'warn' | 'info'>, clock: Clock = systemClock) {
    this.#log = log
    this.#clock = clock
  }

  /** Sees of what a request has failed. */
  failed(error: unknown): void {
    const name = outageOf(error)
    if (name === undefined) return
    const nowMs = this.#clock.steadyMs()
    const running = this.#running.get(name)
    if (running !== undefined) {
      running.requests++
      running.lastMs = nowMs
      return
    }
    const outage = { sinceMs: nowMs, lastMs: nowMs, requests: 1, cancel: () => {} }
    this.#running.set(name, outage)
    this.#log.warn({ outage: name, reason: reasonOf(error) }, `requests fail: ${outages[name]}`)
    this.#look(name, outage)
  }

  /** Whatever lasts is not told of any more. */
  close(): void {
    for (const { cancel } of this.#running.values()) cancel()
    this.#running.clear()
  }

  #look(name: OutageName, outage: Outage): void {
    const { sinceMs, lastMs, requests } = outage
    const restMs = lastMs + quietMs - this.#clock.steadyMs()
    if (restMs > 0) {
      outage.cancel = this.#clock.after(restMs, () => this.#look(name, outage))
      return
    }
    this.#running.delete(name)
    const seconds = Math.ceil((lastMs - sinceMs) / 1000)
    this.#log.info({ outage: name, requests, seconds }, `requests have stopped failing: ${outages[name]}`)
  }
}

/** Of what all requests share: the line of a request tells it, where the client was not told. */
export function reasonOf(error: unknown): string | undefined {
  const told = error instanceof KmsError && error.code === 'not-configured'
  if (told || !(error instanceof KmsError || outageOf(error) !== undefined)) return undefined
  return error instanceof Error ? error.message : undefined
}

const refusals: readonly KmsErrorCode[] = [
  'access-denied',
  'invalid-ciphertext',
  'too-large',
  'key-not-found',
]

/** The key service has said no: to this object or this user, and it would again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof KmsError && refusals.includes(error.code)
}

export function isNoSpace(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

function outageOf(error: unknown): OutageName | undefined {
  if (error instanceof KmsError) {
    if (error.code !== 'unavailable') return undefined
    return error.retryAfterMs === undefined ? 'keys' : 'key-limit'
  }
  if (error instanceof BackendError) {
    if (error.code === 'no-space') return 'space'
    if (error.code === 'busy') return 'connections'
    return error.code === 'unavailable' ? 'store' : undefined
  }
  return isNoSpace(error) ? 'space' : undefined
}
