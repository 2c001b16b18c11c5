import type { EncryptionContext } from '../client.ts'

/**
 * A key management system, as the control service uses it. A provider is one file and one line in `index.ts`, and passes
 * `test/contracts/provider.ts`. Every method throws KmsError and nothing else; no message holds a secret.
 */
export interface Provider {
  /** As Status shows it: `vault`, `master-key`. */
  readonly name: string
  /** The master key that is used where a request names none. */
  readonly defaultKeyId: string
  /** Begins to log in, where there is something to log in to. Never blocks and never throws. */
  start(): void
  /**
   * A fresh 32-byte data key. Both buffers belong to the caller. Errors: key-not-found, access-denied, unavailable.
   */
  generateDataKey(request: {
    readonly keyId: string
    readonly context: EncryptionContext
    readonly signal: AbortSignal
  }): Promise<{ readonly plaintext: Uint8Array; readonly sealed: Uint8Array }>
  /**
   * Opens what generateDataKey or encrypt sealed under this key id and context. The result belongs to the caller.
   * Errors: invalid-ciphertext where key id, bytes and context do not belong together; key-not-found, access-denied, unavailable.
   */
  decrypt(request: {
    readonly keyId: string
    readonly sealed: Uint8Array
    readonly context: EncryptionContext
    readonly signal: AbortSignal
  }): Promise<Uint8Array>
  /** Seals up to 64 KiB, at least one byte. Errors: key-not-found, access-denied, unavailable. */
  encrypt(request: {
    readonly keyId: string
    readonly plaintext: Uint8Array
    readonly context: EncryptionContext
    readonly signal: AbortSignal
  }): Promise<Uint8Array>
  session(): SessionStatus
  /** Called after every change of the session's readiness. One listener. */
  onSessionChange(listener: () => void): void
  /** Ends session and timers. Idempotent. */
  close(): Promise<void>
}

/** How a provider's session is; times in milliseconds since 1970, 0 for never. */
export interface SessionStatus {
  /** `none` for a provider without sessions. */
  readonly state: 'none' | 'logged-out' | 'ready' | 'renewing' | 'degraded' | 'expired'
  /** Keys can be generated now, as far as is known. */
  readonly ready: boolean
  /** Why it is not ready; empty when it is. */
  readonly reason: string
  readonly tokenExpiresAtMs: number
  readonly lastLoginAtMs: number
  readonly lastRenewalAtMs: number
  readonly logins: number
  readonly renewals: number
}
