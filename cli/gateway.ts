import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type GatewayConfig, isBucketName, parseProfile } from '../s3api/settings.ts'
import { parseUrl } from './addresses.ts'
import { requireAuthorities } from './certificate-files.ts'
import { ConfigError } from './config-error.ts'
import { type Environment, nameOf } from './environment.ts'
import { parseRegion } from './front-end-config.ts'
import { parseServed, type ServerOptions } from './server.ts'
import type { SystemConfig } from './system.ts'

const defaultEndpoint = 'https://s3.amazonaws.com'
const defaultSystemBucket = 'sealgate-system'
const defaultConnectionsMax = 256

type GatewayStore = Extract<SystemConfig['store'], { kind: 'gateway' }>

/** `sealgate gateway s3`. Errors: ConfigError. */
export function parseGateway(
  environment: Environment,
  options: ServerOptions,
  endpoint: string | undefined,
): SystemConfig & { readonly store: GatewayStore } {
  const { credential, ...served } = parseServed(environment, options)
  const { control, frontEnd } = served
  const parsed = parseEndpoint(environment, endpoint)
  const double = parseDouble(environment, { hasKms: control !== undefined })
  if (double.c && !parsed.secure && !frontEnd.config.allowSseCOverHttp) {
    throw new ConfigError(
      `${environment.given('gatewayEncryption')?.name} names c, so the backend gets keys: its endpoint must be https`,
    )
  }
  const caFile = parseCa(environment)
  return {
    store: {
      kind: 'gateway',
      config: {
        endpoint: parsed,
        region: parseRegion(environment, 'backendRegion', frontEnd.config.region),
        credentials: parseBackendCredentials(environment, credential),
        ...(caFile !== undefined && { caFile }),
        systemBucket: parseSystemBucket(environment),
        passThrough: control === undefined,
        double,
        readMinio: environment.flag('readMinio'),
        connectionsMax: environment.integer(
          'backendConnectionsMax',
          { min: 1, max: 10_000 },
          defaultConnectionsMax,
        ),
      },
    },
    ...served,
  }
}

/** What an operator sees when it serves. */
export function describeGateway(
  { store: { config }, frontEnd }: SystemConfig & { readonly store: GatewayStore },
  { url, admin }: { readonly url: string; readonly admin: string | undefined },
): string {
  const { host, port, secure } = config.endpoint
  const automatic = frontEnd.config.autoEncryption ? ', every object without being asked' : ''
  return `Sealgate serves S3 at ${url}, before ${secure ? 'https' : 'http'}://${host}:${port}.

  Mode           ${describeMode(config)}${automatic}
${config.passThrough ? '' : `  System bucket  ${config.systemBucket}\n`}${admin === undefined ? '' : `  Health         ${admin}/readyz\n`}`
}

function describeMode({ passThrough, double }: GatewayConfig): string {
  if (passThrough) return 'pass-through: encryption headers go to the backend, nothing is encrypted here'
  if (!double.s3 && !double.c) return 'single: encrypted here, the backend is not asked to encrypt'
  const kinds = [...(double.s3 ? ['SSE-S3'] : []), ...(double.c ? ['SSE-C'] : [])].join(' and ')
  return `double: encrypted here, and the backend is asked to encrypt ${kinds}`
}

function parseEndpoint(environment: Environment, argument: string | undefined): GatewayConfig['endpoint'] {
  const found = environment.find('backendEndpoint')
  const name = argument === undefined ? (found?.name ?? '') : 'the endpoint'
  const text = argument ?? found?.value ?? defaultEndpoint
  const url = parseUrl(name, text)
  if (url.pathname !== '/') throw new ConfigError(`${name} must be a URL without a path`)
  const secure = url.protocol === 'https:'
  return { secure, host: url.hostname, port: url.port === '' ? (secure ? 443 : 80) : Number(url.port) }
}

/** MinIO's form: `s3` and `c`, one or both, in any case, with `;` between them. */
function parseDouble(
  environment: Environment,
  { hasKms }: { readonly hasKms: boolean },
): GatewayConfig['double'] {
  const found = environment.find('gatewayEncryption')
  if (found === undefined) return { s3: false, c: false }
  const kinds = found.value.split(';').map((kind) => kind.toUpperCase())
  if (!kinds.every((kind) => kind === 'S3' || kind === 'C')) {
    throw new ConfigError(`${found.name} must be s3, c, or both with ; between them`)
  }
  if (!hasKms) throw new ConfigError(`${found.name} is set, but no KMS is configured`)
  return { s3: kinds.includes('S3'), c: kinds.includes('C') }
}

/** Keys of its own, a profile of a credentials file, or, as MinIO had it, the clients' keys. */
function parseBackendCredentials(
  environment: Environment,
  clients: { readonly accessKey: string; readonly secretKey: string },
): GatewayConfig['credentials'] {
  const [accessKey, secretKey] = [environment.find('backendAccessKey'), environment.find('backendSecretKey')]
  const sessionToken = environment.find('backendSessionToken')
  const profile = environment.find('backendProfile')
  const file = environment.find('backendCredentials')
  if (profile !== undefined || file !== undefined) {
    const own = [accessKey, secretKey, sessionToken].find((found) => found?.name.startsWith('SEALGATE_'))
    if (own !== undefined) throw new ConfigError(`${own.name} and ${(profile ?? file)?.name} are both set`)
    const path = file?.value ?? join(homedir(), '.aws', 'credentials')
    const text = readText(file?.name ?? profile?.name ?? '', path)
    const name = profile?.value ?? 'default'
    requireProfile(text, name, profile?.name ?? file?.name ?? '')
    return { kind: 'profile', file: path, profile: name }
  }
  if (accessKey === undefined && secretKey === undefined) {
    if (sessionToken?.name.startsWith('SEALGATE_') === true)
      throw new ConfigError(`${nameOf('backendAccessKey')} must be set, as ${sessionToken.name} is`)
    return { kind: 'static', credential: clients }
  }
  if (accessKey === undefined)
    throw new ConfigError(`${nameOf('backendAccessKey')} must be set, as its secret is`)
  if (secretKey === undefined)
    throw new ConfigError(`${nameOf('backendSecretKey')} must be set, as its key is`)
  return {
    kind: 'static',
    credential: {
      accessKey: accessKey.value,
      secretKey: secretKey.value,
      ...(sessionToken !== undefined && { sessionToken: sessionToken.value }),
    },
  }
}

function parseSystemBucket(environment: Environment): string {
  const found = environment.find('backendSystemBucket')
  if (found !== undefined && !isBucketName(found.value)) {
    throw new ConfigError(`${found.name} must be a bucket's name`)
  }
  return found?.value ?? defaultSystemBucket
}

function parseCa(environment: Environment): string | undefined {
  const found = environment.find('backendCa')
  if (found !== undefined) requireAuthorities(found)
  return found?.value
}

function requireProfile(text: string, profile: string, name: string): void {
  try {
    parseProfile(text, profile)
  } catch (error) {
    throw new ConfigError(`${name} asks for a profile whose keys are not in the credentials file`, {
      cause: error,
    })
  }
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(`${name} names a file that cannot be read`, { cause: error })
  }
}
