import { S3Error } from '../errors.ts'
import type { S3Request } from '../operation.ts'
import { isHeaderName, isHeaderValue } from '../text.ts'

/** Query names that belong to the signature itself. */
const ofSignature = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
])

/** What describes a body: nobody had the body when the URL was made. */
const ofBody = /^x-amz-(checksum-|sdk-checksum-|decoded-content-length$|trailer$)/
/** Signature V2 alone has these in its query. */
const ofV2 = new Set(['content-md5', 'content-type'])

/**
 * A presigned request with the headers that its signer put into the query: presigners move x-amz- headers there, and S3 takes
 * them as if they had been sent, encryption and metadata above all. The signature covers them. A header that was sent wins.
 * Left out are checksums, which some SDKs compute of the empty body that they have when they sign. Errors: InvalidArgument.
 */
export function withQueryHeaders(request: S3Request): S3Request {
  const v2 = request.query.has('Signature')
  if (!v2 && !request.query.has('X-Amz-Signature')) return request
  const headers = new Map(request.headers)
  for (const [queryName, value] of request.query) {
    const name = queryName.toLowerCase()
    const isHeader = name.startsWith('x-amz-') && !ofSignature.has(name) && !ofBody.test(name)
    if (!isHeader && !(v2 && ofV2.has(name))) continue
    // What no response could carry again must not be stored.
    if (!isHeaderName(name) || !isHeaderValue(value))
      throw new S3Error('InvalidArgument', `The parameter ${queryName} cannot be a header.`)
    if (!request.headers.has(name)) headers.set(name, value)
  }
  // One by one: what follows a spread is added to the object one property after the other, slowly.
  const { method, rawUrl, bucket, key, query, secure, remoteAddress, virtualHost } = request
  return {
    method,
    rawUrl,
    bucket,
    key,
    query,
    headers,
    secure,
    remoteAddress,
    ...(virtualHost === true && { virtualHost }),
  }
}
