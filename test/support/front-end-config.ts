import type { GatewayConfig } from '../../s3api/backends/gateway/config.ts'
import type { Credential, FrontEndConfig } from '../../s3api/config.ts'

/** A front-end of a test on a port of its own, for whom `root` signs; no limit stands in a test's way. */
export function frontEndConfig(root: Credential, changes: Partial<FrontEndConfig> = {}): FrontEndConfig {
  return {
    address: { host: '127.0.0.1', port: 0 },
    domains: [],
    region: 'us-east-1',
    credentials: new Map([[root.accessKey, root]]),
    autoEncryption: false,
    allowSseCOverHttp: true,
    trustedProxies: [],
    requestsMax: 1000,
    requestsSharePercent: 100,
    bytesPerSecondMin: 0,
    drainMs: 200,
    ...changes,
  }
}

/** A gateway before the store at that URL, which has KMS and system bucket but no double encryption. */
export function gatewayConfig(
  url: string,
  keys: Credential,
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
