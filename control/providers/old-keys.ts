import { Counter, type Registry } from 'prom-client'
import type { MasterKeyConfig } from '../config.ts'
import { KmsError } from '../errors.ts'
import { createMasterKeyProvider } from './master-key.ts'
import type { Check, Provider } from './provider.ts'

/**
 * A provider that also opens what was sealed under master keys which its operator has given directly before: one with the same id, or
 * those of a KES. These seal nothing. What is sealed anew is so under the provider's own key of that id, so that an old key is
 * needed until all of it is.
 */
export function withOldKeys(
  provider: Provider,
  keys: readonly MasterKeyConfig[],
  { registry }: { readonly registry: Registry },
): Provider {
  const olds = keys.map(createMasterKeyProvider)
  const ids = [...new Set(keys.map(({ keyId }) => keyId))]
  const opened = new Counter({
    name: 'sealgate_kms_old_key_opened_total',
    help: 'Data keys that an old master key has opened',
    labelNames: ['key_id'],
    registers: [registry],
  })
  for (const key_id of ids) opened.inc({ key_id }, 0)

  /** Undefined: none of them has sealed it. */
  async function open(request: Parameters<Provider['decrypt']>[0]): Promise<Uint8Array | undefined> {
    for (const old of olds) {
      if (old.defaultKeyId !== request.keyId) continue
      const plaintext = await old.decrypt(request).catch(unlessForeign)
      if (plaintext === undefined) continue
      opened.inc({ key_id: request.keyId })
      return plaintext
    }
    return undefined
  }

  return {
    ...provider,
    // First: without them the KMS would be asked for what it has never seen, and it may be away.
    decrypt: async (request) => (await open(request)) ?? provider.decrypt(request),
    async rewrap(request) {
      const plaintext = await open(request)
      if (plaintext === undefined) return provider.rewrap?.(request)
      plaintext.fill(0)
      return undefined
    },
    diagnose: async (signal) => [...(await provider.diagnose(signal)), describe(ids)],
    async close() {
      await Promise.all([provider, ...olds].map((each) => each.close()))
    },
  }
}

function unlessForeign(error: unknown): undefined {
  if (error instanceof KmsError && error.code === 'invalid-ciphertext') return undefined
  throw error
}

function describe(ids: readonly string[]): Check {
  return {
    name: 'old keys',
    result: 'ok',
    detail: `what was sealed under ${ids.map((id) => `"${id}"`).join(', ')} before is opened with the keys that are given for it`,
    remedy: '',
  }
}
