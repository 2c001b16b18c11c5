import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { BackendError, type ObjectRecord } from '../backend.ts'
import type { ObjectAttributes } from '../versions.ts'
import {
  clientMetadata,
  type MetaNames,
  malformed,
  metaNames,
  parseDocument,
  parseSeal,
  partsSchema,
  sealedLayout,
  sumOf,
  tellsEncryption,
} from './object-meta.ts'

/** `fs.json`: what MinIO's server on a file system stored of an object, until 2022. */

const schema = v.object({
  version: v.picklist(['1.0.0', '1.0.1', '1.0.2']),
  meta: v.nullish(v.record(v.string(), v.string()), {}),
  parts: v.nullish(partsSchema, []),
})

const compressionMark = 'x-minio-internal-compression'
const actualSizeMark = 'x-minio-internal-actual-size'
const md5Digits = 32

/** What the file system says of an object's data. */
export interface FileFacts {
  /** Stored bytes. */
  readonly size: number
  readonly modifiedAtNs: bigint
}

export interface FsObject {
  readonly record: ObjectRecord
  readonly attributes: ObjectAttributes
}

/** Errors: DareError, for what MinIO did not write; BackendError not-supported, for a compressed object. */
export function parseFsJson(bytes: Uint8Array, file: FileFacts): FsObject {
  const { meta, parts } = parseDocument(schema, bytes)
  const names = metaNames(meta)
  if (names.has(compressionMark)) {
    throw new BackendError('not-supported', 'MinIO has compressed the object')
  }
  const etag = parseEtag(names) ?? etagOf(file)
  const common = {
    etag,
    modifiedAtMs: toMs(file),
    ...clientMetadata(names),
  }
  const tags = parseTags(names.get('x-amz-tagging'))
  const attributes = tags.length === 0 ? {} : { tags }
  if (!tellsEncryption(names, etag)) {
    return { record: { ...common, ...plainLayout(parts, { etag, file }) }, attributes }
  }
  const layout = sealedLayout(names, parts, file.size)
  return { record: { ...common, ...layout, minio: parseSeal(names, etag) }, attributes }
}

/** A file that nobody has told MinIO about: it served those as objects, too. */
export function withoutFsJson(file: FileFacts): FsObject {
  return {
    record: {
      size: file.size,
      etag: etagOf(file),
      modifiedAtMs: toMs(file),
      headers: {},
      metadata: {},
      storageClass: 'STANDARD',
    },
    attributes: {},
  }
}

/** The plaintext's size of a compressed object, for listings. */
export function uncompressedSize(bytes: Uint8Array): number | undefined {
  const { meta } = parseDocument(schema, bytes)
  const text = metaNames(meta).get(actualSizeMark) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** A file that was replaced behind MinIO's back has parts no longer, and is served as it is: so did MinIO. */
function plainLayout(
  parts: NonNullable<v.InferOutput<typeof schema>['parts']>,
  { etag, file }: { readonly etag: string; readonly file: FileFacts },
): Pick<ObjectRecord, 'size' | 'parts'> {
  const told = parts.length > 0 && etag.includes('-') && sumOf(parts) === file.size
  return { size: file.size, ...(told && { parts: parts.map(({ number, size }) => ({ number, size })) }) }
}

/** `md5Sum` in the oldest ones. Errors: DareError. */
function parseEtag(names: MetaNames): string | undefined {
  const etag = names.get('etag') ?? names.get('md5sum')
  if (etag === undefined || etag === '') return undefined
  if (!/^[0-9a-z-]{1,128}$/i.test(etag)) throw malformed('its ETag cannot be read')
  return etag
}

/** Of an object without an ETag: another one for another content, and none that looks like an MD5. */
function etagOf({ size, modifiedAtNs }: FileFacts): string {
  const digest = createHash('sha256').update(`${size} ${modifiedAtNs}`).digest('hex')
  return `${digest.slice(0, md5Digits)}-1`
}

function toMs({ modifiedAtNs }: FileFacts): number {
  return Number(modifiedAtNs / 1_000_000n)
}

/** As the header of a PUT has them. */
function parseTags(text: string | undefined) {
  return [...new URLSearchParams(text ?? '')].map(([key, value]) => ({ key, value }))
}
