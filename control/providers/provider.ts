import type { EncryptionContext } from '../service.ts'

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
  /**
   * Has the KMS seal what it sealed before under the newest version of the key, without showing it to us. Undefined: it may
   * not, or not for this key; absent: it can not. Errors as decrypt.
   */
  rewrap?(request: {
    readonly keyId: string
    readonly sealed: Uint8Array
    readonly context: EncryptionContext
    readonly signal: AbortSignal
  }): Promise<Uint8Array | undefined>
  session(): SessionStatus
  /** Absent where calls go nowhere. */
  circuit?(): CircuitStatus
  /** Where the KMS is, without credentials; absent where there is no such place. */
  readonly endpoint?: string
  readonly keys: KeyAdministration
  /** Tries whatever the KMS is needed for, in the order in which it is needed. Never throws. */
  diagnose(signal: AbortSignal): Promise<readonly Check[]>
  /** Called after every change of the session's readiness. One listener. */
  onSessionChange(listener: () => void): void
  /** Ends session and timers. Idempotent. */
  close(): Promise<void>
}

/** How a provider's session is; times in milliseconds since 1970, 0 for never. */
export interface SessionStatus {
  /** `none` for a provider without sessions. */
  readonly state: 'none' | 'logged-out' | 'ready' | 'renewing' | 'degraded' | 'expired' | 'locked'
  /** Since when it has been in this state; being ready and renewing alternate and count as one. */
  readonly sinceMs: number
  /** Keys can be generated now, as far as is known. */
  readonly ready: boolean
  /** Why it is not ready, or in what trouble though it is; empty when all is well. */
  readonly reason: string
  readonly tokenExpiresAtMs: number
  /** What was granted last, in seconds; 0 for a token without an end. */
  readonly leaseSeconds: number
  /** When the next renewal or login is due. */
  readonly nextActionAtMs: number
  readonly lastLoginAtMs: number
  readonly lastRenewalAtMs: number
  readonly lastErrorAtMs: number
  /** What failed last, safe to print; kept when it has been mended. */
  readonly lastError: string
  readonly logins: number
  readonly renewals: number
  readonly loginFailures: number
  readonly renewalFailures: number
  /** No login is tried any more until an operator acts. */
  readonly loginsHalted: boolean
}

/** The session of a provider that has none. */
export const noSession: SessionStatus = {
  state: 'none',
  sinceMs: 0,
  ready: true,
  reason: '',
  tokenExpiresAtMs: 0,
  leaseSeconds: 0,
  nextActionAtMs: 0,
  lastLoginAtMs: 0,
  lastRenewalAtMs: 0,
  lastErrorAtMs: 0,
  lastError: '',
  logins: 0,
  renewals: 0,
  loginFailures: 0,
  renewalFailures: 0,
  loginsHalted: false,
}

/** Whether calls are made at all; times in milliseconds since 1970. */
export interface CircuitStatus {
  /** `open`: the KMS failed too often, so calls fail at once. `probing`: it is being tried whether that is over. */
  readonly state: 'closed' | 'open' | 'probing'
  readonly sinceMs: number
  /** When it will be tried again; 0 unless open. */
  readonly retryAtMs: number
  /** What it opened for; empty when closed. */
  readonly reason: string
  /** How often it has opened. */
  readonly trips: number
}

/** A key of the KMS, as far as the KMS tells; see KeyDescription in kms.proto. */
export interface KeyDescription {
  readonly keyId: string
  readonly type: string
  readonly contextBound: boolean
  readonly latestVersion: number
  readonly minDecryptionVersion: number
  readonly minEncryptionVersion: number
  readonly latestVersionAtMs: number
  readonly deletionAllowed: boolean
  readonly exportable: boolean
}

/**
 * What operators do with keys. Errors: key-not-found; access-denied, with what has to be granted; not-configured where
 * the KMS cannot do it; unavailable.
 */
export interface KeyAdministration {
  list(signal: AbortSignal): Promise<readonly string[]>
  describe(keyId: string, signal: AbortSignal): Promise<KeyDescription>
  /** Errors: not-configured also for a key that exists. */
  create(
    keyId: string,
    options: { readonly contextBound: boolean; readonly signal: AbortSignal },
  ): Promise<KeyDescription>
  /** Makes a new version. */
  rotate(keyId: string, signal: AbortSignal): Promise<KeyDescription>
}

/** One thing that a doctor has looked at. */
export interface Check {
  readonly name: string
  readonly result: 'ok' | 'warning' | 'failed' | 'skipped'
  /** Safe to print. */
  readonly detail: string
  /** Commands, HCL or settings that mend it, to be pasted as they are; empty where nothing is to be mended. */
  readonly remedy: string
}
