import { deflateRawSync, inflateRawSync } from 'node:zlib'
import * as v from 'valibot'
import { DareError } from '../../../engine/index.ts'
import { parseBase64, toBase64 } from '../../text.ts'
import { checksumAlgorithms, type ObjectPart, type ObjectRecord } from '../backend.ts'

/**
 * The record of an encrypted object as the store keeps it (FORMAT.md §9): JSON, behind the object's stored bytes in an area
 * that ends in a footer, or in the marker's metadata value. What it says is authentic once its envelope was verified.
 */

/** User metadata entry of every encrypted object: `1`, or `1;` and a record that stands for the one in the object. */
export const markerName = 'sealgate'
const markerVersion = '1'
/** All user metadata of an object, names and values (S3 API reference, PutObject). */
export const metadataSizeMax = 2048

const magic = Buffer.from('SEALGATE', 'ascii')
const footerSize = 20
const footerVersion = 1
const encodings = { json: 0, deflated: 1 } as const
/** Smaller records are not worth deflating, and their size can be told before all of them is known. */
const deflatedSizeMin = 4096
/** 10,000 parts with checksums have about a tenth of it. */
const recordSizeMax = 8 * 1024 * 1024

export interface NamedRecord {
  readonly bucket: string
  readonly key: string
  readonly record: ObjectRecord
}

const checksumSchema = v.object({
  algorithm: v.picklist(checksumAlgorithms),
  type: v.picklist(['FULL_OBJECT', 'COMPOSITE']),
  value: v.string(),
})
const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const textsSchema = v.record(v.string(), v.string())
const utf8 = new TextDecoder('utf-8', { fatal: true })
const schema = v.object({
  bucket: v.string(),
  key: v.string(),
  size: sizeSchema,
  etag: v.string(),
  modifiedAtMs: sizeSchema,
  headers: textsSchema,
  metadata: textsSchema,
  storageClass: v.string(),
  owner: v.optional(v.string()),
  checksum: v.optional(checksumSchema),
  parts: v.optional(
    v.array(
      v.union([
        v.strictTuple([sizeSchema, sizeSchema]),
        v.strictTuple([sizeSchema, sizeSchema, checksumSchema]),
      ]),
    ),
  ),
  envelope: v.string(),
})

/** The record's JSON. */
export function encodeRecord({ bucket, key, record }: NamedRecord): Uint8Array {
  const { size, etag, modifiedAtMs, headers, metadata, storageClass, owner, checksum, parts, envelope } =
    record
  if (envelope === undefined) throw new Error('a plain object has no stored record')
  // What is undefined is not in the text.
  const text = JSON.stringify({
    bucket,
    key,
    size,
    etag,
    modifiedAtMs,
    headers,
    metadata,
    storageClass,
    owner,
    checksum,
    parts: parts?.map(fromPart),
    envelope: toBase64(envelope),
  })
  return Buffer.from(text, 'utf8')
}

/** Errors: DareError tag-mismatch for what {@link encodeRecord} has not written. */
export function decodeRecord(bytes: Uint8Array): NamedRecord {
  let value: v.InferOutput<typeof schema>
  try {
    value = v.parse(schema, JSON.parse(utf8.decode(bytes)))
  } catch (error) {
    throw malformed('its record cannot be read', error)
  }
  const { bucket, key, size, etag, modifiedAtMs, headers, metadata, storageClass } = value
  const { envelope: text, parts, owner, checksum } = value
  const envelope = parseBase64(text)
  if (envelope === undefined) throw malformed('its envelope is not base64')
  const record = {
    size,
    etag,
    modifiedAtMs,
    headers,
    metadata,
    storageClass,
    // Decoded text lies in memory that others share, and may outlive them.
    envelope: new Uint8Array(envelope),
    ...(owner !== undefined && { owner }),
    ...(checksum !== undefined && { checksum }),
    ...(parts !== undefined && { parts: parts.map(toPart) }),
  }
  return { bucket, key, record }
}

function fromPart({ number, size, checksum }: ObjectPart) {
  return checksum === undefined ? [number, size] : [number, size, checksum]
}

function toPart([number, size, checksum]: NonNullable<
  v.InferOutput<typeof schema>['parts']
>[number]): ObjectPart {
  return { number, size, ...(checksum !== undefined && { checksum }) }
}

/** The area behind an object's stored bytes; filled up to `areaSize` where that is given. */
export function encodeArea(json: Uint8Array, areaSize?: number): Uint8Array {
  const deflate = areaSize === undefined && json.length >= deflatedSizeMin
  const record = deflate ? deflateRawSync(json) : json
  const size = areaSize ?? record.length + footerSize
  if (record.length + footerSize > size) throw new Error('the record has outgrown its area')
  const area = Buffer.alloc(size)
  area.set(record)
  const footer = area.subarray(size - footerSize)
  footer.set(magic)
  footer.writeUInt8(footerVersion, 8)
  footer.writeUInt8(deflate ? encodings.deflated : encodings.json, 9)
  footer.writeUInt32LE(record.length, 12)
  footer.writeUInt32LE(size, 16)
  return area
}

/** How large the area of a record like this will be, whatever its digests are. */
export function plannedAreaSize(draft: NamedRecord): number {
  const slack = 512
  return encodeRecord(draft).length + slack + footerSize
}

/** What the end of an object says of its area: how large it is, and its record where all of that is in `end`. */
export function parseArea(
  end: Uint8Array,
): { readonly areaSize: number; readonly json: Uint8Array | undefined } | undefined {
  const footer = Buffer.from(end.buffer, end.byteOffset, end.length).subarray(-footerSize)
  if (footer.length < footerSize || !footer.subarray(0, magic.length).equals(magic)) return undefined
  const [version, encoding] = [footer.readUInt8(8), footer.readUInt8(9)]
  const [recordSize, areaSize] = [footer.readUInt32LE(12), footer.readUInt32LE(16)]
  if (version !== footerVersion || footer.readUInt16LE(10) !== 0) throw malformed('its footer is not known')
  if (recordSize > recordSizeMax || recordSize + footerSize > areaSize) throw malformed('its footer is false')
  if (areaSize > end.length) return { areaSize, json: undefined }
  const start = end.length - areaSize
  const record = end.subarray(start, start + recordSize)
  return { areaSize, json: encoding === encodings.deflated ? inflate(record) : record }
}

function inflate(record: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(record, { maxOutputLength: recordSizeMax })
  } catch (error) {
    throw malformed('its record cannot be inflated', error)
  }
}

/** The marker's value; with a record in it, undefined when that does not fit beside the user's metadata. */
export function encodeMarker(named?: NamedRecord): string | undefined {
  if (named === undefined) return markerVersion
  const value = `${markerVersion};${deflateRawSync(encodeRecord(named)).toString('base64url')}`
  let size = markerName.length + value.length
  for (const [name, text] of Object.entries(named.record.metadata)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(text)
  }
  return size > metadataSizeMax ? undefined : value
}

/** The record in the marker's value; undefined: it is in the object. Errors: DareError. */
export function parseMarker(value: string): NamedRecord | undefined {
  if (value === markerVersion) return undefined
  const [version, text] = value.split(';')
  if (version !== markerVersion) throw malformed('its marker is not known')
  if (text === undefined || !/^[A-Za-z0-9_-]+$/.test(text)) throw malformed('its marker is not base64url')
  return decodeRecord(inflate(Buffer.from(text, 'base64url')))
}

function malformed(why: string, cause?: unknown): DareError {
  return new DareError('tag-mismatch', `the object is not as it was stored: ${why}`, { cause })
}
