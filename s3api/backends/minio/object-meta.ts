import * as v from 'valibot'
import { DareError, plaintextSizeOf } from '../../../engine/index.ts'
import { contentHeaders, metadataPrefix } from '../../standard-headers.ts'
import { parseBase64 } from '../../text.ts'
import type { MinioSeal, ObjectRecord } from '../backend.ts'

/** What MinIO's gateway (`dare.meta`) and its server on a file system (`fs.json`) say of an object in the same way. */

const internalPrefix = 'x-minio-internal-'
const ssePrefix = `${internalPrefix}server-side-encryption-`
const multipartMark = `${internalPrefix}encrypted-multipart`
const keptHeaders: ReadonlySet<string> = new Set(contentHeaders)
const algorithms: readonly MinioSeal['algorithm'][] = ['DAREv2-HMAC-SHA256', 'DARE-SHA256']
const sealedSize = 64
const ivSize = 32
const sealedEtagDigits = 96
const etagDigits = 32
/** The ETag of an object without bytes. */
export const emptyMd5 = 'd41d8cd98f00b204e9800998ecf8427e'

export const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** The member `parts`, with stored sizes. */
export const partsSchema = v.array(v.object({ number: sizeSchema, size: sizeSchema }))

/** Values by lower-case names. */
export type MetaNames = ReadonlyMap<string, string>

export function metaNames(meta: Readonly<Record<string, string>>): MetaNames {
  return new Map(Object.entries(meta).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The JSON document in the bytes. Errors: DareError. */
export function parseDocument<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (error) {
    throw malformed('its metadata cannot be read', error)
  }
}

/** Only what belongs to clients: a rotation of MinIO's gateway has left SSE-C keys among the names. */
export function clientMetadata(
  names: MetaNames,
): Pick<ObjectRecord, 'headers' | 'metadata' | 'storageClass'> {
  const headers: Record<string, string> = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of names) {
    if (keptHeaders.has(name)) headers[name] = value
    else if (name.startsWith(metadataPrefix)) metadata[name.slice(metadataPrefix.length)] = value
  }
  const storageClass = names.get('x-amz-storage-class') ?? ''
  return { headers, metadata, storageClass: /^[A-Z_]+$/.test(storageClass) ? storageClass : 'STANDARD' }
}

/** Without the names that are MinIO's. */
export function clientOwned(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !name.toLowerCase().startsWith(internalPrefix)),
  )
}

/** Plaintext sizes of a sealed object. Errors: DareError, where its bytes are not as many as that. */
export function sealedLayout(
  names: MetaNames,
  parts: v.InferOutput<typeof partsSchema>,
  storedSize: number,
): Pick<ObjectRecord, 'size' | 'parts'> {
  if (!names.has(multipartMark) || parts.length === 0) return { size: plaintextSizeOf(storedSize) }
  if (sumOf(parts) !== storedSize) throw malformed('its parts do not have the size of the whole')
  const plain = parts.map(({ number, size }) => ({ number, size: plaintextSizeOf(size) }))
  return { size: sumOf(plain), parts: plain }
}

export function sumOf(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}

/** Whether any of the names, or the form of the ETag, says that the object is encrypted. */
export function tellsEncryption(names: MetaNames, etag: string): boolean {
  const told = [...names.keys()].some((name) => name.startsWith(ssePrefix) || name === multipartMark)
  return told || isSealedEtag(etag)
}

/** Errors: DareError, where anything of the seal is missing. */
export function parseSeal(names: MetaNames, storedEtag: string): MinioSeal {
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

/** What MinIO shows of a sealed ETag with SSE-C and SSE-KMS: its tag. */
export function opaqueEtag(storedEtag: string): string {
  return isSealedEtag(storedEtag) ? storedEtag.slice(-etagDigits) : storedEtag
}

/** The ETag that a listing shows, without any key. What is not the MD5 that HEAD shows is not to be taken for one. */
export function listedEtag({ mode, storedEtag }: MinioSeal): string {
  const shown = opaqueEtag(storedEtag)
  return mode === 'SSE-S3' && isSealedEtag(storedEtag) ? `${shown}-1` : shown
}

export function isSealedEtag(etag: string): boolean {
  return etag.length === sealedEtagDigits && /^[0-9a-f]+$/i.test(etag)
}

export function malformed(why: string, cause?: unknown): DareError {
  return new DareError('tag-mismatch', `the object is not as MinIO stored it: ${why}`, { cause })
}
