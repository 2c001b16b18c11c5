import * as v from 'valibot'
import type { ObjectRecord } from '../backend.ts'
import {
  clientMetadata,
  malformed,
  metaNames,
  parseDocument,
  parseSeal,
  partsSchema,
  sealedLayout,
  sizeSchema,
  tellsEncryption,
} from './object-meta.ts'

/** `dare.meta`: what MinIO's encrypting S3 gateway stored beside an object's data, from 2019 to 2022. */

const schema = v.object({
  version: v.literal('1.0.0'),
  format: v.literal('gw'),
  stat: v.object({ size: sizeSchema, modTime: v.string() }),
  etag: v.string(),
  meta: v.optional(v.record(v.string(), v.string()), {}),
  parts: v.optional(partsSchema, []),
})

export interface MinioObject {
  /** Bytes of the data object. */
  readonly storedSize: number
  /** Without a seal where MinIO has not sealed the data: so it kept "folders", keys with a slash behind, also when told to encrypt. */
  readonly record: ObjectRecord
}

/** Errors: DareError, for what MinIO did not write. */
export function parseDareMeta(bytes: Uint8Array): MinioObject {
  const { stat, etag, meta, parts } = parseDocument(schema, bytes)
  const names = metaNames(meta)
  const modifiedAtMs = Date.parse(stat.modTime)
  if (Number.isNaN(modifiedAtMs)) throw malformed('its time cannot be read')
  const common = { etag, modifiedAtMs, ...clientMetadata(names) }
  const record = tellsEncryption(names, etag)
    ? { ...common, ...sealedLayout(names, parts, stat.size), minio: parseSeal(names, etag) }
    : { ...common, size: stat.size }
  return { storedSize: stat.size, record }
}
