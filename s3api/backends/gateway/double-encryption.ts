import { createHash, createHmac } from 'node:crypto'
import { objectPath } from '../../../engine/index.ts'
import { S3Error } from '../../errors.ts'
import { toBase64 } from '../../text.ts'
import type { AskedEncryption } from '../backend.ts'
import type { GatewayConfig } from './config.ts'

/**
 * What the store is asked to encrypt besides: for each kind that `MINIO_GATEWAY_SSE` names, the same kind. A client's own key
 * never reaches the store: it gets one derived from it, as MinIO's gateway did.
 */

type Headers = Readonly<Record<string, string>>

interface Name {
  readonly bucket: string
  readonly key: string
}

/** The key that the store is given for an object: HMAC-SHA256 of the client's key over `SSE-C` and the object's path. */
export function deriveUpstreamKey(customerKey: Uint8Array, { bucket, key }: Name): Uint8Array {
  return createHmac('sha256', customerKey).update('SSE-C').update(objectPath(bucket, key), 'utf8').digest()
}

/** For a request that makes an object or a multipart upload. */
export function creationHeaders(
  double: GatewayConfig['double'],
  asked: AskedEncryption | undefined,
  name: Name,
): Headers {
  if (asked === undefined) return {}
  if (asked.mode === 'SSE-C') return customerHeaders(double, asked.customerKey, name)
  return double.s3 ? { 'x-amz-server-side-encryption': 'AES256' } : {}
}

/** For every other request on an object or part: only a customer's key has to be given again. */
export function customerHeaders(
  double: GatewayConfig['double'],
  customerKey: Uint8Array | undefined,
  name: Name,
  prefix = 'x-amz-server-side-encryption-customer-',
): Headers {
  if (!double.c || customerKey === undefined) return {}
  const key = deriveUpstreamKey(customerKey, name)
  return {
    [`${prefix}algorithm`]: 'AES256',
    [`${prefix}key`]: toBase64(key),
    [`${prefix}key-md5`]: createHash('md5').update(key).digest('base64'),
  }
}

/**
 * A completion sends one part more. Errors: S3Error InvalidRequest for one without the key that the store is asked to encrypt with.
 */
export function requireCompletionKey(
  double: GatewayConfig['double'],
  asked: AskedEncryption | undefined,
): void {
  if (!double.c || asked?.mode !== 'SSE-C' || asked.customerKey !== undefined) return
  throw new S3Error(
    'InvalidRequest',
    'The store encrypts this upload as well. Its completion must include the encryption parameters of its parts.',
  )
}

export const copySourcePrefix = 'x-amz-copy-source-server-side-encryption-customer-'
