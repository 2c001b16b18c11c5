import { S3Error } from '../../errors.ts'
import { metadataPrefix, standardHeaders } from '../../standard-headers.ts'
import type { ObjectRecord } from '../backend.ts'
import type { ObjectAttributes } from '../versions.ts'
import { markerName } from './stored-record.ts'

/** An object's metadata in the headers of the store's own requests and answers. */

type Headers = Readonly<Record<string, string>>

const defaultStorageClass = 'STANDARD'
const kept: ReadonlySet<string> = new Set(standardHeaders)

/** For a request that makes an object. `marker` tells that it is encrypted. Errors: S3Error InvalidArgument. */
export function toNativeHeaders(
  { headers, metadata, storageClass }: Pick<ObjectRecord, 'headers' | 'metadata' | 'storageClass'>,
  marker: string | undefined,
  attributes: ObjectAttributes = {},
): Record<string, string> {
  // Of a plain object it would be taken for the marker.
  if (Object.hasOwn(metadata, markerName)) {
    throw new S3Error(
      'InvalidArgument',
      `The gateway keeps the metadata header ${metadataPrefix}${markerName} for itself.`,
    )
  }
  const native: Record<string, string> = { ...headers }
  for (const [name, value] of Object.entries(metadata)) native[`${metadataPrefix}${name}`] = value
  if (marker !== undefined) native[`${metadataPrefix}${markerName}`] = marker
  if (storageClass !== defaultStorageClass) native['x-amz-storage-class'] = storageClass
  const { tags, retention, legalHold } = attributes
  if (tags !== undefined && tags.length > 0) native['x-amz-tagging'] = toTaggingHeader(tags)
  if (retention !== undefined) {
    native['x-amz-object-lock-mode'] = retention.mode
    native['x-amz-object-lock-retain-until-date'] = new Date(retention.untilMs).toISOString()
  }
  if (legalHold !== undefined) native['x-amz-object-lock-legal-hold'] = legalHold ? 'ON' : 'OFF'
  return native
}

/** Made with a lock: of such a body AWS demands a checksum (S3 API reference, PutObject and UploadPart, "Content-MD5"). */
export function isLocked({ retention, legalHold }: ObjectAttributes = {}): boolean {
  return retention !== undefined || legalHold !== undefined
}

function toTaggingHeader(tags: NonNullable<ObjectAttributes['tags']>): string {
  return tags.map(({ key, value }) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&')
}

export function markerOf(headers: Headers): string | undefined {
  return headers[`${metadataPrefix}${markerName}`]
}

/** The record of an object that lies in the store as it is. */
export function toPlainRecord(headers: Headers, size: number): ObjectRecord {
  const standard: Record<string, string> = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (kept.has(name)) standard[name] = value
    else if (name.startsWith(metadataPrefix)) metadata[name.slice(metadataPrefix.length)] = value
  }
  const encoding = withoutTransferForm(standard['content-encoding'])
  if (encoding === undefined) delete standard['content-encoding']
  else standard['content-encoding'] = encoding
  return {
    size,
    etag: unquoted(headers.etag),
    modifiedAtMs: parseTime(headers['last-modified']),
    headers: standard,
    metadata,
    storageClass: headers['x-amz-storage-class'] ?? defaultStorageClass,
  }
}

/** Some stores keep the form in which a body was sent. */
function withoutTransferForm(encoding: string | undefined): string | undefined {
  const codings = (encoding ?? '')
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'aws-chunked')
  return codings.length === 0 ? undefined : codings.join(',')
}

export function toLockAttributes(headers: Headers): ObjectAttributes {
  const mode = headers['x-amz-object-lock-mode']
  const untilMs = parseTime(headers['x-amz-object-lock-retain-until-date'])
  const hold = headers['x-amz-object-lock-legal-hold']
  return {
    ...((mode === 'GOVERNANCE' || mode === 'COMPLIANCE') && { retention: { mode, untilMs } }),
    ...(hold !== undefined && { legalHold: hold === 'ON' }),
  }
}

interface ContentRange {
  readonly first: number
  readonly last: number
  /** Bytes of the whole. */
  readonly total: number
}

export function parseContentRange(headers: Headers): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '')
  return match === null
    ? undefined
    : { first: Number(match[1]), last: Number(match[2]), total: Number(match[3]) }
}

/** Milliseconds since 1970; 0 where the store says nothing readable. */
export function parseTime(text: string | undefined): number {
  const timeMs = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(timeMs) ? 0 : timeMs
}

export function unquoted(etag = ''): string {
  const strong = etag.startsWith('W/') ? etag.slice(2) : etag
  const quoted = strong.length > 1 && strong.startsWith('"') && strong.endsWith('"')
  return quoted ? strong.slice(1, -1) : strong
}
