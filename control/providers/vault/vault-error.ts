/** What went wrong between us and Vault, as far as anybody needs to tell it apart. */
export type VaultErrorKind =
  /** Vault answered with a status other than 200 and 204. */
  | 'refused'
  /** The connection could not be made, or broke before the answer was whole. */
  | 'network'
  /** No whole answer within the deadline. */
  | 'timeout'
  /** The caller did not want to wait any longer. */
  | 'given-up'
  /** A redirect, which is never followed: it would carry the token to another host. */
  | 'redirect'
  /** An answer that is not what Vault's API promises, or is too large. */
  | 'invalid-answer'

/** What Vault's text says, as one of a closed set: the text itself may quote a request, so it goes no further. */
export type VaultRefusal =
  | 'key-not-found'
  | 'key-type'
  | 'key-version'
  | 'soft-deleted'
  | 'ciphertext'
  | 'version-too-old'
  | 'request-too-large'
  | 'sealed'
  | 'no-active-node'
  | 'wrapping-token'
  | 'source-address'
  | 'unspecified'

/** What a {@link VaultError} is made of. */
export interface VaultErrorDetails {
  readonly kind: VaultErrorKind
  /** Method and path, without host, query, headers or body. */
  readonly call: string
  /** HTTP status, where there was one. */
  readonly status?: number
  readonly refusal?: VaultRefusal
  /** How long Vault asks us to stay away. */
  readonly retryAfterMs?: number
  /** The system's or undici's own code, such as ECONNREFUSED; or the host that a redirect points to. */
  readonly detail?: string
}

/**
 * A call to Vault that failed. It holds status and path only: never a token, a secret id, a body, or the error of a
 * library that may hold one of these. That is why it has no cause.
 */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly kind: VaultErrorKind
  readonly call: string
  readonly status: number
  readonly refusal: VaultRefusal
  /** 0 where Vault named no time. */
  readonly retryAfterMs: number

  constructor(details: VaultErrorDetails) {
    super(toMessage(details))
    this.kind = details.kind
    this.call = details.call
    this.status = details.status ?? 0
    this.refusal = details.refusal ?? 'unspecified'
    this.retryAfterMs = details.retryAfterMs ?? 0
  }
}

/** Vault's texts, as sdk/helper/keysutil and builtin/logical/transit of Vault and OpenBao have them. */
const refusals: readonly (readonly [RegExp, VaultRefusal])[] = [
  [/key not found|no existing key named/, 'key-not-found'],
  [/requested version for encryption|no such key version|invalid key version/, 'key-version'],
  [/disallowed by policy \(too old\)/, 'version-too-old'],
  [/soft-deleted key/, 'soft-deleted'],
  [/message (encryption|decryption) not supported for key type/, 'key-type'],
  [
    /message authentication failed|failed to RSA decrypt|invalid ciphertext|illegal base64|failed to base64-decode/,
    'ciphertext',
  ],
  [/Vault is sealed|OpenBao is sealed|namespace is sealed/, 'sealed'],
  [/active cluster node not found/, 'no-active-node'],
  [/wrapping token is not valid|wrapping token/, 'wrapping-token'],
  [/source address .* unauthorized/, 'source-address'],
]

/**
 * Whether the body is `{"errors": [...]}`, as of every refusal of Vault's. A 403 or 404 with another one comes from
 * something in between, which knows nothing of tokens and keys.
 */
export function isRefusal(body: unknown): body is { readonly errors: readonly unknown[] } {
  return typeof body === 'object' && body !== null && 'errors' in body && Array.isArray(body.errors)
}

/** Reads a refusal for what it says; never for its words. */
export function toRefusal(body: unknown): VaultRefusal {
  if (!isRefusal(body)) return 'unspecified'
  const text = body.errors.filter((item) => typeof item === 'string').join('\n')
  return refusals.find(([pattern]) => pattern.test(text))?.[1] ?? 'unspecified'
}

function toMessage({ kind, call, status, refusal, detail }: VaultErrorDetails): string {
  switch (kind) {
    case 'refused': {
      const why = refusal === undefined || refusal === 'unspecified' ? '' : ` (${refusal})`
      return `vault answered ${status}${why} to ${call}`
    }
    case 'network':
      return `vault cannot be reached for ${call}${detail === undefined ? '' : `: ${detail}`}`
    case 'timeout':
      return `vault did not answer ${call} in time`
    case 'given-up':
      return `${call} was given up before vault answered`
    case 'redirect':
      return `vault redirects ${call} to ${detail ?? 'nowhere'}, which is not followed: configure that address instead`
    case 'invalid-answer':
      return `vault's answer to ${call} is not understood${detail === undefined ? '' : `: ${detail}`}`
  }
}
