import type { StatusResponse } from '../proto/gen/sealgate/kms/v1/StatusResponse.ts'
import type { KmsError } from './errors.ts'

/** The key service as everyone else sees it. */

/** Name-value pairs bound to a data key: needed again, all of them, to unseal it. Not secret. */
export type EncryptionContext = Readonly<Record<string, string>>

/** A data key in both its forms. */
export interface DataKey {
  /** The id of the master key that sealed it. */
  readonly keyId: string
  /** 32 bytes, owned by the caller, who zeroes it when done. */
  readonly plaintext: Uint8Array
  /** The KMS's ciphertext, opaque, at most 4 KiB. */
  readonly sealed: Uint8Array
}

/** How long and how often a key may be used by who was given it. Its key cache enforces it. */
export interface Lease {
  readonly maxAgeMs: number
  readonly maxUses: number
  readonly idleMs: number
  /** How much longer than its age it may open objects while control cannot be asked. */
  readonly offlineGraceMs: number
}

/** A data key that only a master key opens. */
export interface SealedKey {
  readonly keyId: string
  readonly sealed: Uint8Array
  readonly context: EncryptionContext
}

/** Objects sealed and opened with the data keys of one master key and context. */
export interface KeyUses {
  readonly keyId: string
  readonly context: EncryptionContext
  readonly sealed: number
  readonly opened: number
}

/** What one control instance tells of itself. */
export interface InstanceState {
  /** Of this run of the service. */
  readonly instanceId: string
  readonly keysReused: boolean
  readonly disabledKeyIds: readonly string[]
  /** Master keys whose leases end now. */
  readonly droppedKeyIds: readonly string[] | 'all'
}

/** How the key service and its KMS session are, as StatusResponse in kms.proto says; times in milliseconds since 1970. */
export type KeyServiceStatus = Readonly<StatusResponse>

/**
 * The key service as a front-end, or any other service, sees it. Every method throws {@link KmsError} and nothing
 * else, has a deadline of its own, and can be called again after `unavailable`.
 */
export interface KeyService {
  /** A fresh data key under `keyId`, or under the default key. Errors: key-not-found, access-denied, unavailable, not-configured. */
  generateDataKey(request: { readonly keyId?: string; readonly context: EncryptionContext }): Promise<DataKey>
  /** The 32 bytes of a sealed data key, owned by the caller. Errors: as above, and invalid-ciphertext. */
  decrypt(request: SealedKey): Promise<Uint8Array>
  /** The same, with a lease on the key. */
  decryptLeased(request: SealedKey): Promise<{ readonly plaintext: Uint8Array; readonly lease: Lease }>
  /**
   * The data key of the running epoch, the same for every caller, with a lease on some of its uses; undefined where control
   * reuses no keys. Errors as generateDataKey.
   */
  leaseDataKey(request: {
    readonly keyId?: string
    readonly context: EncryptionContext
  }): Promise<(DataKey & { readonly lease: Lease }) | undefined>
  /**
   * Seals data keys anew under the newest version of their master keys, each with its own outcome, in their order. Errors of
   * the call as a whole: unavailable.
   */
  rewrap(keys: readonly SealedKey[]): Promise<readonly (Uint8Array | KmsError)[]>
  /**
   * Follows every control instance: what it tells, or undefined once it is not heard any more, `refused` where that is because we
   * may not. Returns how to end that.
   */
  watch(onState: (target: string, state: InstanceState | 'refused' | undefined) => void): () => void
  /** Many at once; each item has its key, or the error that it alone failed with, in the order of the requests. At most 1,000. */
  decryptBatch(items: readonly SealedKey[]): Promise<readonly (Uint8Array | KmsError)[]>
  /** Seals 1..64 KiB of another service's under a master key; `decrypt` opens them. */
  encrypt(request: {
    readonly keyId?: string
    readonly plaintext: Uint8Array
    readonly context: EncryptionContext
  }): Promise<{ readonly keyId: string; readonly sealed: Uint8Array }>
  /** Tells what was done under leases, for the audit: at most 1,000 items. It may be told twice after a break. */
  reportUses(items: readonly KeyUses[]): Promise<void>
  status(): Promise<KeyServiceStatus>
  /** Ends the connection. Idempotent. */
  close(): Promise<void>
}
