import { DareError } from '../../../engine/index.ts'
import { isHeaderValue } from '../../text.ts'
import {
  type Bucket,
  type Checksum,
  checksumAlgorithms,
  type ListedRecord,
  type ObjectRecord,
  type PartRecord,
  type UploadRecord,
} from '../backend.ts'
import { type DeleteMarker, nullVersionId, type ObjectAttributes } from '../versions.ts'

/** Records as rows: what listings and conditions need in columns of its own, the rest as JSON in `details`. */

/** The last one whose year has four digits, as clients expect of a time. */
const timeMsMax = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** What SQLite gives for a row. */
export type Row = Readonly<Record<string, unknown>>

export interface ObjectColumns {
  readonly size: number
  readonly etag: string
  readonly modifiedAtMs: number
  readonly storageClass: string
  readonly owner: string | null
  readonly checksum: string | null
  readonly details: string
  readonly envelope: Uint8Array | null
}

export function fromObjectRecord(record: ObjectRecord): ObjectColumns {
  const { size, etag, modifiedAtMs, storageClass, owner, checksum, envelope, headers, metadata, parts } =
    record
  return {
    size,
    etag,
    modifiedAtMs,
    storageClass,
    owner: owner ?? null,
    checksum: checksum === undefined ? null : JSON.stringify(checksum),
    // What is undefined is not in the text.
    details: JSON.stringify({ headers, metadata, parts }),
    envelope: envelope ?? null,
  }
}

/** Errors: DareError tag-mismatch for what {@link fromObjectRecord} has not written. */
export function toObjectRecord(row: Row): ObjectRecord {
  const listed = toListedRecord(row)
  const { size, etag, modifiedAtMs, storageClass, checksum } = listed
  const unreadable = row.checksum !== null && checksum === undefined
  if (size !== row.size || modifiedAtMs !== row.modified_at_ms || unreadable) throw damaged('object')
  // What a response has in headers, whatever else it leaves out.
  if (!isHeaderValue(etag) || !isHeaderValue(storageClass)) throw damaged('object')
  const details = parse<Pick<ObjectRecord, 'headers' | 'metadata' | 'parts'>>(row.details, 'object')
  const { headers, metadata, parts } = details
  if (!isTexts(headers) || !isTexts(metadata)) throw damaged('object')
  if (parts !== undefined && !makeUp(size, parts)) throw damaged('object')
  return {
    ...listed,
    ...details,
    ...(row.envelope instanceof Uint8Array && { envelope: row.envelope }),
  }
}

export function toBucket(row: Row): Bucket {
  return {
    name: String(row.name),
    createdAtMs: toTime(row.created_at_ms),
    ...(row.owner !== null && { owner: String(row.owner) }),
    // The column's check allows nothing else.
    versioning: row.versioning as Bucket['versioning'],
  }
}

export function toMarker(row: Row): DeleteMarker {
  return { versionId: versionIdOf(row), modifiedAtMs: toTime(row.modified_at_ms) }
}

/** NULL where a version has none, as most have. */
export function fromAttributes(attributes: ObjectAttributes): string | null {
  return Object.keys(attributes).length === 0 ? null : JSON.stringify(attributes)
}

/** Errors: DareError tag-mismatch: then it is not known whether the version is locked. */
export function toAttributes(row: Row): ObjectAttributes {
  return row.attributes === null ? {} : parse<ObjectAttributes>(row.attributes, 'attributes')
}

export function versionIdOf(row: Row): string {
  return row.version === null ? nullVersionId : String(row.version)
}

/** One row that was damaged leaves the rest of a list: a checksum that cannot be read is absent, a size or time 0. */
export function toListedRecord(row: Row): ListedRecord {
  const checksum = row.checksum === null ? undefined : toChecksum(row.checksum)
  return {
    size: toCount(row.size, Number.MAX_SAFE_INTEGER),
    etag: String(row.etag),
    modifiedAtMs: toTime(row.modified_at_ms),
    storageClass: String(row.storage_class),
    ...(row.owner !== null && { owner: String(row.owner) }),
    ...(checksum !== undefined && { checksum }),
  }
}

/** Milliseconds since 1970, as a list can show them. */
export function toTime(value: unknown): number {
  return toCount(value, timeMsMax)
}

function toCount(value: unknown, max: number): number {
  const count = Number(value)
  return count >= 0 && count <= max ? count : 0
}

function toChecksum(text: unknown): Checksum | undefined {
  try {
    const checksum: unknown = JSON.parse(String(text))
    if (!isObject(checksum)) return undefined
    const { algorithm, type, value } = checksum
    const known = checksumAlgorithms.find((name) => name === algorithm)
    if (known === undefined || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')) return undefined
    return typeof value === 'string' ? { algorithm: known, type, value } : undefined
  } catch {
    // Of a row that was damaged; whoever must have the checksum finds it absent.
    return undefined
  }
}

type UploadDetails = Omit<UploadRecord, 'bucket' | 'key' | 'uploadId' | 'envelope'>

export function fromUploadRecord(upload: Omit<UploadRecord, 'uploadId'>): string {
  const { bucket: _bucket, key: _key, envelope: _envelope, ...details } = upload
  return JSON.stringify(details satisfies UploadDetails)
}

/** Errors: DareError tag-mismatch for what {@link fromUploadRecord} has not written. */
export function toUploadRecord(row: Row): UploadRecord {
  const details = parse<UploadDetails>(row.details, 'upload')
  const { initiatedAtMs, headers, metadata, storageClass } = details
  const isText = typeof storageClass === 'string' && isTexts(headers) && isTexts(metadata)
  if (!isText || toTime(initiatedAtMs) !== initiatedAtMs) throw damaged('upload')
  return {
    ...uploadName(row),
    ...details,
    ...(row.envelope instanceof Uint8Array && { envelope: row.envelope }),
  }
}

/** As {@link toUploadRecord}; of one that was damaged what leads to it, so that it can be found and aborted. */
export function toListedUpload(row: Row): UploadRecord {
  try {
    return toUploadRecord(row)
  } catch {
    return { ...uploadName(row), initiatedAtMs: 0, headers: {}, metadata: {}, storageClass: 'STANDARD' }
  }
}

function uploadName(row: Row): Pick<UploadRecord, 'bucket' | 'key' | 'uploadId'> {
  return { bucket: String(row.bucket), key: String(row.key), uploadId: String(row.id) }
}

type PartDetails = Omit<PartRecord, 'number' | 'generation' | 'mac'>

export function fromPartRecord({
  number: _number,
  generation: _generation,
  mac: _mac,
  ...details
}: PartRecord): string {
  return JSON.stringify(details satisfies PartDetails)
}

/** Errors: DareError tag-mismatch for what {@link fromPartRecord} has not written. */
export function toPartRecord(row: Row): PartRecord {
  const details = parse<PartDetails>(row.details, 'part')
  const { size, etag, modifiedAtMs } = details
  if (!isCount(size) || typeof etag !== 'string' || toTime(modifiedAtMs) !== modifiedAtMs)
    throw damaged('part')
  return {
    number: Number(row.number),
    generation: String(row.generation),
    ...details,
    ...(row.mac instanceof Uint8Array && { mac: row.mac }),
  }
}

type Damaged = 'object' | 'attributes' | 'upload' | 'part'

/** An object in JSON that this file has written. */
function parse<Value>(text: unknown, what: Damaged): Value {
  let value: unknown
  try {
    value = JSON.parse(String(text))
  } catch (error) {
    throw damaged(what, error)
  }
  if (!isObject(value)) throw damaged(what)
  return value as Value
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether it is a table of parts, of an object of that size. */
function makeUp(size: number, parts: unknown): boolean {
  if (!Array.isArray(parts)) return false
  let sum = 0
  for (const part of parts as readonly unknown[]) {
    if (!isObject(part) || !isCount(part.number) || !isCount(part.size)) return false
    sum += part.size
  }
  return sum === size
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function damaged(what: Damaged, cause?: unknown): DareError {
  return new DareError('tag-mismatch', `the row is not as it was stored: its ${what} cannot be read`, {
    cause,
  })
}
