/** What can go wrong with a key operation: a closed set, the same on both sides of the wire. */
export const kmsErrorCodes = [
  'key-not-found',
  'access-denied',
  'invalid-ciphertext',
  /** What is asked has a size that control or the KMS does not take. */
  'too-large',
  'unavailable',
  'not-configured',
  'internal',
] as const
export type KmsErrorCode = (typeof kmsErrorCodes)[number]

/** A key operation that failed. The message is safe to print: it never holds a key, token or plaintext. */
export class KmsError extends Error {
  override readonly name = 'KmsError'
  readonly code: KmsErrorCode
  /** With `unavailable`: a limit of this client's was reached, and not before that time is there a use in another try. */
  readonly retryAfterMs: number | undefined
  /** Control refused it on its own account, and so it says nothing of the KMS. */
  readonly byControl: boolean
  constructor(
    code: KmsErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number; readonly byControl?: boolean },
  ) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options?.retryAfterMs
    this.byControl = options?.byControl ?? false
  }
}

/** What is no KmsError is a fault of ours. */
export function codeOf(error: unknown): KmsErrorCode {
  return error instanceof KmsError ? error.code : 'internal'
}

/** Codes that say nothing of the key: `too-large` is of the one request, and a proxy may have said it. */
const ofNoKey: readonly KmsErrorCode[] = ['unavailable', 'internal', 'too-large']

/** The answer was no, and it would be again. */
export function isRefusal(error: unknown): error is KmsError {
  return error instanceof KmsError && !ofNoKey.includes(error.code)
}
