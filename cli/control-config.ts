import { isAbsolute } from 'node:path'
import { type ClientLimits, type ControlConfig, defaultLimits, readPolicy } from '../control/settings.ts'
import { parseAdminAddress, parseControlAddress } from './addresses.ts'
import { ConfigError } from './config-error.ts'
import type { ControlProcessConfig } from './control-process.ts'
import { type Environment, nameOf } from './environment.ts'
import { codeOf, messageOf } from './error-text.ts'
import { keySettings, parseKeys } from './keys-config.ts'
import { parseKms, parseOldKeys } from './kms-config.ts'
import { parseLevel } from './log.ts'
import type { Setting } from './variables.ts'

const auditParts = ['auditFileSizeMax', 'auditSync', 'auditOptional'] as const satisfies readonly Setting[]
const controlParts = [
  'oldKeys',
  'auditFile',
  ...auditParts,
  'controlClientCallsMax',
  'controlClientRateMax',
  ...keySettings,
] as const satisfies readonly Setting[]
/** Bytes. */
const defaultAuditFileSizeMax = 64 * 1024 * 1024
const auditFileSizeRange = { min: 4096, max: 2 ** 40 }

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
export function parseControlParts(
  environment: Environment,
): Pick<ControlConfig, 'oldKeys' | 'limits' | 'audit' | 'keyLimits' | 'disabledKeysFile'> {
  return {
    ...parseOldKeys(environment),
    limits: parseLimits(environment),
    ...parseAudit(environment),
    ...parseKeys(environment),
  }
}

/** For a private control service. Errors: ConfigError for what only one on TCP has. */
export function refuseTcpParts(environment: Environment): void {
  const given = environment.given('controlPolicy')
  if (given !== undefined) throw new ConfigError(`${given.name} is for \`sealgate control\` on TCP`)
}

/** For a process that starts no control service. Errors: ConfigError for a setting that would have no effect there. */
export function refuseControlParts(environment: Environment): void {
  const given = controlParts.map((setting) => environment.given(setting)).find((each) => each !== undefined)
  if (given !== undefined)
    throw new ConfigError(`${given.name} is for a control service, and this starts none`)
}

function parseAudit(environment: Environment): Pick<ControlConfig, 'audit'> {
  const file = environment.find('auditFile')
  if (file === undefined) {
    const given = auditParts.map((setting) => environment.given(setting)).find((each) => each !== undefined)
    if (given === undefined) return {}
    throw new ConfigError(`${given.name} has no effect without ${nameOf('auditFile')}`)
  }
  if (!isAbsolute(file.value)) throw new ConfigError(`${file.name} must be an absolute path`)
  const sync = environment.find('auditSync')
  if (sync !== undefined && sync.value !== 'each' && sync.value !== 'second') {
    throw new ConfigError(`${sync.name} must be each or second`)
  }
  return {
    audit: {
      file: file.value,
      fileSizeMax: environment.integer('auditFileSizeMax', auditFileSizeRange, defaultAuditFileSizeMax),
      sync: sync?.value === 'each' ? 'each' : 'second',
      optional: environment.flag('auditOptional'),
    },
  }
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
    const code = codeOf(error)
    const reason = code === undefined ? messageOf(error) : `it cannot be read (${code})`
    throw new ConfigError(`${found.name} names a file that is no policy: ${reason}`, { cause: error })
  }
  return { policyFile: found.value }
}
