import type { GatewayConfig } from '../../s3api/backends/gateway/config.ts'
import { gatewayConfig } from './front-end-config.ts'
import { credential, serveStore } from './gateway-front-end.ts'

/** Another S3 for gateways to stand before: a Sealgate of this process, on disk, without a KMS. */
export interface UpstreamStore {
  readonly url: string
  /** For a gateway before it. */
  config(options?: Partial<GatewayConfig>): GatewayConfig
  close(): Promise<void>
}

export async function startUpstreamStore(): Promise<UpstreamStore> {
  const { url, close } = await serveStore()
  return { url, config: (changes = {}) => gatewayConfig(url, credential, changes), close }
}
