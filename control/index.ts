import { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { AuditLog } from './audit/audit.ts'
import type { ControlConfig } from './config.ts'
import { DataKeys } from './keys/data-keys.ts'
import { defaultKeyLimits } from './keys/key-limits.ts'
import { messageSizeMax, packageDefinition, proto } from './proto.ts'
import { createProvider } from './providers/index.ts'
import type { Provider } from './providers/provider.ts'
import { createAdminService } from './server/admin-service.ts'
import { defaultLimits, LimitedClients } from './server/client-limits.ts'
import { Gate } from './server/gate.ts'
import { gateStreams } from './server/gated-streams.ts'
import { addHealth } from './server/health.ts'
import { Identities } from './server/identity.ts'
import { createKeyAdmin } from './server/key-admin.ts'
import { createKeyService } from './server/key-service.ts'
import { bind } from './server/listener.ts'
import { boundParts } from './server/message-parts.ts'
import { createMetrics, showCertificate } from './server/metrics.ts'
import { OpenStreams } from './server/open-streams.ts'
import { openPolicy } from './server/policy-file.ts'
import { readinessOf } from './server/readiness.ts'
import type { Clock } from './session/session-clock.ts'

export type { AuditConfig } from './audit/audit.ts'
export { AuditDamage, verifyAudit } from './audit/audit-verify.ts'
export type { KeyServiceStatus } from './client.ts'
export type { ControlAddress, ControlConfig, MutualTlsFiles, SecretSource } from './config.ts'
export { type AdminService, connectAdmin, type DescribedKey } from './connection/admin-client.ts'
export { KmsError } from './errors.ts'
export type { Check } from './providers/provider.ts'
export { diagnoseKms } from './server/diagnose.ts'
export { identityOfCertificate } from './server/identity.ts'

/** How long close waits for running calls. */
const graceMs = 2_000
/** How long clients have to hear that it is draining, before their connections are. */
const noticeMs = 100

/** Of one connection, beyond what the client's limit counts: health, reflection, and calls to be told of the limit. */
const streamsBesides = 100
const keepaliveMs = 60_000
const keepaliveTimeoutMs = 20_000

/** A running control service. */
export interface Control {
  /** As clients name it. */
  readonly address: string
  ready(): { readonly ready: boolean; readonly reason: string }
  /** Ends running calls within two seconds, the KMS session and the listener. Idempotent. */
  close(): Promise<void>
}

interface Dependencies {
  readonly log: Logger
  readonly registry: Registry
  readonly version: string
  /** In place of the one that the configuration names. */
  readonly provider?: Provider
  /** Of the caches. */
  readonly clock?: Clock
}

/**
 * Starts the key service. It listens at once and is not ready until the KMS session is. Errors: KmsError `unavailable` for
 * an address that cannot be listened on.
 */
export async function startControl(config: ControlConfig, dependencies: Dependencies): Promise<Control> {
  const { log, registry, version } = dependencies
  const provider = dependencies.provider ?? (await createProvider(config, { log, registry }))
  const metrics = createMetrics(registry, provider)
  const limits = config.limits ?? defaultLimits
  const server = new Server({
    'grpc.max_receive_message_length': messageSizeMax,
    'grpc.max_send_message_length': messageSizeMax,
    // Nobody looks at its figures of every call.
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': limits.inFlightMax + streamsBesides,
    // A client whose machine is gone says nothing more: its streams end.
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
  })
  const startedAtMs = Date.now()
  const transport = config.address.kind
  const policy = openPolicy(transport, config.policyFile, { log, registry })
  const audit = config.audit && new AuditLog(config.audit, { log, registry })
  const gate = new Gate({
    identities: new Identities(transport),
    limits: new LimitedClients(limits),
    policy,
    audit,
    defaultKeyId: provider.defaultKeyId,
  })
  const keys = new DataKeys({
    provider,
    limits: config.keyLimits ?? defaultKeyLimits,
    log,
    epochEvents: metrics.cacheEvents('epoch'),
    openedEvents: metrics.cacheEvents('opened'),
    ...(config.disabledKeysFile !== undefined && { disabledKeysFile: config.disabledKeysFile }),
    ...(dependencies.clock !== undefined && { clock: dependencies.clock }),
  })
  metrics.showCaches(() => keys.status)
  const { Keys, Admin } = proto.sealgate.kms.v1
  const streams = new OpenStreams()
  const auditState = () => audit?.state()
  const parts = { gate, provider, keys, streams, metrics, log, version, startedAtMs, audit: auditState }
  const keysService = boundParts(Keys.service)
  server.addService(keysService, gateStreams(keysService, createKeyService(parts), parts))
  server.addService(boundParts(Admin.service), { ...createKeyAdmin(parts), ...createAdminService(parts) })
  const health = addHealth(server, streams)
  new ReflectionService(packageDefinition).addToServer(server)
  const readiness = () =>
    readinessOf(provider.session(), { audit: auditState(), keyTrouble: keys.status.trouble })
  const showHealth = () => health.ready(readiness().ready)
  provider.onSessionChange(showHealth)
  audit?.onChange(showHealth)
  const close = async () => {
    health.drain()
    await new Promise((resolve) => setTimeout(resolve, noticeMs))
    streams.end()
    keys.hub.close()
    await shutDown(server)
    await audit?.close()
    policy.close()
    keys.close()
    await provider.close()
  }
  const listener = await bind(server, config.address, log).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const { address, certificates } = listener
  await audit?.open().catch(async (error: unknown) => {
    await close()
    certificates?.close()
    throw error
  })
  if (certificates !== undefined) showCertificate(registry, certificates)
  provider.start()
  showHealth()
  log.info({ address, provider: provider.name, keyId: provider.defaultKeyId }, 'control is listening')

  let closed: Promise<void> | undefined
  return {
    address,
    ready: readiness,
    close() {
      closed ??= close().then(() => {
        certificates?.close()
        log.info('control has ended')
      })
      return closed
    },
  }
}

/** Lets running calls finish, for a while. */
async function shutDown(server: Server): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      server.forceShutdown()
      resolve()
    }, graceMs)
    server.tryShutdown(() => resolve())
  })
  clearTimeout(timer)
}
