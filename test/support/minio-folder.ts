import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  createObjectKey,
  partKey,
  sealBytes,
  sealEtag,
  sealedSizeOf,
  sealObjectKey,
} from '../../engine/index.ts'
import { sealVersion1 } from './dare-v1.ts'
import { makeScratch } from './scratch.ts'

/** A folder as a MinIO server in filesystem mode leaves it. */
export interface MinioFolder {
  readonly path: string
  dataPath(bucket: string, key: string): string
  fsJsonPath(bucket: string, key: string): string
  /** Stores an object, with an fs.json where one is given. */
  put(bucket: string, key: string, data: Uint8Array | string, fsJson?: string | object): void
  /** Takes the bucket's objects away, and what MinIO knew of them. */
  empty(bucket: string): void
  remove(): void
}

/** In a folder of its own, or in one that is given, which whoever made it removes. */
export function makeMinioFolder(
  { path, remove }: Pick<MinioFolder, 'path' | 'remove'> = makeScratch('minio'),
): MinioFolder {
  const write = (file: string, content: Uint8Array | string) => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  mkdirSync(join(path, '.minio.sys', 'buckets'), { recursive: true })
  write(
    join(path, '.minio.sys', 'format.json'),
    '{"version":"1","format":"fs","id":"1","fs":{"version":"2"}}',
  )
  const dataPath = (bucket: string, key: string) => join(path, bucket, key)
  const fsJsonPath = (bucket: string, key: string) =>
    join(path, '.minio.sys', 'buckets', bucket, key, 'fs.json')
  return {
    path,
    remove,
    dataPath,
    fsJsonPath,
    empty(bucket) {
      for (const folder of [join(path, bucket), join(path, '.minio.sys', 'buckets', bucket)]) {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    put(bucket, key, data, fsJson) {
      write(dataPath(bucket, key), data)
      if (fsJson === undefined) return
      write(fsJsonPath(bucket, key), typeof fsJson === 'string' ? fsJson : JSON.stringify(fsJson))
    },
  }
}

export async function withMinioFolder<Result>(
  work: (folder: MinioFolder) => Promise<Result>,
): Promise<Result> {
  const folder = makeMinioFolder()
  try {
    return await work(folder)
  } finally {
    folder.remove()
  }
}

/** An fs.json of the newest version. */
export function fsJsonOf(meta: Readonly<Record<string, string>>, parts?: readonly object[]) {
  const checksum = { algorithm: '', blocksize: 0, hashes: null }
  return { version: '1.0.2', checksum, meta, ...(parts && { parts }) }
}

const names = 'X-Minio-Internal-Server-Side-Encryption'

/**
 * An SSE-C object as MinIO seals one: of parts, where numbers are given, or else of one stream. `old` is what it did before July
 * 2018; `resealed` is such an object whose key it has sealed anew since, with its data left as they were.
 */
export function sealedForCustomer(
  { bucket, key }: { readonly bucket: string; readonly key: string },
  customerKey: Uint8Array,
  streams: readonly { readonly number?: number; readonly bytes: Uint8Array }[],
  age: 'new' | 'resealed' | 'old' = 'new',
  iv: Uint8Array = randomBytes(32),
): { readonly data: Buffer; readonly fsJson: ReturnType<typeof fsJsonOf> } {
  const objectKey = createObjectKey()
  const sealed =
    age === 'old'
      ? sealVersion1(createHash('sha256').update(customerKey).update(iv).digest(), objectKey)
      : sealObjectKey({ objectKey, externalKey: customerKey, iv, domain: 'SSE-C', bucket, key })
  const parts = streams.flatMap(({ number, bytes }) =>
    number === undefined ? [] : [{ number, size: sealedSizeOf(bytes.length), actualSize: bytes.length }],
  )
  const etag =
    parts.length === 0
      ? Buffer.from(sealEtag(objectKey, randomBytes(16))).toString('hex')
      : `${randomBytes(16).toString('hex')}-${parts.length}`
  const meta = {
    [`${names}-Iv`]: Buffer.from(iv).toString('base64'),
    [`${names}-Seal-Algorithm`]: age === 'old' ? 'DARE-SHA256' : 'DAREv2-HMAC-SHA256',
    [`${names}-Sealed-Key`]: Buffer.from(sealed).toString('base64'),
    ...(parts.length > 0 && { 'X-Minio-Internal-Encrypted-Multipart': '' }),
    'content-type': 'application/octet-stream',
    etag,
  }
  const keyOf = (number: number | undefined) =>
    number === undefined ? objectKey : partKey(objectKey, number)
  const seal = age === 'new' ? sealBytes : sealVersion1
  return {
    data: Buffer.concat(streams.map(({ number, bytes }) => seal(keyOf(number), bytes))),
    fsJson: fsJsonOf(meta, parts.length === 0 ? undefined : parts),
  }
}

/** Those of a request with the key. */
export function customerHeaders(key: Uint8Array): Record<string, string> {
  const prefix = 'x-amz-server-side-encryption-customer'
  return {
    [`${prefix}-algorithm`]: 'AES256',
    [`${prefix}-key`]: Buffer.from(key).toString('base64'),
    [`${prefix}-key-md5`]: createHash('md5').update(key).digest('base64'),
  }
}
