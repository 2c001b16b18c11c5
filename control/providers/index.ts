import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ControlConfig } from '../config.ts'
import type { Provider } from './provider.ts'

/** What of a configuration says which KMS it is. */
export type KmsConfig = Pick<ControlConfig, 'provider' | 'oldKeys'>

/**
 * The provider that a configuration names; what another needs is not loaded. A provider is added by writing its file, its
 * configuration type and its lines here.
 */
export async function createProvider(
  { provider: config, oldKeys = [] }: KmsConfig,
  dependencies: { readonly log: Logger; readonly registry: Registry },
): Promise<Provider> {
  const provider = await createOwn(config, dependencies)
  if (oldKeys.length === 0) return provider
  const { withOldKeys } = await import('./old-keys.ts')
  return withOldKeys(provider, oldKeys, dependencies)
}

async function createOwn(
  config: ControlConfig['provider'],
  { log }: { readonly log: Logger },
): Promise<Provider> {
  switch (config.kind) {
    case 'master-key': {
      const { createMasterKeyProvider } = await import('./master-key.ts')
      return createMasterKeyProvider(config)
    }
    case 'vault': {
      const { createVaultProvider } = await import('./vault/vault.ts')
      return createVaultProvider(config, { log })
    }
  }
}
