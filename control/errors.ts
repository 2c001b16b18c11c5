import { status } from '@grpc/grpc-js'

/** What can go wrong with a key operation: a closed set, the same on both sides of the wire. */
export type KmsErrorCode =
  | 'key-not-found'
  | 'access-denied'
  | 'invalid-ciphertext'
  | 'unavailable'
  | 'not-configured'
  | 'internal'

/** A key operation that failed. The message is safe to print: it never holds a key, token or plaintext. */
export class KmsError extends Error {
  override readonly name = 'KmsError'
  readonly code: KmsErrorCode
  constructor(code: KmsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Code to gRPC status. Read both ways, so that the client rebuilds the error which the service threw. */
export const statusOfCode = {
  'key-not-found': status.NOT_FOUND,
  'access-denied': status.PERMISSION_DENIED,
  'invalid-ciphertext': status.INVALID_ARGUMENT,
  unavailable: status.UNAVAILABLE,
  'not-configured': status.FAILED_PRECONDITION,
  internal: status.INTERNAL,
} as const satisfies Record<KmsErrorCode, status>

export const kmsErrorCodes: readonly KmsErrorCode[] = [
  'key-not-found',
  'access-denied',
  'invalid-ciphertext',
  'unavailable',
  'not-configured',
  'internal',
]

/** The code that a status stands for, as the client reads it. */
export function codeOfStatus(value: status | undefined): KmsErrorCode {
  if (value === status.DEADLINE_EXCEEDED || value === status.CANCELLED) return 'unavailable'
  for (const [code, codeStatus] of Object.entries(statusOfCode)) {
    // Object.entries widens the keys of statusOfCode, all of which are codes.
    if (codeStatus === value) return code as KmsErrorCode
  }
  return 'internal'
}
