import { timingSafeEqual } from 'node:crypto'
import type { HashName } from '../../engine/index.ts'
import { type ChecksumAlgorithm, checksumAlgorithms } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { parseBase64 } from '../text.ts'

/** The integrity values that clients send with a payload. Source: S3 user guide, "Checking object integrity". */

/** The hash is called as the header is, x-amz-checksum-HASH. */
export const hashOfChecksum = {
  CRC32: 'crc32',
  CRC32C: 'crc32c',
  CRC64NVME: 'crc64nvme',
  SHA1: 'sha1',
  SHA256: 'sha256',
  SHA512: 'sha512',
  MD5: 'md5',
  XXHASH64: 'xxhash64',
  XXHASH3: 'xxhash3',
  XXHASH128: 'xxhash128',
} as const satisfies Record<ChecksumAlgorithm, HashName>

/** Bytes. */
const valueSizes = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
  XXHASH64: 8,
  XXHASH3: 8,
  XXHASH128: 16,
} as const satisfies Record<ChecksumAlgorithm, number>

/** Headers about checksums that carry none. */
const descriptions = ['x-amz-checksum-algorithm', 'x-amz-checksum-type', 'x-amz-checksum-mode']

type Headers = ReadonlyMap<string, string>

/** A checksum that a client announces; its value comes with the headers or in the trailer. */
export interface AnnouncedChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly hash: HashName
  /** Undefined while the trailer is still to come. */
  readonly value: string | undefined
}

/**
 * The payload's checksum by header or announced trailer. One in a presigned query is ignored: some SDKs put there the
 * checksum of the empty body that they had when they signed. Errors: InvalidRequest, BadDigest; NotImplemented for an algorithm that is not
 * known, for nobody would compare what the client wants compared.
 */
export function announcedChecksum(headers: Headers): AnnouncedChecksum | undefined {
  const found = checksumAlgorithms.flatMap((algorithm) => {
    const hash = hashOfChecksum[algorithm]
    const value = headers.get(`x-amz-checksum-${hash}`)
    if (value === undefined) return []
    requireValue(algorithm, value)
    return [{ algorithm, hash, value }]
  })
  for (const name of headers.keys()) {
    if (!name.startsWith('x-amz-checksum-') || descriptions.includes(name)) continue
    if (!found.some(({ hash }) => name === `x-amz-checksum-${hash}`)) {
      throw new S3Error('NotImplemented', `The checksum of the header ${name} is not implemented.`)
    }
  }
  const trailer = headers.get('x-amz-trailer')?.trim().toLowerCase()
  if (found.length > 1 || (found.length === 1 && trailer !== undefined)) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  const announced = trailer === undefined ? found[0] : announcedTrailer(trailer)
  requireNamedAlgorithm(headers, announced)
  return announced
}

function announcedTrailer(trailer: string): AnnouncedChecksum {
  const algorithm = checksumAlgorithms.find((name) => trailer === `x-amz-checksum-${hashOfChecksum[name]}`)
  if (algorithm === undefined) {
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
  }
  return { algorithm, hash: hashOfChecksum[algorithm], value: undefined }
}

/** Whoever names an algorithm believes that it is compared (S3 API reference, PutObject). */
function requireNamedAlgorithm(headers: Headers, announced: AnnouncedChecksum | undefined): void {
  const named = headers.get('x-amz-sdk-checksum-algorithm')
  if (named === undefined || named === '') return
  if (announced === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (announced.algorithm === named.toUpperCase()) return
  throw new S3Error(
    'BadDigest',
    'The checksum is not of the algorithm that x-amz-sdk-checksum-algorithm names.',
  )
}

/** The checksum's value from a trailer that was announced. Errors: InvalidRequest, IncompleteBody. */
export function checksumOfTrailer(announced: AnnouncedChecksum, trailers: Headers): string {
  const value = trailers.get(`x-amz-checksum-${announced.hash}`)
  if (value === undefined) throw new S3Error('IncompleteBody', 'The announced trailer is missing.')
  requireValue(announced.algorithm, value)
  return value
}

function requireValue(algorithm: ChecksumAlgorithm, value: string): void {
  if (parseBase64(value)?.length === valueSizes[algorithm]) return
  throw new S3Error('BadDigest', `Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`)
}

/** Content-MD5, 16 bytes. Errors: InvalidDigest. */
export function parseContentMd5(headers: Headers): Uint8Array | undefined {
  const text = headers.get('content-md5')
  if (text === undefined) return undefined
  const bytes = parseBase64(text.trim())
  if (bytes?.length === 16) return bytes
  throw new S3Error('InvalidDigest')
}

/** Compares in constant time. */
export function sameDigest(digest: Uint8Array | undefined, expected: Uint8Array): boolean {
  return digest?.length === expected.length && timingSafeEqual(digest, expected)
}
