// The front-end's door for those who configure one: all of it is there before any of the front-end is loaded.

export { type OwnershipMode, ownershipModes } from './access/bucket-access.ts'
export { accessKeyForm, accessKeySizeMin, secretKeySizeMin } from './access/users.ts'
export { readUsersFile } from './access/users-file.ts'
export { type FsyncPolicy, fsyncPolicies } from './backends/disk/fsync-policy.ts'
export type { GatewayConfig } from './backends/gateway/config.ts'
export { parseProfile } from './backends/gateway/credentials.ts'
export { isBucketName } from './bucket-name.ts'
export {
  type Credential,
  type FrontEndConfig,
  type SignatureV2Mode,
  signatureV2Modes,
} from './config.ts'
