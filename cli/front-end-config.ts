import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import {
  accessKeyForm,
  accessKeySizeMin,
  type Credential,
  type FrontEndConfig,
  type FsyncPolicy,
  fsyncPolicies,
  type OwnershipMode,
  ownershipModes,
  readUsersFile,
  type SignatureV2Mode,
  secretKeySizeMin,
  signatureV2Modes,
} from '../s3api/settings.ts'
import { type HostPort, parseHostPort } from './addresses.ts'
import { parseCertificate } from './certificate-files.ts'
import { ConfigError } from './config-error.ts'
import { type Environment, nameOf } from './environment.ts'
import { codeOf, messageOf } from './error-text.ts'

const defaultAddress = '127.0.0.1:9000'
const defaultRegion = 'us-east-1'
const defaultRequestsMax = 1_000
const defaultRequestsSharePercent = 80
const defaultConnectionsMax = 10_000
const defaultBytesPerSecondMin = 1_024
const defaultDrainSeconds = 3

/** What a front-end process is started with, besides its store. */
export interface FrontEndSettings {
  readonly config: FrontEndConfig
  readonly threads: number
  /** Of the disk backend. */
  readonly fsync: FsyncPolicy
}

/** Errors: ConfigError. */
export function parseFrontEnd(
  environment: Environment,
  options: {
    readonly address: string | undefined
    readonly credential: Credential
    readonly autoEncryption: boolean
    /** How many front-ends share the machine. */
    readonly processes: number
  },
): FrontEndSettings {
  const tls = parseCertificate(environment, 'tlsCert', 'tlsKey')
  const { credential } = options
  const usersFile = parseUsersFile(environment, credential)
  return {
    config: {
      address: parseAddress(environment, options.address),
      ...(tls !== undefined && { tls }),
      domains: parseDomains(environment),
      region: parseRegion(environment, 'region', defaultRegion),
      credentials: new Map([[credential.accessKey, credential]]),
      ...(usersFile !== undefined && { usersFile }),
      objectOwnership: parseObjectOwnership(environment),
      signatureV2: parseSignatureV2(environment),
      autoEncryption: options.autoEncryption,
      allowSseCOverHttp: environment.flag('allowSseCOverHttp'),
      trustedProxies: parseProxies(environment),
      requestsMax: environment.integer('requestsMax', { min: 1, max: 100_000 }, defaultRequestsMax),
      requestsSharePercent: environment.integer(
        'requestsSharePercent',
        { min: 1, max: 100 },
        defaultRequestsSharePercent,
      ),
      connectionsMax: environment.integer(
        'connectionsMax',
        { min: 1, max: 1_000_000 },
        defaultConnectionsMax,
      ),
      bytesPerSecondMin: environment.integer(
        'bytesPerSecondMin',
        { min: 0, max: 2 ** 30 },
        defaultBytesPerSecondMin,
      ),
      drainMs: environment.integer('drainSeconds', { min: 0, max: 3_600 }, defaultDrainSeconds) * 1_000,
    },
    threads: parseThreads(environment, options),
    fsync: parseFsync(environment),
  }
}

/** Engine threads of a process. Errors: ConfigError. */
export function parseThreads(
  environment: Environment,
  { processes }: { readonly processes: number },
): number {
  const otherwise = Math.max(1, Math.ceil(availableParallelism() / processes))
  return environment.integer('threads', { min: 1, max: 256 }, otherwise)
}

/** The keys that clients sign with. Errors: ConfigError, also when there are none. */
export function parseCredential(environment: Environment): Credential {
  const accessKey = environment.find('accessKey')
  const secretKey = environment.find('secretKey')
  if (accessKey === undefined) throw new ConfigError(`${nameOf('accessKey')} must be set`)
  if (secretKey === undefined) throw new ConfigError(`${nameOf('secretKey')} must be set`)
  if (accessKey.value.length < accessKeySizeMin || !accessKeyForm.test(accessKey.value)) {
    throw new ConfigError(
      `${accessKey.name} must have at least ${accessKeySizeMin} letters, digits or . _ - @ + =`,
    )
  }
  if (secretKey.value.length < secretKeySizeMin) {
    throw new ConfigError(`${secretKey.name} must have at least ${secretKeySizeMin} characters`)
  }
  return { accessKey: accessKey.value, secretKey: secretKey.value }
}

/** Its path. Errors: ConfigError, also for what it holds. */
function parseUsersFile(environment: Environment, credential: Credential): string | undefined {
  const found = environment.find('usersFile')
  if (found === undefined) return undefined
  try {
    readUsersFile(found.value, [credential])
  } catch (error) {
    const reason = codeOf(error) === undefined ? messageOf(error) : 'it cannot be read'
    throw new ConfigError(`${found.name} names a file that cannot be used: ${reason}`, { cause: error })
  }
  return found.value
}

function parseObjectOwnership(environment: Environment): OwnershipMode {
  const found = environment.find('objectOwnership')
  const mode = ownershipModes.find((known) => known === (found?.value ?? 'BucketOwnerEnforced'))
  if (mode === undefined) throw new ConfigError(`${found?.name} must be one of ${ownershipModes.join(', ')}`)
  return mode
}

function parseSignatureV2(environment: Environment): SignatureV2Mode {
  const found = environment.find('signatureV2')
  const mode = signatureV2Modes.find((known) => known === (found?.value ?? 'presigned'))
  if (mode === undefined)
    throw new ConfigError(`${found?.name} must be one of ${signatureV2Modes.join(', ')}`)
  return mode
}

function parseAddress(environment: Environment, option: string | undefined): HostPort {
  if (option !== undefined) return parseHostPort('--address', option)
  const found = environment.find('address')
  return parseHostPort(found?.name ?? '', found?.value ?? defaultAddress)
}

function parseFsync(environment: Environment): FsyncPolicy {
  const found = environment.find('fsync')
  if (found === undefined) return 'always'
  const policy = fsyncPolicies.find((name) => name === found.value)
  if (policy === undefined) throw new ConfigError(`${found.name} must be one of ${fsyncPolicies.join(', ')}`)
  return policy
}

function parseDomains(environment: Environment): string[] {
  const found = environment.find('domain')
  const domains = splitList(found?.value)
  for (const domain of domains) {
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(domain))
      throw new ConfigError(`${found?.name} must be host names`)
  }
  return domains.map((domain) => domain.toLowerCase())
}

/** Errors: ConfigError. */
export function parseRegion(
  environment: Environment,
  setting: 'region' | 'backendRegion',
  otherwise: string,
): string {
  const found = environment.find(setting)
  if (found !== undefined && !/^[a-zA-Z0-9-]{1,64}$/.test(found.value)) {
    throw new ConfigError(`${found.name} must be a region's name`)
  }
  return found?.value ?? otherwise
}

function parseProxies(environment: Environment): string[] {
  const found = environment.find('trustedProxies')
  const proxies = splitList(found?.value)
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/')
    const version = isIP(address)
    const bitsMax = version === 6 ? 128 : 32
    if (version === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax))) {
      throw new ConfigError(`${found?.name} must be IP addresses or CIDR ranges`)
    }
  }
  return proxies
}

function splitList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
