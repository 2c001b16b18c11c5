import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { showGauge } from '../gauge.ts'
import { createCacheMetrics } from '../keys/cache-metrics.ts'
import type { CacheEvents } from '../keys/held-key.ts'
import type { Provider } from '../providers/provider.ts'
import { createSessionMetrics } from '../session/session-metrics.ts'

/** What control counts of its key operations. */
export interface ControlMetrics {
  begin(): void
  end(operation: string, code: string, durationMs: number): void
  /** Of a batch, which has its own outcome besides. */
  itemFailed(operation: string, code: string): void
  /** What to tell of a cache of this kind. */
  cacheEvents(kind: CacheKind): CacheEvents
  cacheCounts(): { readonly hits: number; readonly misses: number; readonly staleAnswers: number }
  /** Shows what the caches hold now. */
  showCaches(read: () => CacheFigures): void
}

export type CacheKind = 'epoch' | 'opened'

export interface CacheFigures {
  readonly epochs: number
  readonly openedKeys: number
  readonly offlineSinceMs: number
  readonly offlineGraceRemainingMs: number
  readonly watchers: number
}

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

export function createMetrics(registry: Registry, provider: Provider): ControlMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'sealgate_kms_requests_total',
    help: 'Key operations by outcome',
    labelNames: ['operation', 'code'],
    registers,
  })
  const seconds = new Histogram({
    name: 'sealgate_kms_request_seconds',
    help: 'Duration of key operations',
    labelNames: ['operation'],
    buckets: secondsBuckets,
    registers,
  })
  const inFlight = new Gauge({ name: 'sealgate_kms_in_flight', help: 'Key operations under way', registers })
  createSessionMetrics(registry, provider)
  const caches = createCacheMetrics(registry, 'sealgate_kms')
  return {
    cacheEvents: (kind) => caches.events(kind),
    cacheCounts: () => caches.counts,
    showCaches(read) {
      caches.showEntries('epoch', () => read().epochs)
      caches.showEntries('opened', () => read().openedKeys)
      showGauge(registry, 'sealgate_kms_offline', 'Whether the KMS does not answer', () =>
        Number(read().offlineSinceMs > 0),
      )
      showGauge(
        registry,
        'sealgate_kms_offline_grace_remaining_seconds',
        'How much longer keys are opened without the KMS; all of it while it answers',
        () => read().offlineGraceRemainingMs / 1000,
      )
      showGauge(
        registry,
        'sealgate_kms_watchers',
        'Holders of leases that are connected',
        () => read().watchers,
      )
    },
    begin: () => inFlight.inc(),
    itemFailed: (operation, code) => requests.inc({ operation, code }),
    end: (operation, code, durationMs) => {
      inFlight.dec()
      requests.inc({ operation, code })
      seconds.observe({ operation }, durationMs / 1000)
    },
  }
}

/** When our own certificate ends, for an alert before it does. */
export function showCertificate(registry: Registry, certificates: { readonly expiresAtMs: number }): void {
  showGauge(
    registry,
    'sealgate_kms_certificate_expires_seconds',
    'When the certificate of the listener ends, seconds since 1970',
    () => certificates.expiresAtMs / 1000,
  )
}
