import { type RewrapReport, rewrapStore } from '../s3api/index.ts'
import type { Environment } from './environment.ts'
import { createLog } from './log.ts'
import { parseStore, type StoreChoice, withKeys } from './named-store.ts'
import { openStore } from './store-config.ts'

export interface RewrapOptions extends StoreChoice {
  readonly restart?: boolean
  readonly json?: boolean
}

/** `sealgate rewrap`: seals the data keys of a store anew under the newest version of their master keys. Errors: ConfigError. */
export async function rewrap(
  environment: Environment,
  directory: string | undefined,
  options: RewrapOptions,
): Promise<{ readonly text: { readonly table: string; readonly json: string }; readonly complete: boolean }> {
  const { control, restart = false } = options
  const store = parseStore(environment, directory, options)
  const { backend } = await openStore(store, { log: createLog('warn', 'rewrap') })
  try {
    const report = await withKeys(environment, { store, control }, (keys) =>
      rewrapStore(backend.system, keys, { now: Date.now, restart }),
    )
    return {
      text: { table: toText(report), json: `${JSON.stringify(report)}\n` },
      complete: report.failed === 0,
    }
  } finally {
    await backend.close()
  }
}

function toText({ resumed, epochs, fingerprints, failed, failures }: RewrapReport): string {
  const since = resumed ? ', beginning where an earlier run was interrupted' : ''
  const lines = [
    `${epochs} epochs and ${fingerprints} fingerprints sealed anew, ${failed} failed${since}`,
    ...failures.map(
      ({ name, keyId, code }) => `failed: ${name}${keyId === '' ? '' : ` (key ${keyId})`}: ${code}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
