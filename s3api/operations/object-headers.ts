import type { ObjectRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { S3Request } from '../operation.ts'
import { metadataPrefix, standardHeaders } from '../standard-headers.ts'
import { isHeaderName, isHeaderValue } from '../text.ts'

/**
 * The headers that stay with an object: standard ones and user metadata, from requests and back to responses.
 * Source: Amazon S3 API reference, PutObject; "Working with object metadata" for the limits.
 */

/** Names and values of user metadata together, bytes. */
const metadataSizeMax = 2048
/** Bytes; S3 API reference, "POST Object". */
const redirectSizeMax = 2048
const defaultContentType = 'binary/octet-stream'
const storageClasses = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
  'EXPRESS_ONEZONE',
])

export type ObjectHeaders = Pick<ObjectRecord, 'headers' | 'metadata' | 'storageClass'>

/** What a write request wants kept. Errors: InvalidArgument, InvalidRedirectLocation, MetadataTooLarge, InvalidStorageClass, NotImplemented. */
export function parseObjectHeaders(request: S3Request): ObjectHeaders {
  refuseInternal(request)
  refuseAppend(request)
  const headers: Record<string, string> = { 'content-type': defaultContentType }
  for (const name of standardHeaders) {
    const value = name === 'content-encoding' ? contentEncoding(request) : request.headers.get(name)
    if (value !== undefined && value !== '') headers[name] = value
  }
  requireRedirect(headers['x-amz-website-redirect-location'])
  return { headers, metadata: parseMetadata(request), storageClass: parseStorageClass(request) }
}

/** The stored headers as a response carries them; of user metadata that it cannot carry, their number (S3 API reference, GetObject). */
export function toResponseHeaders({
  headers,
  metadata,
  storageClass,
}: ObjectHeaders): Record<string, string> {
  const response: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (isHeaderValue(value)) response[shownNames.get(name) ?? headerCase(name)] = value
  let missing = 0
  for (const [name, value] of Object.entries(metadata)) {
    const header = `${metadataPrefix}${name}`
    if (isHeaderName(header) && isHeaderValue(value)) response[header] = value
    else missing++
  }
  if (missing > 0) response['x-amz-missing-meta'] = String(missing)
  if (storageClass !== 'STANDARD') response['x-amz-storage-class'] = storageClass
  return response
}

export function parseStorageClass({ headers }: S3Request): string {
  const storageClass = headers.get('x-amz-storage-class') ?? 'STANDARD'
  if (!storageClasses.has(storageClass)) throw new S3Error('InvalidStorageClass')
  return storageClass
}

/** `aws-chunked` names a transfer form, which is gone when the object is stored. */
function contentEncoding({ headers }: S3Request): string | undefined {
  return headers
    .get('content-encoding')
    ?.split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== 'aws-chunked')
    .join(', ')
}

/** An address of a page, or of another object. */
function requireRedirect(location: string | undefined): void {
  if (location === undefined) return
  if (!/^(\/|https?:\/\/)/.test(location)) {
    throw new S3Error(
      'InvalidRedirectLocation',
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
    )
  }
  if (Buffer.byteLength(location) > redirectSizeMax) {
    throw new S3Error(
      'InvalidRedirectLocation',
      `The website redirect location cannot have more than ${redirectSizeMax} bytes.`,
    )
  }
}

function parseMetadata({ headers }: S3Request): Record<string, string> {
  // A name may be any token, `__proto__` too.
  const metadata = new Map<string, string>()
  let size = 0
  for (const [header, value] of headers) {
    if (!header.startsWith(metadataPrefix)) continue
    const name = header.slice(metadataPrefix.length)
    if (name.startsWith('x-minio-internal-')) {
      throw new S3Error('InvalidArgument', 'Your metadata headers are not supported.')
    }
    size += Buffer.byteLength(name) + Buffer.byteLength(value)
    metadata.set(name, value)
  }
  if (size > metadataSizeMax) {
    throw new S3Error('MetadataTooLarge', undefined, {
      elements: { Size: String(size), MaxSizeAllowed: String(metadataSizeMax) },
    })
  }
  return Object.fromEntries(metadata)
}

/** Headers that would be taken for Sealgate's or MinIO's own. */
function refuseInternal({ headers }: S3Request): void {
  for (const name of headers.keys()) {
    if (name.startsWith('x-minio-internal-')) {
      throw new S3Error('InvalidArgument', 'Your metadata headers are not supported.')
    }
  }
}

/** A write behind what an object has (S3 API reference, PutObject, directory buckets) must not become one in its place. */
function refuseAppend({ headers }: S3Request): void {
  if (headers.has('x-amz-write-offset-bytes'))
    throw new S3Error('NotImplemented', 'Appending to an object is not implemented.')
}

const shownNames = new Map<string, string>(standardHeaders.map((name) => [name, headerCase(name)]))

function headerCase(name: string): string {
  return name.startsWith('x-') ? name : name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase())
}
