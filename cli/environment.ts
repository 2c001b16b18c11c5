import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.ts'
import { codeOf } from './error-text.ts'
import { ownPrefixes, refusedVariables, type Setting, variables } from './variables.ts'

/** A setting as it was given: under which name, so that errors can say it. */
export type Given =
  | { readonly name: string; readonly kind: 'value'; readonly value: string }
  | { readonly name: string; readonly kind: 'file'; readonly path: string }

/** The environment's settings, by what they mean. An empty variable counts as unset. */
export class Environment {
  readonly #given = new Map<Setting, Given>()

  /** Errors: ConfigError for an unknown variable of ours, and for two names of one setting that disagree. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    refuseUnknown(env)
    for (const setting of Object.keys(variables) as Setting[]) {
      const given = find(env, setting)
      if (given !== undefined) this.#given.set(setting, given)
    }
  }

  /** The setting, unread where it is a file. */
  given(setting: Setting): Given | undefined {
    return this.#given.get(setting)
  }

  /** The setting's value and name. Errors: ConfigError for a file that cannot be read or is empty. */
  find(setting: Setting): { readonly name: string; readonly value: string } | undefined {
    const given = this.#given.get(setting)
    if (given === undefined || given.kind === 'value') return given
    return { name: given.name, value: readSecretFile(given.name, given.path) }
  }

  /** The value alone. */
  value(setting: Setting): string | undefined {
    return this.find(setting)?.value
  }

  /** `on`, `true`, `1`, `off`, `false`, `0`. Errors: ConfigError for anything else. */
  flag(setting: Setting): boolean {
    const found = this.find(setting)
    if (found === undefined) return false
    const text = found.value.toLowerCase()
    if (['on', 'true', '1'].includes(text)) return true
    if (['off', 'false', '0'].includes(text)) return false
    throw new ConfigError(`${found.name} must be on or off`)
  }

  /** A whole number. Errors: ConfigError for anything else, and outside of the bounds. */
  integer(
    setting: Setting,
    range: { readonly min: number; readonly max: number },
    otherwise: number,
  ): number {
    const found = this.find(setting)
    if (found === undefined) return otherwise
    const value = /^\d{1,15}$/.test(found.value) ? Number(found.value) : Number.NaN
    if (value >= range.min && value <= range.max) return value
    throw new ConfigError(`${found.name} must be a whole number from ${range.min} to ${range.max}`)
  }
}

/**
 * The settings of this process, whose environment forgets the secrets among them: a diagnostic report or a heap snapshot
 * would show them.
 */
export function takeEnvironment(): Environment {
  const environment = new Environment(process.env)
  for (const { names, ...variable } of Object.values(variables)) {
    if ('file' in variable) for (const name of names) delete process.env[name]
  }
  return environment
}

/** The name under which to tell somebody to set it. */
export function nameOf(setting: Setting): string {
  return variables[setting].names[0]
}

function refuseUnknown(env: Readonly<Record<string, string | undefined>>): void {
  const known = new Set<string>()
  for (const { names, ...variable } of Object.values(variables)) {
    for (const name of names) {
      known.add(name)
      if ('file' in variable) known.add(`${name}_FILE`)
    }
  }
  for (const [name, value] of Object.entries(env)) {
    if (known.has(name) || value === undefined || value === '') continue
    const refused = refusedVariables.find(([prefix]) => name.startsWith(prefix))
    if (refused !== undefined) throw new ConfigError(`${name} ${refused[1]}`)
    if (ownPrefixes.some((prefix) => name.startsWith(prefix))) {
      throw new ConfigError(`${name} is not a variable that Sealgate knows`)
    }
  }
}

function find(env: Readonly<Record<string, string | undefined>>, setting: Setting): Given | undefined {
  const { names, ...variable } = variables[setting]
  const all: Given[] = names.flatMap((name): Given[] => {
    const value = env[name] ?? ''
    const path = 'file' in variable ? (env[`${name}_FILE`] ?? '') : ''
    if (value !== '' && path !== '') throw new ConfigError(`${name} and ${name}_FILE are both set`)
    if (value !== '') return [{ name, kind: 'value', value }]
    return path === '' ? [] : [{ name: `${name}_FILE`, kind: 'file', path }]
  })
  const [first, ...others] = all
  if (first === undefined || first.name.startsWith('SEALGATE_')) return first
  const differing = others.find((other) => contentOf(other) !== contentOf(first))
  if (differing !== undefined) throw new ConfigError(`${first.name} and ${differing.name} disagree`)
  return first
}

function contentOf(given: Given): string {
  return given.kind === 'value' ? `value ${given.value}` : `file ${given.path}`
}

/** A file's text without the newline at its end. */
function readSecretFile(name: string, path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const reason = codeOf(error) ?? 'an error'
    throw new ConfigError(`${name} names a file that cannot be read (${reason})`, { cause: error })
  }
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw new ConfigError(`${name} names an empty file`)
  return value
}
