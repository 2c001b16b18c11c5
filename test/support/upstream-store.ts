import { pino } from 'pino'
import { Registry } from 'prom-client'
import { openDiskBackend } from '../../s3api/backends/disk/index.ts'
import type { GatewayConfig } from '../../s3api/backends/gateway/config.ts'
import { createCryptoPool, type FrontEndConfig, startFrontEnd } from '../../s3api/index.ts'
import { makeScratch } from './scratch.ts'

/** Another S3 for gateways to stand before: a Sealgate of this process, on disk, without a KMS. */
export interface UpstreamStore {
  readonly url: string
  /** For a gateway before it. */
  config(options?: Partial<GatewayConfig>): GatewayConfig
  close(): Promise<void>
}

const credential = { accessKey: 'upstream-access', secretKey: 'upstream-secret-key' }

export async function startUpstreamStore(options: Partial<FrontEndConfig> = {}): Promise<UpstreamStore> {
  const scratch = makeScratch('upstream')
  const log = pino({ level: 'silent' })
  const pool = createCryptoPool({ threads: 1 })
  const backend = await openDiskBackend({ directory: scratch.path, log })
  const frontEnd = await startFrontEnd(
    {
      address: { host: '127.0.0.1', port: 0 },
      domains: [],
      region: 'us-east-1',
      credentials: new Map([[credential.accessKey, credential]]),
      autoEncryption: false,
      allowSseCOverHttp: true,
      trustedProxies: [],
      requestsMax: 1000,
      bytesPerSecondMin: 0,
      drainMs: 200,
      ...options,
    },
    { backend, pool, log, registry: new Registry() },
  )
  return {
    url: frontEnd.url,
    config: (changes = {}) => gatewayConfig(frontEnd.url, credential, changes),
    async close() {
      await frontEnd.close()
      await backend.close()
      await pool.close()
      scratch.remove()
    },
  }
}

export function gatewayConfig(
  url: string,
  keys: { readonly accessKey: string; readonly secretKey: string },
  changes: Partial<GatewayConfig> = {},
): GatewayConfig {
  const { protocol, hostname, port } = new URL(url)
  const secure = protocol === 'https:'
  return {
    endpoint: { secure, host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port) },
    region: 'us-east-1',
    credentials: { kind: 'static', credential: keys },
    systemBucket: 'sealgate-system',
    passThrough: false,
    double: { s3: false, c: false },
    readMinio: false,
    connectionsMax: 64,
    ...changes,
  }
}
