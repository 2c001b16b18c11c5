import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { Operation } from '../../operation.ts'
import type { Backend } from '../backend.ts'
import type { GatewayConfig } from './config.ts'
import type { CopyLimits } from './copying.ts'
import { type FoundKind, GatewayBackend } from './gateway-backend.ts'
import { passThroughOperations } from './pass-through.ts'
import { Upstream } from './upstream.ts'

export type { GatewayConfig } from './config.ts'

/** A store that is another S3, and how it is served. */
export interface Gateway {
  readonly backend: Backend
  /** In place of all operations, where everything goes through. */
  readonly operations?: readonly Operation[]
}

/** Errors: BackendError unavailable where the store cannot be reached, or its system bucket not be used. */
export async function openGateway(config: GatewayConfig, options: GatewayOptions): Promise<Gateway> {
  const { backend, upstream } = await open(config, options)
  if (!config.passThrough) return { backend }
  return { backend, operations: passThroughOperations(upstream, config.systemBucket) }
}

/** The backend alone. Errors: as above. */
export async function openGatewayBackend(config: GatewayConfig, options: GatewayOptions): Promise<Backend> {
  return (await open(config, options)).backend
}

interface GatewayOptions {
  readonly log: Logger
  readonly registry?: Registry
  readonly now?: () => number
  /** Ends the wait for a store that does not answer, while it is opened. */
  readonly stopped?: AbortSignal
  readonly copyLimits?: CopyLimits
}

async function open(
  config: GatewayConfig,
  { log, registry, now = Date.now, stopped, copyLimits }: GatewayOptions,
) {
  const objects =
    registry &&
    new Counter({
      name: 'sealgate_gateway_objects_total',
      help: 'Objects found in the store, by how they lie there: sealed, plain, minio',
      labelNames: ['kind'],
      registers: [registry],
    })
  const found = (kind: FoundKind) => objects?.inc({ kind })
  const upstream = new Upstream(config, { log, now })
  const backend = new GatewayBackend(config, { upstream, log, now, found, copyLimits })
  const stop = () => void upstream.close()
  stopped?.addEventListener('abort', stop)
  try {
    stopped?.throwIfAborted()
    await backend.prepare()
    return { backend, upstream }
  } catch (error) {
    await backend.close()
    throw error
  } finally {
    stopped?.removeEventListener('abort', stop)
  }
}
