import { type ClientLimits, type ControlConfig, defaultLimits, readPolicy } from '../control/index.ts'
import { parseAdminAddress, parseControlAddress } from './addresses.ts'
import { ConfigError } from './config-error.ts'
import type { ControlProcessConfig } from './control-process.ts'
import { type Environment, nameOf } from './environment.ts'
import { parseKms } from './kms-config.ts'
import { parseLevel } from './log.ts'

export interface ControlOptions {
  readonly address?: string
  readonly adminAddress?: string
}

/** `sealgate control`. Errors: ConfigError. */
export function parseControlProcess(environment: Environment, options: ControlOptions): ControlProcessConfig {
  const provider = parseKms(environment)
  if (provider === undefined)
    throw new ConfigError(`${nameOf('vaultEndpoint')} or ${nameOf('masterKey')} must be set`)
  const given = environment.find('controlAddress')
  const text = options.address ?? given?.value
  if (text === undefined) throw new ConfigError(`--address or ${nameOf('controlAddress')} must be given`)
  const name = options.address === undefined ? (given?.name ?? '') : '--address'
  const address = parseControlAddress(name, text, environment)
  const admin = environment.find('controlAdminAddress')
  const adminAddress = parseAdminAddress(
    options.adminAddress === undefined ? (admin?.name ?? '') : '--admin-address',
    options.adminAddress ?? admin?.value ?? 'off',
  )
  return {
    control: { address, provider, ...parsePolicy(environment, address), ...parseControlParts(environment) },
    ...(adminAddress !== undefined && { adminAddress }),
    logLevel: parseLevel(environment, 'info'),
  }
}

/** What a control service has wherever it listens. Errors: ConfigError. */
export function parseControlParts(environment: Environment): Pick<ControlConfig, 'limits'> {
  return { limits: parseLimits(environment) }
}

function parseLimits(environment: Environment): ClientLimits {
  const { inFlightMax, perSecondMax } = defaultLimits
  return {
    inFlightMax: environment.integer('controlClientCallsMax', { min: 1, max: 1_000_000 }, inFlightMax),
    perSecondMax: environment.integer('controlClientRateMax', { min: 1, max: 1_000_000 }, perSecondMax),
  }
}

function parsePolicy(
  environment: Environment,
  { kind }: ControlConfig['address'],
): Pick<ControlConfig, 'policyFile'> {
  const found = environment.find('controlPolicy')
  if (found === undefined) return {}
  if (kind === 'unix')
    throw new ConfigError(`${found.name} is for clients over TCP: a Unix socket lets its owner do all`)
  try {
    readPolicy(found.value)
  } catch (error) {
    // What parsing says names places in the file, not what stands there.
    const reason = error instanceof Error ? error.message : 'an error'
    const known =
      error instanceof Error && 'code' in error ? `it cannot be read (${String(error.code)})` : reason
    throw new ConfigError(`${found.name} names a file that is no policy: ${known}`, { cause: error })
  }
  return { policyFile: found.value }
}
