import { createHash } from 'node:crypto'

/** The ways in which an object can be encrypted. */
export const modes = ['plain', 'sse-s3', 'sse-kms', 'sse-c'] as const
export type Mode = (typeof modes)[number]

type Headers = Readonly<Record<string, string>>

const clientKey = createHash('sha256').update('the client’s key').digest()
const wrongKey = createHash('sha256').update('another key').digest()

/** For writing. */
export function writeHeaders(mode: Mode): Headers {
  switch (mode) {
    case 'plain':
      return {}
    case 'sse-s3':
      return { 'x-amz-server-side-encryption': 'AES256' }
    case 'sse-kms':
      return { 'x-amz-server-side-encryption': 'aws:kms' }
    case 'sse-c':
      return customerHeaders('x-amz-server-side-encryption-customer', clientKey)
  }
}

/** For reading. */
export function readHeaders(mode: Mode): Headers {
  return mode === 'sse-c' ? writeHeaders(mode) : {}
}

/** For reading the source of a copy. */
export function sourceHeaders(mode: Mode): Headers {
  if (mode !== 'sse-c') return {}
  return customerHeaders('x-amz-copy-source-server-side-encryption-customer', clientKey)
}

export const wrongKeyHeaders: Headers = customerHeaders('x-amz-server-side-encryption-customer', wrongKey)

function customerHeaders(prefix: string, key: Uint8Array): Headers {
  return {
    [`${prefix}-algorithm`]: 'AES256',
    [`${prefix}-key`]: Buffer.from(key).toString('base64'),
    [`${prefix}-key-md5`]: createHash('md5').update(key).digest('base64'),
  }
}
