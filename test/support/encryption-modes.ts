import { createHash } from 'node:crypto'

/** How a test's objects are encrypted, and the fields of SDK commands that say so. */
export type EncryptionMode = 'plain' | 'sse-s3' | 'sse-kms' | 'sse-c'

export const encryptionModes: readonly EncryptionMode[] = ['plain', 'sse-s3', 'sse-kms', 'sse-c']
export const kmsKeyId = 'my-minio-key'

const keyOf = (seed: number) => Buffer.alloc(32, seed)
const md5Of = (key: Buffer) => createHash('md5').update(key).digest('base64')

/** Fields that make an object of that mode; `seed` chooses the customer key. */
export function writeFields(mode: EncryptionMode, seed = 1) {
  if (mode === 'sse-s3') return { ServerSideEncryption: 'AES256' } as const
  if (mode === 'sse-kms') return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId } as const
  return readFields(mode, seed)
}

/** Fields that read it. */
export function readFields(mode: EncryptionMode, seed = 1): Partial<ReturnType<typeof customerFields>> {
  return mode === 'sse-c' ? customerFields(seed) : {}
}

function customerFields(seed: number) {
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: keyOf(seed).toString('base64'),
    SSECustomerKeyMD5: md5Of(keyOf(seed)),
  }
}

/** Fields that read it as the source of a copy. */
export function sourceFields(mode: EncryptionMode, seed = 1) {
  if (mode !== 'sse-c') return {}
  return {
    CopySourceSSECustomerAlgorithm: 'AES256',
    CopySourceSSECustomerKey: keyOf(seed).toString('base64'),
    CopySourceSSECustomerKeyMD5: md5Of(keyOf(seed)),
  }
}

/** What a response shows of the mode; the customer key's MD5 by its seed. */
export function shownFields(mode: EncryptionMode, seed = 1): Record<string, string> {
  if (mode === 'sse-s3') return { ServerSideEncryption: 'AES256' }
  if (mode === 'sse-kms') return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId }
  if (mode === 'sse-c') return { SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: md5Of(keyOf(seed)) }
  return {}
}

/** The same fields of a response. */
export function shownBy(response: object): Record<string, unknown> {
  const names = ['ServerSideEncryption', 'SSEKMSKeyId', 'SSECustomerAlgorithm', 'SSECustomerKeyMD5']
  return Object.fromEntries(
    Object.entries(response).filter(([name, value]) => names.includes(name) && value !== undefined),
  )
}
