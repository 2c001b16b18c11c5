import { createHash, createHmac } from 'node:crypto'
import { openBytes, sealBytes } from './dare.ts'
import { DareError } from './errors.ts'
import { takeRandom } from './random.ts'

/** The keys of an object and how they are sealed (FORMAT.md §3): the formats of MinIO, so that one implementation serves both. */

const keySize = 32
const ivSize = 32
const sealedKeySize = 64
const md5Size = 16

/** What separates the key-encryption keys of one object by the kind of its encryption. */
export type SealDomain = 'SSE-C' | 'SSE-S3' | 'SSE-KMS'

const sealAlgorithm = 'DAREv2-HMAC-SHA256'
const legacySealAlgorithm = 'DARE-SHA256'
const ivMark = Buffer.from('sealgate', 'ascii')
/** What a client's key is hashed with, before a path, to make the key that a store is given (FORMAT.md §3.3). */
const storeKeyLabel = Buffer.from('SSE-C', 'ascii')
export type SealAlgorithm = typeof sealAlgorithm | typeof legacySealAlgorithm

interface Binding {
  /** 32 bytes: a data key's plaintext or a client's own key. */
  readonly externalKey: Uint8Array
  /** 32 bytes. */
  readonly iv: Uint8Array
  readonly domain: SealDomain
  readonly bucket: string
  readonly key: string
}

/**
 * `bucket/key` with the path cleaned as Go's path.Join does: empty and `.` elements vanish, `..` takes its parent away.
 * Every key-encryption key is bound to it.
 */
export function objectPath(bucket: string, key: string): string {
  const elements: string[] = []
  for (const element of `${bucket}/${key}`.split('/')) {
    if (element === '' || element === '.') continue
    if (element !== '..') elements.push(element)
    else if (elements.length === 0 || elements.at(-1) === '..') elements.push('..')
    else elements.pop()
  }
  return elements.length === 0 ? '.' : elements.join('/')
}

/** 32 random bytes, owned by the caller. */
export function createObjectKey(): Uint8Array {
  return takeRandom(keySize)
}

/** 32 bytes for sealing an object key, owned by the caller: eight that say who sealed it, and the rest random. */
export function createIv(): Uint8Array {
  const iv = takeRandom(ivSize)
  iv.set(ivMark)
  return iv
}

/**
 * Whether {@link createIv} has made it. The key-encryption key depends on it, so that nobody can change it of a key that he does
 * not know.
 */
export function isOwnIv(iv: Uint8Array): boolean {
  return ivMark.equals(iv.subarray(0, ivMark.length))
}

/** The object key sealed under its key-encryption key: 64 bytes. */
export function sealObjectKey(sealing: Binding & { readonly objectKey: Uint8Array }): Uint8Array {
  const { objectKey } = sealing
  requireSize(objectKey, keySize, 'object key')
  const kek = keyEncryptionKey(sealing)
  try {
    return sealBytes(kek, objectKey)
  } finally {
    kek.fill(0)
  }
}

/** The object key, 32 bytes, owned by the caller. Errors: DareError, above all tag-mismatch for a key or name that is not the object's. */
export function unsealObjectKey(
  sealing: Binding & { readonly sealedKey: Uint8Array; readonly algorithm?: SealAlgorithm },
): Uint8Array {
  const { sealedKey, algorithm = sealAlgorithm } = sealing
  if (sealedKey.length !== sealedKeySize || sealing.iv.length !== ivSize) {
    throw new DareError('invalid-payload-size', `a sealed key of ${sealedKey.length} bytes`)
  }
  if (algorithm === legacySealAlgorithm) return unsealLegacy(sealedKey, sealing)
  const kek = keyEncryptionKey(sealing)
  try {
    return openBytes(kek, sealedKey)
  } finally {
    kek.fill(0)
  }
}

/** Before July 2018 MinIO bound a customer's key to nothing but the iv; only SSE-C has such objects. */
function unsealLegacy(sealedKey: Uint8Array, { externalKey, iv, domain }: Binding): Uint8Array {
  if (domain !== 'SSE-C')
    throw new DareError('unsupported-version', `${legacySealAlgorithm} is for SSE-C only`)
  requireSize(externalKey, keySize, 'external key')
  const kek = createHash('sha256').update(externalKey).update(iv).digest()
  try {
    return openBytes(kek, sealedKey, { acceptsVersion1: true })
  } finally {
    kek.fill(0)
  }
}

function keyEncryptionKey({ externalKey, iv, domain, bucket, key }: Binding): Uint8Array {
  requireSize(externalKey, keySize, 'external key')
  requireSize(iv, ivSize, 'iv')
  // The key of some path could be this one, and a store that was told it could seal what it likes.
  if (domain === 'SSE-C' && storeKeyLabel.equals(iv.subarray(0, storeKeyLabel.length)))
    throw new DareError('tag-mismatch', 'the iv of a sealed key is none that was drawn')
  return createHmac('sha256', externalKey)
    .update(iv)
    .update(`${domain}${sealAlgorithm}${objectPath(bucket, key)}`, 'utf8')
    .digest()
}

/** The key of part `number` (1..10,000) of a multipart object: 32 bytes, owned by the caller. */
export function partKey(objectKey: Uint8Array, number: number): Uint8Array {
  requireSize(objectKey, keySize, 'object key')
  const message = new DataView(new ArrayBuffer(4))
  message.setUint32(0, number, true)
  return createHmac('sha256', objectKey).update(new Uint8Array(message.buffer)).digest()
}

/** A 32-byte key for one purpose, named by an ASCII label, from the object key. */
export function deriveKey(objectKey: Uint8Array, label: string): Uint8Array {
  requireSize(objectKey, keySize, 'object key')
  return createHmac('sha256', objectKey).update(label, 'ascii').digest()
}

/** MinIO's sealed ETag, 48 bytes, of an MD5. */
export function sealEtag(objectKey: Uint8Array, md5: Uint8Array): Uint8Array {
  requireSize(md5, md5Size, 'md5')
  return sealBytes(deriveKey(objectKey, 'SSE-etag'), md5)
}

/** Inverse of {@link sealEtag}. Errors: DareError. */
export function openEtag(objectKey: Uint8Array, sealed: Uint8Array): Uint8Array {
  return openBytes(deriveKey(objectKey, 'SSE-etag'), sealed)
}

function requireSize(bytes: Uint8Array, size: number, name: string): void {
  if (bytes.length !== size) throw new RangeError(`${name} has ${bytes.length} bytes, not ${size}`)
}
