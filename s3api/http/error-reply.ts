import type { Logger } from 'pino'
import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import { DareError } from '../../engine/index.ts'
import { BackendError, type BackendErrorCode } from '../backends/backend.ts'
import { S3Error, type S3ErrorCode, s3Errors } from '../errors.ts'
import type { Reply } from '../operation.ts'
import { isNoSpace } from './outage-log.ts'
import { errorDocument } from './xml-writer.ts'

/** The one place where an error of any room becomes an S3 error. */

const retryAfterSeconds = 1

const s3CodeOfKms = {
  'key-not-found': 'KMS.NotFoundException',
  'access-denied': 'AccessDenied',
  'invalid-ciphertext': 'AccessDenied',
  'too-large': 'InvalidArgument',
  unavailable: 'ServiceUnavailable',
  'not-configured': 'NotImplemented',
  internal: 'InternalError',
} as const satisfies Record<KmsErrorCode, S3ErrorCode>

const s3CodeOfBackend = {
  'bucket-exists': 'BucketAlreadyOwnedByYou',
  'no-such-bucket': 'NoSuchBucket',
  'bucket-not-empty': 'BucketNotEmpty',
  'no-such-key': 'NoSuchKey',
  'no-such-version': 'NoSuchVersion',
  replaced: 'ServiceUnavailable',
  'delete-marker': 'MethodNotAllowed',
  locked: 'AccessDenied',
  'no-such-upload': 'NoSuchUpload',
  'invalid-part': 'InvalidPart',
  'precondition-failed': 'PreconditionFailed',
  'no-space': 'InsufficientStorage',
  unreadable: 'AccessDenied',
  'read-only': 'MethodNotAllowed',
  unavailable: 'ServiceUnavailable',
  busy: 'SlowDown',
  'not-supported': 'NotImplemented',
} as const satisfies Record<BackendErrorCode, S3ErrorCode>

/** Where that of the S3 code would not say enough. */
const messageOfKms: Partial<Record<KmsErrorCode, string>> = {
  // All else of a request to the KMS has a size that we know.
  'too-large': 'The encryption context is larger than the KMS takes.',
}

const messageOfBackend: Partial<Record<BackendErrorCode, string>> = {
  locked: 'Access Denied because object protected by object lock.',
  unreadable: 'Access Denied because the server itself may not read what is stored.',
  replaced: 'The object is being replaced again and again. Please try again.',
  'read-only': 'MinIO has stored the object, and it is read only here.',
}

/**
 * The S3 error that a client is told. A defect, and data that is not what was stored, are logged here; what lies in the KMS, the
 * store or the disk the request's own line tells.
 */
export function toS3Error(error: unknown, log: Logger): S3Error {
  if (error instanceof S3Error) return error
  if (error instanceof KmsError) {
    if (error.code === 'internal') log.error({ err: error }, 'the key service failed')
    const told = error.code === 'not-configured' || error.code === 'key-not-found'
    const code = error.retryAfterMs === undefined ? s3CodeOfKms[error.code] : 'SlowDown'
    return new S3Error(code, told ? error.message : messageOfKms[error.code], { cause: error })
  }
  if (error instanceof BackendError) {
    if (error.code === 'unreadable') log.error({ err: error }, 'the system does not let the server read')
    return ofBackend(error)
  }
  if (error instanceof DareError) {
    log.error({ err: error, code: error.code }, 'stored data is not authentic')
    return new S3Error('XMinioObjectTampered', undefined, { cause: error })
  }
  if (isNoSpace(error)) return new S3Error('InsufficientStorage', undefined, { cause: error })
  log.error({ err: error }, 'a request failed for a reason that is not the client’s')
  return new S3Error('InternalError', undefined, { cause: error instanceof Error ? error : undefined })
}

function ofBackend(error: BackendError): S3Error {
  const { code, marker } = error
  const message = messageOfBackend[code] ?? s3Errors[s3CodeOfBackend[code]][1]
  if (marker === undefined) return new S3Error(s3CodeOfBackend[code], message, { cause: error })
  // S3 user guide, "Working with delete markers".
  const headers = {
    'x-amz-delete-marker': 'true',
    'x-amz-version-id': marker.versionId,
    ...(code === 'delete-marker' && {
      Allow: 'DELETE',
      'Last-Modified': new Date(marker.modifiedAtMs).toUTCString(),
    }),
  }
  return new S3Error(s3CodeOfBackend[code], message, { cause: error, headers })
}

/** The error's response: a document, or headers only where HTTP allows no body. */
export function errorReply(
  error: S3Error,
  request: { readonly method: string; readonly resource: string; readonly requestId: string },
): Reply {
  const { status } = error
  const headers = {
    ...error.headers,
    ...(status === 503 && { 'Retry-After': String(retryAfterSeconds) }),
    ...(error.elements.ActualObjectSize !== undefined && {
      'Content-Range': `bytes */${error.elements.ActualObjectSize}`,
    }),
  }
  if (request.method === 'HEAD' || status === 304) return { status, headers }
  const body = errorDocument({
    Code: error.code,
    Message: error.message,
    ...error.elements,
    Resource: request.resource,
    RequestId: request.requestId,
    HostId: request.requestId,
  })
  return { status, headers: { ...headers, 'Content-Type': 'application/xml' }, body }
}
