import type { Level } from 'pino'
import type { Credential } from '../s3api/settings.ts'
import { parseAdminAddress, parseControlAddresses } from './addresses.ts'
import { ConfigError } from './config-error.ts'
import { parseControlParts, refuseControlParts, refuseTcpParts } from './control-config.ts'
import type { Environment } from './environment.ts'
import { parseCredential, parseFrontEnd } from './front-end-config.ts'
import { parseKms } from './kms-config.ts'
import { parseLevel } from './log.ts'
import type { SystemConfig } from './system.ts'

const defaultAdminAddress = '127.0.0.1:9001'
const defaultControlAdminAddress = '127.0.0.1:9002'
const processesMax = 256

/** Command-line options that a server shares with quickstart; they win over the environment. */
export interface ServerOptions {
  readonly address?: string
  readonly adminAddress?: string
  readonly controlAdminAddress?: string
  readonly processes?: string
}

/** `sealgate server`. Errors: ConfigError. */
export function parseServer(
  environment: Environment,
  options: ServerOptions,
  directory: string,
): SystemConfig & { readonly store: { readonly kind: 'disk' } } {
  const gateway = environment.given('gatewayEncryption')
  if (gateway !== undefined) throw new ConfigError(`${gateway.name} is for a gateway; this is a server`)
  const { credential: _, ...served } = parseServed(environment, options)
  return { store: { kind: 'disk', directory, readMinio: environment.flag('readMinio') }, ...served }
}

/** What server and gateway have in common: all but the store. Errors: ConfigError. */
export function parseServed(
  environment: Environment,
  options: ServerOptions,
): Omit<SystemConfig, 'store'> & { readonly credential: Credential } {
  const control = parseControl(environment)
  const autoEncryption = environment.flag('autoEncryption')
  if (autoEncryption && control === undefined) {
    throw new ConfigError(`${environment.given('autoEncryption')?.name} is on, but no KMS is configured`)
  }
  const credential = parseCredential(environment)
  const processes = parseProcesses(environment, options, 'info')
  const frontEnd = parseFrontEnd(environment, {
    address: options.address,
    credential,
    autoEncryption,
    processes: processes.processes,
  })
  return { credential, frontEnd, ...(control !== undefined && { control }), ...processes }
}

/** What server and quickstart have in common. Errors: ConfigError. */
export function parseProcesses(
  environment: Environment,
  options: ServerOptions,
  level: Level,
): Pick<SystemConfig, 'adminAddress' | 'controlAdminAddress' | 'logLevel' | 'processes'> {
  const admin = environment.find('adminAddress')
  const controlAdmin = environment.find('controlAdminAddress')
  const adminAddress = parseAdminAddress(
    options.adminAddress === undefined ? (admin?.name ?? '') : '--admin-address',
    options.adminAddress ?? admin?.value ?? defaultAdminAddress,
  )
  const controlAdminAddress = parseAdminAddress(
    options.controlAdminAddress === undefined ? (controlAdmin?.name ?? '') : '--control-admin-address',
    options.controlAdminAddress ?? controlAdmin?.value ?? defaultControlAdminAddress,
  )
  return {
    ...(adminAddress !== undefined && { adminAddress }),
    ...(controlAdminAddress !== undefined && { controlAdminAddress }),
    logLevel: parseLevel(environment, level),
    processes: parseProcessCount(environment, options.processes),
  }
}

function parseProcessCount(environment: Environment, option: string | undefined): number {
  if (option === undefined) return environment.integer('processes', { min: 1, max: processesMax }, 1)
  const count = /^\d{1,4}$/.test(option) ? Number(option) : 0
  if (count >= 1 && count <= processesMax) return count
  throw new ConfigError(`--processes must be a whole number from 1 to ${processesMax}`)
}

/** Where the KMS is. Errors: ConfigError. */
function parseControl(environment: Environment): SystemConfig['control'] {
  const kms = parseKms(environment)
  const shared = environment.find('control')
  refuseTcpParts(environment)
  if (shared !== undefined || kms === undefined) refuseControlParts(environment)
  if (shared === undefined) {
    return kms && { kind: 'private', control: { provider: kms, ...parseControlParts(environment) } }
  }
  if (kms !== undefined) {
    throw new ConfigError(
      `${shared.name} names a control service, so the KMS is configured there and not here`,
    )
  }
  return { kind: 'shared', addresses: parseControlAddresses(shared.name, shared.value, environment) }
}
