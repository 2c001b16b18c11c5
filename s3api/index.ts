import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { type Clock, type KeyService, systemClock } from '../control/client.ts'
import type { CryptoPool } from '../engine/index.ts'
import { openUsers } from './access/users-file.ts'
import { DocumentBudget, documentBytesMax } from './auth/document-budget.ts'
import type { Backend } from './backends/backend.ts'
import type { FrontEndConfig } from './config.ts'
import { ConnectionOrder } from './http/connection-order.ts'
import { exchange } from './http/exchange.ts'
import { createTrustedList } from './http/incoming.ts'
import { OutageLog } from './http/outage-log.ts'
import { answerProbe, probeOf } from './http/probes.ts'
import { rateWindowMs } from './http/rate-floor.ts'
import { createRouter } from './http/router.ts'
import { type HttpServer, listen } from './http/server.ts'
import { Slots } from './http/slots.ts'
import { createMetrics } from './metrics.ts'
import type { Operation, Services } from './operation.ts'
import { operations } from './operations/index.ts'
import { type Readiness, ReadinessCheck } from './readiness.ts'
import { openDataKeys } from './sse/data-keys.ts'

export { createCryptoPool } from '../engine/index.ts'
export type { FsyncPolicy } from './backends/disk/fsync-policy.ts'
export type { Gateway, GatewayConfig } from './backends/gateway/index.ts'
export { openDiskBackend, openGateway } from './backends/open.ts'
export type { FrontEndConfig } from './config.ts'
export { type RewrapReport, rewrapStore } from './sse/rewrap-store.ts'
export { type VerifyFailure, type VerifyReport, verifyStore } from './verification/verify-store.ts'

/** A running front-end. */
export interface FrontEnd {
  /** Under which clients reach it. */
  readonly url: string
  readonly port: number
  /** Whether requests can be served, and why not; as it was a second ago at most. */
  ready(): Promise<Readiness>
  /** Stops accepting, waits for running requests up to the configured time, then ends them. Idempotent. */
  close(): Promise<void>
}

/** The parts that a front-end works with; they outlive it, and whoever made them closes them. */
export interface FrontEndDependencies {
  readonly backend: Backend
  readonly pool: CryptoPool
  /** Absent: no KMS is configured. */
  readonly keys?: KeyService
  readonly log: Logger
  readonly registry: Registry
  readonly now?: () => number
  /** By which leases of keys, outages, and what is known of readiness end. */
  readonly clock?: Clock
  /** In place of all operations. */
  readonly operations?: readonly Operation[]
  /** How long a client may be too slow. */
  readonly rateWindowMs?: number
  /** What documents may hold together. */
  readonly documentBytesMax?: number
}

const drainPollMs = 20
/** A connection that was accepted just before the end has so long for its request to arrive. */
const firstRequestMs = 100

/** Starts serving S3. Errors: those of listening and of the certificate's files; a store that another KMS has written. */
export async function startFrontEnd(
  config: FrontEndConfig,
  dependencies: FrontEndDependencies,
): Promise<FrontEnd> {
  const { backend, pool, log, registry, clock = systemClock, now = Date.now } = dependencies
  const users = openUsers(config.usersFile, config.credentials.values(), { log })
  const keys = await openDataKeys(dependencies.keys, {
    system: backend.system,
    log,
    registry,
    now,
    clock,
  }).catch((error: unknown) => {
    users.close()
    throw error
  })
  const services: Services = {
    config,
    backend,
    pool,
    ...(keys !== undefined && { keys }),
    now,
  }
  const slots = new Slots(config.requestsMax, config.requestsSharePercent)
  let server: HttpServer | undefined
  const metrics = createMetrics(registry, pool, {
    slots,
    connections: () => server?.connections ?? 0,
    ...(config.tls !== undefined && {
      certificateExpiresAtMs: () => server?.certificateExpiresAtMs ?? Number.NaN,
    }),
  })
  const outages = new OutageLog(log, clock)
  const running = new Set<Promise<void>>()
  let ending = false
  const surroundings = {
    services,
    users: () => users.current(),
    router: createRouter(dependencies.operations ?? operations),
    slots,
    documents: new DocumentBudget(dependencies.documentBytesMax ?? documentBytesMax, () =>
      metrics.refused('documents'),
    ),
    rateWindowMs: dependencies.rateWindowMs ?? rateWindowMs,
    trusted: createTrustedList(config.trustedProxies),
    encrypted: config.tls !== undefined,
    log,
    outages,
    metrics,
    ending: () => ending,
  }
  const order = new ConnectionOrder()
  const readiness = new ReadinessCheck(services, clock)
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const probe = probeOf(incoming)
    const answer = () =>
      probe === undefined
        ? exchange(surroundings, incoming, outgoing)
        : answerProbe(probe, outgoing, { readiness, ending })
    const work = () =>
      answer().catch((error: unknown) => {
        log.error({ err: error }, 'a request was left without an answer')
        outgoing.destroy()
      })
    const done = order.take(incoming.socket, work).finally(() => running.delete(done))
    running.add(done)
  }
  const listening = await listen(config, { handle, dropped: metrics.dropped, log }).catch(
    async (error: unknown) => {
      users.close()
      await keys?.close()
      throw error
    },
  )
  server = listening
  const scheme = listening.encrypted ? 'https' : 'http'
  const host = config.address.host.includes(':') ? `[${config.address.host}]` : config.address.host
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    ending = true
    listening.stop()
    const startedAt = performance.now()
    for (let passed = 0; passed < config.drainMs; passed = performance.now() - startedAt) {
      if (passed >= firstRequestMs) {
        listening.endIdle()
        if (running.size === 0) break
      }
      await new Promise((resolve) => setTimeout(resolve, drainPollMs))
    }
    await listening.destroy()
    await Promise.allSettled(running)
    metrics.close()
    outages.close()
    users.close()
    await keys?.close()
  }

  return {
    url: `${scheme}://${host}:${listening.port}`,
    port: listening.port,
    ready: () => readiness.ask(),
    close() {
      closed ??= close()
      return closed
    },
  }
}
