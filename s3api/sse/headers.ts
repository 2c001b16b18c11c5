import { createHash, timingSafeEqual } from 'node:crypto'
import { type EncryptionContext, isKeyId } from '../../control/client.ts'
import { S3Error } from '../errors.ts'
import { parseBase64 } from '../text.ts'

/** The SSE headers of requests, parsed. Source: Amazon S3 API reference, PutObject and CopyObject request headers. */

type Headers = ReadonlyMap<string, string>

/** A client's own key (SSE-C). */
export interface CustomerKey {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** base64 of the key's MD5, as the client sent it and as responses echo it. */
  readonly keyMd5: string
}

/** What a request asks for, before bucket and server defaults. */
export type RequestedEncryption =
  | { readonly mode: 'SSE-S3' }
  | { readonly mode: 'SSE-KMS'; readonly keyId?: string; readonly context: EncryptionContext }
  | ({ readonly mode: 'SSE-C' } & CustomerKey)

const sseHeader = 'x-amz-server-side-encryption'
const keyIdHeader = 'x-amz-server-side-encryption-aws-kms-key-id'
const contextHeader = 'x-amz-server-side-encryption-context'
const customerHeader = 'x-amz-server-side-encryption-customer-'
const copySourceCustomerHeader = 'x-amz-copy-source-server-side-encryption-customer-'

const customerKeySize = 32
/** AWS KMS's own bound on an encryption context. */
const contextSizeMax = 8192
/** What control takes (docs/control-plane.md), less the entry of the bucket. */
const contextEntriesMax = 63

/** The encryption that the request's headers ask for, or undefined where they are silent. Errors: InvalidArgument, NotImplemented. */
export function parseRequestedEncryption(headers: Headers): RequestedEncryption | undefined {
  const customerKey = parseCustomerKey(headers)
  const algorithm = headers.get(sseHeader)
  const keyId = headers.get(keyIdHeader)
  if (customerKey !== undefined) {
    if (algorithm !== undefined || keyId !== undefined) {
      throw new S3Error(
        'InvalidArgument',
        'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      )
    }
    return { mode: 'SSE-C', ...customerKey }
  }
  if (algorithm === undefined) {
    if (keyId !== undefined || headers.has(contextHeader)) {
      throw new S3Error('InvalidArgument', `${sseHeader} is required with the KMS headers of the request`)
    }
    return undefined
  }
  return parseServerSide(algorithm, keyId, headers.get(contextHeader))
}

function parseServerSide(
  algorithm: string,
  keyId: string | undefined,
  context: string | undefined,
): RequestedEncryption {
  switch (algorithm) {
    case 'AES256':
      if (keyId !== undefined || context !== undefined) {
        throw new S3Error('InvalidArgument', `the KMS headers of the request need ${sseHeader}: aws:kms`)
      }
      return { mode: 'SSE-S3' }
    case 'aws:kms':
      return {
        mode: 'SSE-KMS',
        ...(keyId !== undefined && { keyId: parseKmsKeyId(keyId) }),
        context: context === undefined ? {} : parseContext(context),
      }
    case 'aws:kms:dsse':
      throw new S3Error('NotImplemented', 'aws:kms:dsse is not implemented')
    default:
      throw new S3Error('InvalidArgument', 'The encryption method specified is not supported')
  }
}

/** A KMS key id; of an ARN, its last element. */
export function parseKmsKeyId(text: string): string {
  const id = text.replace(/^arn:aws:kms:(?:[^:]*:[^:]*:(?:key|alias)\/)?/, '')
  if (!isKeyId(id)) {
    throw new S3Error('InvalidArgument', 'The KMS key id is not a valid key name')
  }
  return id
}

/** base64 of a JSON object whose values are strings. */
function parseContext(text: string): EncryptionContext {
  const invalid = () =>
    new S3Error('InvalidArgument', `${contextHeader} must be base64 of a JSON object of strings`)
  const bytes = parseBase64(text)
  if (bytes === undefined || bytes.length > contextSizeMax) throw invalid()
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new S3Error('InvalidArgument', invalid().message, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid()
  const entries = Object.entries(value)
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) throw invalid()
  if (entries.length > contextEntriesMax)
    throw new S3Error('InvalidArgument', `${contextHeader} has more than ${contextEntriesMax} entries`)
  // Half of a surrogate pair is no text: in UTF-8 all of them would be one and the same context.
  if (entries.some((entry) => /\p{Surrogate}/u.test(entry.join('\n')))) throw invalid()
  return Object.fromEntries(entries)
}

/** The SSE-C key of the request, or undefined; one of its three headers is enough to ask for SSE-C. */
export function parseCustomerKey(headers: Headers): CustomerKey | undefined {
  return parseCustomerHeaders(headers, customerHeader)
}

/** The SSE-C key that opens a copy's source. */
export function parseCopySourceCustomerKey(headers: Headers): CustomerKey | undefined {
  return parseCustomerHeaders(headers, copySourceCustomerHeader)
}

function parseCustomerHeaders(headers: Headers, prefix: string): CustomerKey | undefined {
  const algorithm = headers.get(`${prefix}algorithm`)
  const keyText = headers.get(`${prefix}key`)
  const keyMd5 = headers.get(`${prefix}key-md5`)
  if (algorithm === undefined && keyText === undefined && keyMd5 === undefined) return undefined
  const refuse = (message: string) => new S3Error('InvalidArgument', message)
  if (algorithm !== 'AES256') {
    throw refuse(
      'Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.',
    )
  }
  if (keyText === undefined) {
    throw refuse(
      'Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.',
    )
  }
  if (keyMd5 === undefined) {
    throw refuse(
      'Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.',
    )
  }
  const key = parseBase64(keyText)
  if (key === undefined || key.length !== customerKeySize) {
    throw refuse('The secret key was invalid for the specified algorithm.')
  }
  const expected = createHash('md5').update(key).digest()
  const given = parseBase64(keyMd5)
  if (given === undefined || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw refuse('The calculated MD5 hash of the key did not match the hash that was provided.')
  }
  return { key, keyMd5 }
}

/** GET, HEAD and the like name no encryption: the object has it. */
export function refuseEncryptionHeaders(headers: Headers): void {
  for (const name of [sseHeader, keyIdHeader, contextHeader]) {
    if (headers.has(name)) {
      throw new S3Error('InvalidArgument', `${name} header is not supported for this operation.`)
    }
  }
}
