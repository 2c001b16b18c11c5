// How errors go over gRPC and are rebuilt on the other side.

import { type ServiceError, status } from '@grpc/grpc-js'
import { KmsError, type KmsErrorCode, kmsErrorCodes } from './errors.ts'

/** Code to gRPC status. Read both ways, so that the client rebuilds the error which the service threw. */
export const statusOfCode = {
  'key-not-found': status.NOT_FOUND,
  'access-denied': status.PERMISSION_DENIED,
  'invalid-ciphertext': status.INVALID_ARGUMENT,
  'too-large': status.OUT_OF_RANGE,
  unavailable: status.UNAVAILABLE,
  'not-configured': status.FAILED_PRECONDITION,
  internal: status.INTERNAL,
} as const satisfies Record<KmsErrorCode, status>

/** In the metadata of RESOURCE_EXHAUSTED: after how many milliseconds to try again. */
export const retryAfterName = 'retry-after-ms'

/** In the metadata of each error that the service itself sends, in contrast to those of the way to it. */
export const answeredName = 'sealgate-answered'

/** In the metadata of an error that control gave on its own account. */
export const byControlName = 'sealgate-by-control'

/** A deadline, a call given up, a limit of this client's. */
const alsoUnavailable: readonly status[] = [
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.RESOURCE_EXHAUSTED,
]

/** The code that a status stands for, as the client reads it. */
export function codeOfStatus(value: status | undefined): KmsErrorCode {
  if (value !== undefined && alsoUnavailable.includes(value)) return 'unavailable'
  for (const [code, codeStatus] of Object.entries(statusOfCode)) {
    // Object.entries widens the keys of statusOfCode, all of which are codes.
    if (codeStatus === value) return code as KmsErrorCode
  }
  return 'internal'
}

/** Each of grpc-js's balancers wraps the system's error in words of its own. */
const unconnected = /No connection established\. (?:.*)Last error: (?:Error: )?(.+?)\. Resolution note: /s

/** What to tell of a failed call: the service's own words, the system's, or what the service's silence means. */
export function reasonOfFailure({ code, details, metadata }: ServiceError): string {
  const silent = code === status.DEADLINE_EXCEEDED && metadata.get(answeredName).length === 0
  if (silent) return 'control did not answer in time: it hangs, or the way to it is broken'
  const cause = unconnected.exec(details)?.[1]
  return cause === undefined ? details : `control cannot be reached: ${cause}`
}

/** Whether a message was larger than one side takes, for which gRPC has no status of its own: smaller ones may go through. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof KmsError) || !(error.cause instanceof Error)) return false
  // What a KmsError of the client was made of is a ServiceError.
  const { code, details } = error.cause as Partial<ServiceError>
  return code === status.RESOURCE_EXHAUSTED && details !== undefined && /message .*larger than/i.test(details)
}

/** The code of an item of a batch. */
export function parseErrorCode(text: string | undefined): KmsErrorCode {
  return kmsErrorCodes.find((code) => code === text) ?? 'internal'
}
