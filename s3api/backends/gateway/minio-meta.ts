import * as v from 'valibot'
import { DareError, plaintextSizeOf } from '../../../engine/index.ts'
import { parseBase64 } from '../../text.ts'
import type { MinioSeal, ObjectRecord } from '../backend.ts'

/** `dare.meta`: what MinIO's encrypting S3 gateway stored beside an object's data, from 2019 to 2022. */

const internalPrefix = 'x-minio-internal-'
const ssePrefix = `${internalPrefix}server-side-encryption-`
const metadataPrefix = 'x-amz-meta-'
const keptHeaders: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
])
const algorithms: readonly MinioSeal['algorithm'][] = ['DAREv2-HMAC-SHA256', 'DARE-SHA256']
const sealedSize = 64
const ivSize = 32

const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const schema = v.object({
  version: v.literal('1.0.0'),
  format: v.literal('gw'),
  stat: v.object({ size: sizeSchema, modTime: v.string() }),
  etag: v.string(),
  meta: v.optional(v.record(v.string(), v.string()), {}),
  parts: v.optional(v.array(v.object({ number: sizeSchema, size: sizeSchema })), []),
})

export interface MinioObject {
  /** Bytes of the data object. */
  readonly storedSize: number
  readonly record: ObjectRecord & { readonly minio: MinioSeal }
}

/** Errors: DareError, for what MinIO did not write. */
export function parseDareMeta(bytes: Uint8Array): MinioObject {
  const { stat, etag, meta, parts } = parseDocument(bytes)
  const names = new Map(Object.entries(meta).map(([name, value]) => [name.toLowerCase(), value]))
  const modifiedAtMs = Date.parse(stat.modTime)
  if (Number.isNaN(modifiedAtMs)) throw malformed('its time cannot be read')
  const multipart = names.has(`${internalPrefix}encrypted-multipart`) && parts.length > 0
  const plainParts = parts.map(({ number, size }) => ({ number, size: plaintextSizeOf(size) }))
  if (multipart && parts.reduce((sum, { size }) => sum + size, 0) !== stat.size) {
    throw malformed('its parts do not have the size of the whole')
  }
  const size = multipart ? plainParts.reduce((sum, part) => sum + part.size, 0) : plaintextSizeOf(stat.size)
  return {
    storedSize: stat.size,
    record: {
      size,
      etag,
      modifiedAtMs,
      ...clientMetadata(names),
      storageClass: 'STANDARD',
      ...(multipart && { parts: plainParts }),
      minio: parseSeal(names, etag),
    },
  }
}

function parseDocument(bytes: Uint8Array): v.InferOutput<typeof schema> {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (error) {
    throw malformed('its dare.meta cannot be read', error)
  }
}

/** Only what belongs to clients: a rotation of MinIO's gateway has left SSE-C keys among the names. */
function clientMetadata(names: ReadonlyMap<string, string>): Pick<ObjectRecord, 'headers' | 'metadata'> {
  const headers: Record<string, string> = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of names) {
    if (keptHeaders.has(name)) headers[name] = value
    else if (name.startsWith(metadataPrefix)) metadata[name.slice(metadataPrefix.length)] = value
  }
  return { headers, metadata }
}

function parseSeal(names: ReadonlyMap<string, string>, storedEtag: string): MinioSeal {
  const find = (name: string) => names.get(`${ssePrefix}${name}`)
  const bytes = (name: string, size: number) => {
    const value = parseBase64(find(name) ?? '')
    if (value?.length !== size) throw malformed(`${name} is missing or has another size`)
    return value
  }
  const algorithm = algorithms.find((known) => known === find('seal-algorithm'))
  if (algorithm === undefined) throw malformed('its seal is not known')
  const sealed = (mode: MinioSeal['mode'], name: string): MinioSeal => ({
    mode,
    algorithm,
    iv: bytes('iv', ivSize),
    sealedObjectKey: bytes(name, sealedSize),
    storedEtag,
  })
  if (find('kms-sealed-key') !== undefined) {
    return {
      ...sealed('SSE-KMS', 'kms-sealed-key'),
      kms: { ...parseKms(find), clientContext: parseContext(find('context')) },
    }
  }
  if (find('s3-sealed-key') !== undefined) {
    return { ...sealed('SSE-S3', 's3-sealed-key'), kms: { ...parseKms(find), clientContext: {} } }
  }
  return sealed('SSE-C', 'sealed-key')
}

function parseKms(find: (name: string) => string | undefined) {
  const [keyId, sealedDataKey] = [find('s3-kms-key-id'), parseBase64(find('s3-kms-sealed-key') ?? '')]
  if (keyId === undefined || sealedDataKey === undefined || sealedDataKey.length === 0) {
    throw malformed('its data key is missing')
  }
  return { keyId, sealedDataKey }
}

function parseContext(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {}
  try {
    return v.parse(v.record(v.string(), v.string()), JSON.parse(Buffer.from(text, 'base64').toString('utf8')))
  } catch (error) {
    throw malformed('its encryption context cannot be read', error)
  }
}

function malformed(why: string, cause?: unknown): DareError {
  return new DareError('tag-mismatch', `the object is not as MinIO stored it: ${why}`, { cause })
}
