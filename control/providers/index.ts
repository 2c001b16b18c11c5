import type { Logger } from 'pino'
import type { ControlConfig } from '../config.ts'
import type { Provider } from './provider.ts'

/**
 * The provider that a configuration names; what another needs is not loaded. A provider is added by writing its file, its
 * configuration type and its lines here.
 */
export async function createProvider(config: ControlConfig['provider'], log: Logger): Promise<Provider> {
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
