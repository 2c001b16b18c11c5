import type { SignatureFacts } from '../access/condition-keys.ts'
import type { Credential } from '../config.ts'
import { S3Error } from '../errors.ts'
import type { PayloadForm } from './payload.ts'
import type { Scope } from './signing-key.ts'

/** Who signed a request, verified: what all signatures have in common, of V4 and V2, of requests and forms. */
export interface Authentication {
  /** Absent: nobody signed the request. */
  readonly accessKey?: string
  readonly payload: PayloadForm
  /** What chunk signatures continue; absent where there is nothing to continue. */
  readonly signing?: ChunkSigning
  /** How the request was signed, for policies. */
  readonly signature?: SignatureFacts
}

export interface ChunkSigning {
  readonly key: Uint8Array
  /** YYYYMMDDTHHMMSSZ */
  readonly time: string
  readonly scope: Scope
  readonly seedSignature: string
}

/** How far the clock of who signs may be from ours. */
export const skewMaxMs = 15 * 60 * 1000

/** Where no credential has an access key, the same work is done with this one. */
export const nobody: Credential = { accessKey: '', secretKey: 'nobody' }

/** Once the signature was compared: with that of {@link nobody} where there is no credential. Errors: InvalidAccessKeyId, SignatureDoesNotMatch. */
export function requireMatch(accessKey: string, credential: Credential | undefined, matches: boolean): void {
  const elements = { AWSAccessKeyId: accessKey }
  if (credential === undefined) throw new S3Error('InvalidAccessKeyId', undefined, { elements })
  if (!matches) throw new S3Error('SignatureDoesNotMatch', undefined, { elements })
}

/** Milliseconds of YYYYMMDDTHHMMSSZ, or NaN. */
export function parseBasicTime(text: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text) ?? []
  return year === undefined ? Number.NaN : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

export function noValidDate(): S3Error {
  return new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
}

/** For Signature V2, where it may not be used. */
export function unsupportedMechanism(): S3Error {
  return new S3Error(
    'InvalidRequest',
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  )
}
