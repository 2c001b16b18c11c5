// Control's door for those who configure it: all of it is there before any of the service is loaded.

export type { ControlConfig } from './config.ts'
export { isKeyId, keyIdRule } from './key-ids.ts'
export { defaultKeyLimits, type KeyLimits, usesCeiling } from './keys/key-limits.ts'
export { isMount, isNamespace } from './providers/vault/vault-names.ts'
export { readTlsSettings } from './providers/vault/vault-tls.ts'
export { type ClientLimits, defaultLimits } from './server/client-limits.ts'
export { readPolicy } from './server/policy-file.ts'
