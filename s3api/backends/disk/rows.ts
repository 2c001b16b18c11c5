import type { Bucket, ListedRecord, ObjectRecord, PartRecord, UploadRecord } from '../backend.ts'
import { type DeleteMarker, nullVersionId, type ObjectAttributes } from '../versions.ts'

/** Records as rows: what listings and conditions need in columns of its own, the rest as JSON in `details`. */

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

export function toObjectRecord(row: Row): ObjectRecord {
  return {
    ...toListedRecord(row),
    ...parse<Pick<ObjectRecord, 'headers' | 'metadata' | 'parts'>>(row.details),
    ...(row.envelope instanceof Uint8Array && { envelope: row.envelope }),
  }
}

export function toBucket(row: Row): Bucket {
  return {
    name: String(row.name),
    createdAtMs: Number(row.created_at_ms),
    ...(row.owner !== null && { owner: String(row.owner) }),
    // The column's check allows nothing else.
    versioning: row.versioning as Bucket['versioning'],
  }
}

export function toMarker(row: Row): DeleteMarker {
  return { versionId: versionIdOf(row), modifiedAtMs: Number(row.modified_at_ms) }
}

/** NULL where a version has none, as most have. */
export function fromAttributes(attributes: ObjectAttributes): string | null {
  return Object.keys(attributes).length === 0 ? null : JSON.stringify(attributes)
}

export function toAttributes(row: Row): ObjectAttributes {
  return row.attributes === null ? {} : parse<ObjectAttributes>(row.attributes)
}

export function versionIdOf(row: Row): string {
  return row.version === null ? nullVersionId : String(row.version)
}

export function toListedRecord(row: Row): ListedRecord {
  return {
    size: Number(row.size),
    etag: String(row.etag),
    modifiedAtMs: Number(row.modified_at_ms),
    storageClass: String(row.storage_class),
    ...(row.owner !== null && { owner: String(row.owner) }),
    ...(row.checksum !== null && { checksum: parse<NonNullable<ObjectRecord['checksum']>>(row.checksum) }),
  }
}

type UploadDetails = Omit<UploadRecord, 'bucket' | 'key' | 'uploadId' | 'envelope'>

export function fromUploadRecord(upload: Omit<UploadRecord, 'uploadId'>): string {
  const { bucket: _bucket, key: _key, envelope: _envelope, ...details } = upload
  return JSON.stringify(details satisfies UploadDetails)
}

export function toUploadRecord(row: Row): UploadRecord {
  return {
    bucket: String(row.bucket),
    key: String(row.key),
    uploadId: String(row.id),
    ...parse<UploadDetails>(row.details),
    ...(row.envelope instanceof Uint8Array && { envelope: row.envelope }),
  }
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

export function toPartRecord(row: Row): PartRecord {
  return {
    number: Number(row.number),
    generation: String(row.generation),
    ...parse<PartDetails>(row.details),
    ...(row.mac instanceof Uint8Array && { mac: row.mac }),
  }
}

/** JSON that this file has written. */
function parse<Value>(text: unknown): Value {
  return JSON.parse(String(text)) as Value
}
