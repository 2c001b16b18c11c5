import { deriveKey, type HashName, partKey, takeRandom } from '../../engine/index.ts'
import { fieldsMac } from '../sse/envelope.ts'
import { toHex } from '../text.ts'
import { etagOf, needsMd5 } from './digests.ts'
import type { OpenedUpload } from './uploads.ts'

/**
 * ETags of parts. A part that is sent again, because its answer was lost, may be stored by either request: both have to
 * give the same ETag, or the upload cannot be completed. Where the ETag is no MD5 it is a MAC of what is known of the data.
 */

const etagLabel = 'sealgate/part-etag/1'
const etagSize = 16
/** What data is known by, best first; the last one costs nearly nothing. */
const identifying: readonly HashName[] = ['sha256', 'sha1', 'md5', 'crc64nvme', 'crc32c', 'crc32']

/** The hashes that a part's ETag needs besides those that are computed in any case. */
export function hashesForPartEtag(
  { encryption }: OpenedUpload,
  computed: readonly HashName[],
): readonly HashName[] {
  if (needsMd5(encryption?.envelope)) return ['md5']
  return computed.some((name) => identifying.includes(name)) ? [] : ['crc32']
}

/** 32 hex digits. */
export function partEtag(
  { encryption }: OpenedUpload,
  {
    number,
    size,
    digests,
  }: {
    readonly number: number
    readonly size: number
    readonly digests: Readonly<Partial<Record<HashName, Uint8Array>>>
  },
): string {
  if (encryption === undefined || needsMd5(encryption.envelope)) return etagOf(encryption?.envelope, digests)
  const name = identifying.find((candidate) => digests[candidate] !== undefined)
  const digest = name && digests[name]
  if (name === undefined || digest === undefined) return toHex(takeRandom(etagSize))
  const key = partKey(encryption.objectKey, number)
  const mac = fieldsMac(deriveKey(key, etagLabel), [String(size), name, digest])
  key.fill(0)
  return toHex(mac.subarray(0, etagSize))
}
