import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CryptoPool } from '../engine/index.ts'
import { watched } from './watched.ts'

/** What a front-end counts. */
export interface FrontEndMetrics {
  /** A request that was told to slow down. */
  refused(reason: RefusalReason): void
  /** A connection that was one too many. */
  dropped(): void
  end(request: {
    readonly operation: string
    readonly code: string
    readonly durationMs: number
    readonly sent: number
  }): void
  /** The same body, counted. */
  received(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  close(): void
}

/** No place was free; its user had a share of them already; its document found no memory. */
export type RefusalReason = (typeof refusalReasons)[number]
const refusalReasons = ['places', 'share', 'documents'] as const

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300]
const nanosecondsPerSecond = 1e9
const delayResolutionMs = 10

/** What is there now, and how much there may be. */
export interface Occupancy {
  readonly slots: { readonly taken: number; readonly count: number }
  readonly connections: () => number
  /** With TLS: when its certificate ends. */
  readonly certificateExpiresAtMs?: () => number
}

export function createMetrics(
  registry: Registry,
  pool: CryptoPool,
  { slots, connections, certificateExpiresAtMs }: Occupancy,
): FrontEndMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'sealgate_s3_requests_total',
    help: 'Requests by outcome: OK, or the code of the error',
    labelNames: ['operation', 'code'],
    registers,
  })
  const seconds = new Histogram({
    name: 'sealgate_s3_request_seconds',
    help: 'Duration of requests, bodies included',
    labelNames: ['operation'],
    buckets: secondsBuckets,
    registers,
  })
  const received = new Counter({
    name: 'sealgate_s3_received_bytes_total',
    help: 'Body bytes received',
    registers,
  })
  const sent = new Counter({ name: 'sealgate_s3_sent_bytes_total', help: 'Body bytes sent', registers })
  const refused = new Counter({
    name: 'sealgate_s3_requests_refused_total',
    help: 'Requests that were told to slow down, for there were too many at once',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of refusalReasons) refused.inc({ reason }, 0)
  const dropped = new Counter({
    name: 'sealgate_s3_connections_dropped_total',
    help: 'Connections that were closed as they came, for there were too many at once',
    registers,
  })
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delay.enable()
  const gauge = (name: string, help: string, read: () => number, aggregator: 'sum' | 'min' | 'max' = 'sum') =>
    new Gauge({
      name,
      help,
      // Of several processes.
      aggregator,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('sealgate_s3_in_flight', 'Requests worked on', () => slots.taken)
  gauge('sealgate_s3_in_flight_max', 'Requests that may be worked on at once', () => slots.count)
  gauge('sealgate_s3_connections', 'Connections of clients', connections)
  gauge('sealgate_engine_streams', 'Streams that the engine reads or writes now', () => pool.stats().streams)
  gauge(
    'sealgate_engine_batches_in_flight',
    'Batches with the engine threads',
    () => pool.stats().batchesInFlight,
  )
  gauge(
    'sealgate_engine_batches_waiting',
    'Batches that wait for an engine thread',
    () => pool.stats().batchesWaiting,
  )
  gauge(
    'sealgate_engine_written_bytes',
    'Plaintext bytes written since start',
    () => pool.stats().bytesWritten,
  )
  gauge('sealgate_engine_read_bytes', 'Plaintext bytes read since start', () => pool.stats().bytesRead)
  gauge(
    'sealgate_event_loop_delay_p99_seconds',
    'Event loop delay since the last scrape, 99th percentile',
    () => {
      // It measures from one tick of its timer to the next, so that no delay at all is the timer's own period.
      const p99 = delay.percentile(99) / nanosecondsPerSecond - delayResolutionMs / 1000
      delay.reset()
      return Math.max(0, p99)
    },
    'max',
  )
  if (certificateExpiresAtMs !== undefined) {
    gauge(
      'sealgate_s3_certificate_expires_seconds',
      'When the certificate of the S3 port ends, seconds since 1970',
      () => certificateExpiresAtMs() / 1000,
      'min',
    )
  }
  return {
    refused: (reason) => refused.inc({ reason }),
    dropped: () => dropped.inc(),
    end(request) {
      requests.inc({ operation: request.operation, code: request.code })
      seconds.observe({ operation: request.operation }, request.durationMs / 1000)
      sent.inc(request.sent)
    },
    received: (body) => watched(body, { piece: (size) => received.inc(size) }),
    close: () => void delay.disable(),
  }
}
