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

/** How the key service and its KMS session are; times in milliseconds since 1970, 0 for never. */
export interface KeyServiceStatus {
  readonly provider: string
  readonly defaultKeyId: string
  readonly ready: boolean
  readonly session: string
  readonly reason: string
  readonly tokenExpiresAtMs: number
  readonly lastLoginAtMs: number
  readonly lastRenewalAtMs: number
  readonly startedAtMs: number
  readonly version: string
  readonly logins: number
  readonly renewals: number
}

/**
 * The key service as a front-end, or any other service, sees it. Every method throws {@link KmsError} and nothing
 * else, has a deadline of its own, and can be called again after `unavailable`.
 */
export interface KeyService {
  /** A fresh data key under `keyId`, or under the default key. Errors: key-not-found, access-denied, unavailable, not-configured. */
  generateDataKey(request: { readonly keyId?: string; readonly context: EncryptionContext }): Promise<DataKey>
  /** The 32 bytes of a sealed data key, owned by the caller. Errors: as above, and invalid-ciphertext. */
  decrypt(request: {
    readonly keyId: string
    readonly sealed: Uint8Array
    readonly context: EncryptionContext
  }): Promise<Uint8Array>
  status(): Promise<KeyServiceStatus>
  /** Ends the connection. Idempotent. */
  close(): Promise<void>
}
