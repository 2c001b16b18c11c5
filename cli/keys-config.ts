import { isAbsolute } from 'node:path'
import { type ControlConfig, defaultKeyLimits, type KeyLimits, usesCeiling } from '../control/settings.ts'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment.ts'
import type { Setting } from './variables.ts'

/** Settings of a control service that say how it holds keys. */
export const keySettings = [
  'keyReuse',
  'epochSeconds',
  'epochUses',
  'cacheEntries',
  'cacheSeconds',
  'cacheUses',
  'cacheIdleSeconds',
  'offlineGraceSeconds',
  'leaseSeconds',
  'disabledKeysFile',
] as const satisfies readonly Setting[]

const daySeconds = 24 * 3600
const entriesCeiling = 1_000_000

/** Errors: ConfigError. */
export function parseKeys(environment: Environment): Pick<ControlConfig, 'keyLimits' | 'disabledKeysFile'> {
  const milliseconds = (
    setting: Setting,
    range: { readonly min: number; readonly max: number },
    otherwiseMs: number,
  ) => environment.integer(setting, range, otherwiseMs / 1000) * 1000
  const standard = defaultKeyLimits
  const keyLimits: KeyLimits = {
    reuse: parseReuse(environment),
    epochAgeMs: milliseconds('epochSeconds', { min: 1, max: 30 * daySeconds }, standard.epochAgeMs),
    epochUsesMax: environment.integer('epochUses', { min: 1, max: usesCeiling }, standard.epochUsesMax),
    entriesMax: environment.integer('cacheEntries', { min: 1, max: entriesCeiling }, standard.entriesMax),
    ageMs: milliseconds('cacheSeconds', { min: 1, max: daySeconds }, standard.ageMs),
    usesMax: environment.integer('cacheUses', { min: 1, max: usesCeiling }, standard.usesMax),
    idleMs: milliseconds('cacheIdleSeconds', { min: 1, max: daySeconds }, standard.idleMs),
    offlineGraceMs: milliseconds(
      'offlineGraceSeconds',
      { min: 0, max: 7 * daySeconds },
      standard.offlineGraceMs,
    ),
    leaseAgeMs: milliseconds('leaseSeconds', { min: 1, max: daySeconds }, standard.leaseAgeMs),
  }
  const file = environment.find('disabledKeysFile')
  if (file !== undefined && !isAbsolute(file.value))
    throw new ConfigError(`${file.name} must be an absolute path`)
  return { keyLimits, ...(file !== undefined && { disabledKeysFile: file.value }) }
}

function parseReuse(environment: Environment): KeyLimits['reuse'] {
  const found = environment.find('keyReuse')
  if (found === undefined) return defaultKeyLimits.reuse
  if (found.value === 'bucket' || found.value === 'object') return found.value
  throw new ConfigError(`${found.name} must be bucket or object`)
}
