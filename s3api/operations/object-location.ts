import type { S3Request } from '../operation.ts'
import { encodeKey } from './listing.ts'

/**
 * The URL of the object that a request has made, by the host and in the style that its client has used: some keep it as the
 * object's address (S3 API reference, CompleteMultipartUpload, "Location"; POST Object). A path for a client that names no host.
 */
export function objectLocation({ bucket, key, headers, secure, virtualHost }: S3Request): string {
  const host = headers.get('host')
  const server = host === undefined ? '' : `${secure ? 'https' : 'http'}://${host}`
  return `${server}${virtualHost ? '' : `/${bucket}`}/${encodeKey(key)}`
}
