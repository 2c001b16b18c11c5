import { type RewrapReport, rewrapStore } from '../s3api/index.ts'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment.ts'
import { createLog } from './log.ts'
import { parseStore, type StoreChoice, withKeys } from './named-store.ts'
import { openStore } from './store-config.ts'

export interface RewrapOptions extends StoreChoice {
  readonly restart?: boolean
  /** Ids of master keys that the store is to leave. */
  readonly leave?: readonly string[]
  readonly json?: boolean
}

/** `sealgate rewrap`: seals the data keys of a store anew under the newest version of their master keys. Errors: ConfigError. */
export async function rewrap(
  environment: Environment,
  directory: string | undefined,
  options: RewrapOptions,
): Promise<{ readonly text: { readonly table: string; readonly json: string }; readonly complete: boolean }> {
  const { control, restart = false, leave: keyIds = [] } = options
  const store = parseStore(environment, directory, options)
  const log = createLog('warn', 'rewrap')
  const { backend } = await openStore(store, { log })
  try {
    const report = await withKeys(environment, { store, control }, async (keys) => {
      const { defaultKeyId: to } = await keys.status()
      if (keyIds.includes(to)) throw new ConfigError(`--leave ${to}: that is the key which is configured`)
      const leaving = { keyIds, to, log }
      return rewrapStore(backend.system, keys, {
        now: Date.now,
        restart,
        ...(keyIds.length > 0 && { leaving }),
      })
    })
    return {
      text: { table: toText(report), json: `${JSON.stringify(report)}\n` },
      complete: report.failed === 0 && report.leaving.every(({ left }) => left),
    }
  } finally {
    await backend.close()
  }
}

function toText({ resumed, epochs, fingerprints, failed, failures, leaving }: RewrapReport): string {
  const since = resumed ? ', beginning where an earlier run was interrupted' : ''
  const kept = failures.some(({ code }) => code === 'key-not-found')
  const lines = [
    `${epochs} epochs and ${fingerprints} fingerprints sealed anew, ${failed} failed${since}`,
    ...failures.map(
      ({ name, keyId, code }) => `failed: ${name}${keyId === '' ? '' : ` (key ${keyId})`}: ${code}`,
    ),
    ...(kept ? ['an old key seals nothing: --leave KEY seals what is under it under the default key'] : []),
    ...leaving.map(({ keyId, to, left }) =>
      left
        ? `left: key ${keyId}; what was under it is under key ${to}`
        : `not left: key ${keyId}, under which something still is: see what failed, or run it again`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
