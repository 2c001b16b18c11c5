import { S3Error } from '../errors.ts'
import type { RequestContext, Services } from '../operation.ts'
import { type DefaultEncryption, defaultEncryptionSetting, parseDefaultEncryption } from './bucket-default.ts'
import { noteDefault } from './encrypted-periods.ts'
import type { Envelope, KmsPart } from './envelope.ts'
import {
  type CustomerKey,
  parseCopySourceCustomerKey,
  parseCustomerKey,
  parseRequestedEncryption,
  type RequestedEncryption,
} from './headers.ts'

/**
 * How new data is encrypted: the one place where that is decided, for every path that writes. What the request's headers
 * ask for comes first, then the bucket's default, then auto-encryption. Undefined: stored in plaintext.
 */
export async function decideEncryption(context: RequestContext): Promise<RequestedEncryption | undefined> {
  const { request, services } = context
  const requested = parseRequestedEncryption(request.headers)
  if (requested?.mode === 'SSE-C') {
    requireSecure(context)
    await requireUnblocked(context)
  }
  if (requested !== undefined) return requested
  const encryption =
    (await bucketDefault(services, request.bucket)) ??
    (services.config.autoEncryption ? { mode: 'SSE-S3' } : undefined)
  await noteDefault(services, request.bucket, { encrypted: encryption !== undefined })
  return encryption
}

async function bucketDefault(services: Services, bucket: string): Promise<RequestedEncryption | undefined> {
  const { algorithm, keyId } = (await bucketEncryption(services, bucket)) ?? {}
  if (algorithm === undefined) return undefined
  if (algorithm === 'AES256') return { mode: 'SSE-S3' }
  return { mode: 'SSE-KMS', ...(keyId !== undefined && { keyId }), context: {} }
}

/** What the bucket's own setting says. Errors: BackendError no-such-bucket. */
export async function bucketEncryption(
  { backend }: Services,
  bucket: string,
): Promise<DefaultEncryption | undefined> {
  const setting = await backend.getBucketSetting(bucket, defaultEncryptionSetting)
  return setting === undefined ? undefined : parseDefaultEncryption(setting)
}

/** Errors: AccessDenied, as on AWS, in a bucket that blocks SSE-C. */
export async function requireUnblocked({ services, request }: RequestContext): Promise<void> {
  const encryption = await bucketEncryption(services, request.bucket)
  if (encryption?.blocksCustomerKeys !== true) return
  throw new S3Error('AccessDenied', 'The bucket does not accept encryption with customer keys (SSE-C).')
}

/** As {@link customerKeyOf}, for data that is written. Errors: also AccessDenied, in a bucket that blocks SSE-C. */
export async function newCustomerKeyOf(context: RequestContext): Promise<CustomerKey | undefined> {
  const key = customerKeyOf(context)
  if (key !== undefined) await requireUnblocked(context)
  return key
}

/** The customer key for the request's own object. Errors: InvalidArgument; InvalidRequest over plain HTTP. */
export function customerKeyOf(context: RequestContext): CustomerKey | undefined {
  const key = parseCustomerKey(context.request.headers)
  if (key !== undefined) requireSecure(context)
  return key
}

/** The customer key for the source of a copy. Errors as {@link customerKeyOf}. */
export function copySourceCustomerKeyOf(context: RequestContext): CustomerKey | undefined {
  const key = parseCopySourceCustomerKey(context.request.headers)
  if (key !== undefined) requireSecure(context)
  return key
}

function requireSecure({ request, services }: RequestContext): void {
  if (request.secure || services.config.allowSseCOverHttp) return
  throw new S3Error(
    'InvalidRequest',
    'Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.',
  )
}

/** What {@link encryptionHeaders} tells of an object that the request makes; S3 shows the encryption context then, and not later. */
export function newEncryptionHeaders(
  seal: Pick<Envelope, 'mode' | 'kms'> | undefined,
  encryption: RequestedEncryption | undefined,
): Record<string, string> {
  const context = seal?.kms?.clientContext ?? {}
  return {
    ...encryptionHeaders(seal, encryption?.mode === 'SSE-C' ? encryption : undefined),
    ...(Object.keys(context).length > 0 && {
      'x-amz-server-side-encryption-context': Buffer.from(JSON.stringify(context)).toString('base64'),
    }),
  }
}

/** The headers that tell a client how an object is encrypted. */
export function encryptionHeaders(
  seal: Pick<Envelope, 'mode' | 'kms'> | undefined,
  customerKey: CustomerKey | undefined,
): Record<string, string> {
  if (seal === undefined) return {}
  switch (seal.mode) {
    case 'SSE-S3':
      return { 'x-amz-server-side-encryption': 'AES256' }
    case 'SSE-KMS':
      return {
        'x-amz-server-side-encryption': 'aws:kms',
        ...(seal.kms !== undefined && kmsHeaders(seal.kms)),
      }
    case 'SSE-C':
      return {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        ...(customerKey !== undefined && {
          'x-amz-server-side-encryption-customer-key-MD5': customerKey.keyMd5,
        }),
      }
  }
}

/** A key that serves the whole bucket is what AWS calls a bucket key. */
function kmsHeaders({ keyId, contextForm }: KmsPart): Record<string, string> {
  return {
    'x-amz-server-side-encryption-aws-kms-key-id': keyId,
    ...(contextForm === 'bucket' && { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' }),
  }
}
