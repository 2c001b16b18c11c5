import type { AuditConfig } from './audit/audit.ts'
import type { KeyLimits } from './keys/key-limits.ts'
import type { ClientLimits } from './server/client-limits.ts'

/** What the control service is configured with; parsed once by cli. Secrets are bytes or sources, never printed. */
export interface ControlConfig {
  readonly address: ControlAddress
  readonly provider: MasterKeyConfig | VaultConfig
  /** Master keys that were given directly before, which only open; of an id there may be several. */
  readonly oldKeys?: readonly MasterKeyConfig[]
  /** Over TCP: who may do what, JSON, followed as it changes. Absent: nobody may do anything. */
  readonly policyFile?: string
  /** What one client may ask; {@link defaultLimits} unless set. */
  readonly limits?: ClientLimits
  /** Absent: none is written. */
  readonly audit?: AuditConfig
  /** Those of key-limits.ts unless given. */
  readonly keyLimits?: KeyLimits
  /** Where the keys that an operator disables are written down; absent: nowhere, so that a restart enables them. */
  readonly disabledKeysFile?: string
}

/** Where control listens, and where its clients find it: a Unix socket (mode 0600), or TCP with mutual TLS. */
export type ControlAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: MutualTlsFiles }

/** PEM files: our certificate and key, and the CA that the other side's certificate must come from. */
export interface MutualTlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

/** A master key given directly: MinIO's `MINIO_SSE_MASTER_KEY=id:64hex`. */
export interface MasterKeyConfig {
  readonly kind: 'master-key'
  readonly keyId: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** HashiCorp Vault or OpenBao: transit secrets engine, AppRole login. */
export interface VaultConfig {
  readonly kind: 'vault'
  /** http or https URL without a path. */
  readonly endpoint: string
  readonly roleId: string
  readonly secretId: SecretSource
  /** The default transit key. */
  readonly keyName: string
  /** For new data keys; 0 is the newest. */
  readonly keyVersion: number
  /** Sent with every call; with logins and what concerns the token only where there is no other for these. */
  readonly namespace?: string
  /** Where the role is, if elsewhere than the keys; empty for the root namespace. */
  readonly loginNamespace?: string
  /** Directory of PEM files: the CAs that Vault's certificate may come from, in place of the system's. */
  readonly caPath?: string
  /** Our own certificate towards Vault, PEM files. */
  readonly clientTls?: { readonly certFile: string; readonly keyFile: string }
  /** Mount paths without slashes at the ends: `transit` and `approle` unless set. */
  readonly transitMount: string
  readonly appRoleMount: string
}

/**
 * A secret that was given as a value, or a file that is read again each time it is needed. `wrapped`: what is given is
 * a response-wrapping token of Vault, to be exchanged for the secret, once.
 */
export type SecretSource = (
  | { readonly kind: 'value'; readonly value: Uint8Array }
  | { readonly kind: 'file'; readonly path: string }
) & { readonly wrapped?: true }
