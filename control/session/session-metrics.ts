import { Counter, Gauge, type Registry } from 'prom-client'
import { showGauge } from '../gauge.ts'
import type { Provider, SessionStatus } from '../providers/provider.ts'

const sessionStates: readonly SessionStatus['state'][] = [
  'none',
  'logged-out',
  'ready',
  'renewing',
  'degraded',
  'expired',
  'locked',
]
const circuitStates = ['closed', 'open', 'probing'] as const

/** The session and the circuit as metrics (docs/metrics.md), read from their status whenever they are asked for. */
export function createSessionMetrics(registry: Registry, provider: Provider): void {
  const gauge = (name: string, help: string, read: () => number) => showGauge(registry, name, help, read)
  const states = (name: string, help: string, all: readonly string[], read: () => string) => {
    new Gauge({
      name,
      help,
      labelNames: ['state'],
      registers: [registry],
      collect() {
        const current = read()
        for (const state of all) this.set({ state }, Number(state === current))
      },
    })
  }
  const results = (
    name: string,
    help: string,
    read: () => { readonly ok: number; readonly failed: number },
  ) => {
    new Counter({
      name,
      help,
      labelNames: ['result'],
      registers: [registry],
      // The session counts; what is told here is its count.
      collect() {
        const { ok, failed } = read()
        this.reset()
        this.inc({ result: 'ok' }, ok)
        this.inc({ result: 'failed' }, failed)
      },
    })
  }
  const session = () => provider.session()

  gauge('sealgate_kms_ready', 'Whether keys can be generated now', () => Number(session().ready))
  states(
    'sealgate_kms_session_state',
    'The state of the KMS session: 1 for the one it is in',
    sessionStates,
    () => session().state,
  )
  gauge(
    'sealgate_kms_session_since_seconds',
    'When the session entered its state, seconds since 1970',
    () => session().sinceMs / 1000,
  )
  gauge('sealgate_kms_token_ttl_seconds', 'Time that the KMS token has left, 0 without a token', () =>
    Math.max(0, (session().tokenExpiresAtMs - Date.now()) / 1000),
  )
  gauge(
    'sealgate_kms_token_lease_seconds',
    'What the KMS granted last, 0 for a token without an end',
    () => session().leaseSeconds,
  )
  gauge('sealgate_kms_logins_halted', 'Whether logins have stopped until an operator acts', () =>
    Number(session().loginsHalted),
  )
  results('sealgate_kms_logins_total', 'Logins to the KMS', () => {
    const { logins, loginFailures } = session()
    return { ok: logins, failed: loginFailures }
  })
  results('sealgate_kms_renewals_total', 'Renewals of the KMS token', () => {
    const { renewals, renewalFailures } = session()
    return { ok: renewals, failed: renewalFailures }
  })
  const { circuit } = provider
  if (circuit === undefined) return
  states(
    'sealgate_kms_circuit_state',
    'Whether calls reach the KMS: 1 for the state it is in',
    circuitStates,
    () => circuit().state,
  )
  new Counter({
    name: 'sealgate_kms_circuit_trips_total',
    help: 'How often the KMS was given up for a while',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(circuit().trips)
    },
  })
}
