import { type HashName, takeRandom } from '../../engine/index.ts'
import { hashOfChecksum } from '../auth/checksums.ts'
import { type Checksum, type ChecksumAlgorithm, checksumAlgorithms } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { element, type XmlNode } from '../http/xml-writer.ts'
import type { RequestBody, S3Request } from '../operation.ts'
import type { RequestedEncryption } from '../sse/headers.ts'
import { toBase64, toHex } from '../text.ts'

/** ETags and checksums of what was written. */

const etagSize = 16

/**
 * The ETag is the plaintext's MD5 for SSE-S3 and plain objects, because clients check it there; S3 promises no such thing
 * for SSE-KMS and SSE-C, where an MD5 would only cost and leak (S3 API reference, "Common response headers").
 */
export function needsMd5(encryption: Pick<RequestedEncryption, 'mode'> | undefined): boolean {
  return encryption === undefined || encryption.mode === 'SSE-S3'
}

/** 32 hex digits: the MD5 where there is one to show, else random. */
export function etagOf(
  encryption: Pick<RequestedEncryption, 'mode'> | undefined,
  digests: Readonly<Partial<Record<HashName, Uint8Array>>>,
): string {
  if (!needsMd5(encryption)) return toHex(takeRandom(etagSize))
  if (digests.md5 === undefined) throw new Error('the MD5 of a body was not computed')
  return toHex(digests.md5)
}

/** The checksum that the client announced and that the body was found to have. */
export function checksumOf(body: RequestBody): Checksum | undefined {
  const announced = body.checksum()
  return announced === undefined ? undefined : { ...announced, type: 'FULL_OBJECT' }
}

/** A full-object checksum from a digest computed here. */
export function toChecksum(
  algorithm: ChecksumAlgorithm,
  digests: Readonly<Partial<Record<HashName, Uint8Array>>>,
): Checksum {
  const digest = digests[hashOfChecksum[algorithm]]
  if (digest === undefined) throw new Error(`the ${algorithm} of a body was not computed`)
  return { algorithm, type: 'FULL_OBJECT', value: toBase64(digest) }
}

/** The response headers that show a checksum. */
export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {}
  return {
    [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value,
    'x-amz-checksum-type': checksum.type,
  }
}

/** The elements of a result document that show a checksum. */
export function checksumElements(checksum: Checksum | undefined): XmlNode[] {
  if (checksum === undefined) return []
  return [...checksumValueElements(checksum), element('ChecksumType', checksum.type)]
}

/** The same of a part, or of a copy, whose type is not told. */
export function checksumValueElements(checksum: Checksum | undefined): XmlNode[] {
  return checksum === undefined ? [] : [element(`Checksum${checksum.algorithm}`, checksum.value)]
}

/** What a listing tells of a checksum: all but its value. */
export function checksumTypeElements(checksum: Pick<Checksum, 'algorithm' | 'type'> | undefined): XmlNode[] {
  if (checksum === undefined) return []
  return [element('ChecksumAlgorithm', checksum.algorithm), element('ChecksumType', checksum.type)]
}

/** The algorithm that the client names for what the request makes. Errors: InvalidRequest. */
export function parseChecksumAlgorithm({ headers }: S3Request): ChecksumAlgorithm | undefined {
  const text = headers.get('x-amz-checksum-algorithm')?.toUpperCase()
  if (text === undefined) return undefined
  const algorithm = checksumAlgorithms.find((name) => name === text)
  if (algorithm !== undefined) return algorithm
  throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.')
}
