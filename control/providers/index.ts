import type { Logger } from 'pino'
import type { ControlConfig } from '../config.ts'
import { createMasterKeyProvider } from './master-key.ts'
import type { Provider } from './provider.ts'
import { createVaultProvider } from './vault/vault.ts'

/** The provider that a configuration names. A provider is added by writing its file, its configuration type and its line here. */
export function createProvider(config: ControlConfig['provider'], log: Logger): Provider {
  switch (config.kind) {
    case 'master-key':
      return createMasterKeyProvider(config)
    case 'vault':
      return createVaultProvider(config, { log })
  }
}
