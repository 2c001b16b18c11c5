import { S3Error, type S3ErrorCode, s3Errors } from '../../errors.ts'
import { readXml } from '../../http/xml-reader.ts'
import { BackendError, type BackendErrorCode } from '../backend.ts'
import type { UpstreamRequest } from './upstream.ts'

/** An answer of the store that is an error. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly status: number
  /** S3's code; where the answer has no document, as for HEAD, what the status stands for. */
  readonly code: string
  /** The store's id of the request. */
  readonly storeRequestId: string
  readonly headers: Readonly<Record<string, string>>
  /** The region that the store names. */
  readonly region: string | undefined
  /** The answer's own document. */
  readonly body: Uint8Array
  constructor(
    answer: {
      readonly status: number
      readonly code: string
      readonly message: string
      readonly storeRequestId: string
      readonly headers: Readonly<Record<string, string>>
      readonly region?: string | undefined
      readonly body?: Uint8Array
    },
    options?: ErrorOptions,
  ) {
    super(`the store answered ${answer.status} ${answer.code}: ${answer.message}`, options)
    this.status = answer.status
    this.code = answer.code
    this.storeRequestId = answer.storeRequestId
    this.headers = answer.headers
    this.region = answer.region
    this.body = answer.body ?? new Uint8Array(0)
  }
}

/** What an answer without a document means. */
const codeOfStatus: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  304: 'NotModified',
  400: 'BadRequest',
  403: 'AccessDenied',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'SlowDown',
  500: 'InternalError',
  501: 'NotImplemented',
  502: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'InternalError',
}

/**
 * A 404 without S3's document, where S3 always has one, is not the store's: of a proxy before it that finds no store, most likely.
 * It says of nothing that it is not there.
 */
const noDocument = 'NoDocument'

export function toUpstreamError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  method: UpstreamRequest['method'],
): UpstreamError {
  const document = parseError(body)
  const anyones = status === 404 && method !== 'HEAD' && headers['x-amz-delete-marker'] === undefined
  return new UpstreamError({
    status,
    code: document?.code ?? (anyones ? noDocument : codeOfStatus[status]) ?? 'InternalError',
    message: document?.message ?? 'no error document',
    storeRequestId: requestIdOf(headers),
    headers,
    region: headers['x-amz-bucket-region'] ?? document?.region,
    body,
  })
}

/** The error document, where the body is one. */
export function parseError(body: Uint8Array):
  | {
      readonly code: string
      readonly message: string
      readonly region: string | undefined
      /** The header of ours that was not met. */
      readonly condition: string | undefined
    }
  | undefined {
  if (body.length === 0) return undefined
  try {
    const root = readXml(body, 'Error')
    const text = (name: string) => root.child(name)?.text()
    return {
      code: text('Code') ?? 'InternalError',
      message: text('Message') ?? '',
      region: text('Region'),
      condition: text('Condition'),
    }
  } catch {
    // A proxy's page, most likely; the status says enough.
    return undefined
  }
}

export function requestIdOf(headers: Readonly<Record<string, string>>): string {
  return headers['x-amz-request-id'] ?? ''
}

const backendCodes: Readonly<Record<string, BackendErrorCode>> = {
  BucketAlreadyExists: 'bucket-exists',
  BucketAlreadyOwnedByYou: 'bucket-exists',
  BucketNotEmpty: 'bucket-not-empty',
  NoSuchBucket: 'no-such-bucket',
  InvalidBucketName: 'no-such-bucket',
  NoSuchKey: 'no-such-key',
  NoSuchVersion: 'no-such-version',
  NoSuchUpload: 'no-such-upload',
  InvalidPart: 'invalid-part',
  PreconditionFailed: 'precondition-failed',
  NotImplemented: 'not-supported',
  // Of stores that keep objects as files.
  ObjectParentIsFile: 'not-supported',
  DirectoryObjectContainsData: 'not-supported',
  XMinioStorageFull: 'no-space',
  InsufficientStorage: 'no-space',
}

/** Somebody else is at it: to be tried again. */
const conflicts: ReadonlySet<string> = new Set(['Conflict', 'OperationAborted', 'ConditionalRequestConflict'])

/** The store refuses us, not the client: nobody but the operator can help. */
const refusals: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
  'ExpiredToken',
  'InvalidToken',
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'XAmzContentSHA256Mismatch',
  noDocument,
])
/** So are these where the requests are our own. */
const misunderstandings: ReadonlySet<string> = new Set(['InvalidRequest', 'BadRequest'])

/** Statuses between 400 and 499 that tell of our own standing with the store, or with a proxy before it, or of the moment. */
const passing: ReadonlySet<number> = new Set([401, 407, 408, 425, 429])

/** The store does not take us for one of its clients. */
export function isRefusal({ code }: UpstreamError): boolean {
  return refusals.has(code)
}

/** Said in words only: by AWS with a code of its own for nothing, by MinIO with one that it has for much else. */
function isLocked({ code, message }: UpstreamError): boolean {
  if (code === 'AccessDenied') return /object lock/i.test(message)
  return code === 'InvalidRequest' && /WORM protected/.test(message)
}

/** What a failure of the store is to callers of a backend; `notFound`: what 404 without a document means here. */
export function toBackendError(error: unknown, notFound: BackendErrorCode = 'no-such-key'): Error {
  if (!(error instanceof UpstreamError)) {
    return error instanceof Error ? error : new Error('the store failed', { cause: error })
  }
  const options = { cause: error }
  if (isLocked(error)) return new BackendError('locked', error.message, options)
  const known = error.code === 'NotFound' ? notFound : backendCodes[error.code]
  if (known !== undefined) return new BackendError(known, error.message, options)
  const ourFault = isRefusal(error) || misunderstandings.has(error.code)
  const refused = error.status < 500 && !passing.has(error.status) && !conflicts.has(error.code)
  if (refused && !ourFault) {
    const refusal = toRefusal(error, options)
    if (refusal !== undefined) return refusal
  }
  return new BackendError('unavailable', error.message, options)
}

/** What the store would refuse again, so that clients do not try. With its own code, where that is one of S3's. */
function toRefusal({ status, code }: UpstreamError, options: ErrorOptions): S3Error | undefined {
  // InternalError stands for a document without a code, and for a status that we do not know.
  if (code in s3Errors && code !== 'InternalError')
    return new S3Error(code as S3ErrorCode, undefined, options)
  if (status < 400) return undefined
  const message = `The store refused the request: ${status} ${code}`
  return new S3Error(status === 403 ? 'AccessDenied' : 'BadRequest', message, options)
}

/** Runs `work`; what the store refuses comes out as callers of a backend know it. */
export async function asBackend<Result>(
  work: () => Promise<Result>,
  notFound?: BackendErrorCode,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw toBackendError(error, notFound)
  }
}
