import type { Logger } from 'pino'
import type { GatewayConfig } from './config.ts'
import { GatewayBackend } from './gateway-backend.ts'
import { Upstream } from './upstream.ts'

/** Opens another S3 as a store. Errors: BackendError unavailable where it cannot be reached, or its system bucket not be used. */
export async function openGatewayBackend(
  config: GatewayConfig,
  { log, now = Date.now }: { readonly log: Logger; readonly now?: () => number },
): Promise<GatewayBackend> {
  const upstream = new Upstream(config, { log, now })
  const backend = new GatewayBackend(config, { upstream, log, now })
  try {
    await backend.prepare()
    return backend
  } catch (error) {
    await backend.close()
    throw error
  }
}
