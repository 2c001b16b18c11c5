import { timingSafeEqual } from 'node:crypto'
import { DareError, deriveKey, takeRandom } from '../../engine/index.ts'
import type { Checksum, PartRecord, UploadRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { RequestContext, S3Request, Services } from '../operation.ts'
import { requirePlainAllowed } from '../sse/encrypted-periods.ts'
import { checksumFields, fieldsMac } from '../sse/envelope.ts'
import { type CustomerKey, refuseEncryptionHeaders } from '../sse/headers.ts'
import { openEnvelope } from '../sse/open-envelope.ts'
import type { OpenedEnvelope } from '../sse/opened-envelopes.ts'
import { uploadFacts } from '../sse/records.ts'
import { parseDecimal, toHex } from '../text.ts'
import type { WrittenData } from './object-data.ts'

/** What the multipart operations share. Limits: S3 user guide, "Amazon S3 multipart upload limits". */

export const partNumberMax = 10_000
export const partSizeMax = 5 * 1024 ** 3
/** Of every part but the last. */
export const partSizeMin = 5 * 1024 ** 2

const partMacLabel = 'sealgate/part/1'

/** A running upload with its object key, if it is encrypted. */
export interface OpenedUpload {
  readonly upload: UploadRecord
  readonly encryption?: OpenedEnvelope
}

/** Looks an upload up and opens its key. Errors: NoSuchUpload, those of the customer key, KmsError, DareError. */
async function openUpload(
  services: Services,
  request: S3Request,
  customerKey: CustomerKey | undefined,
): Promise<OpenedUpload> {
  const { bucket, key } = request
  const upload = await services.backend.getUpload(bucket, key, request.query.get('uploadId') ?? '')
  if (upload.envelope === undefined) {
    if (customerKey !== undefined) {
      throw new S3Error('InvalidRequest', 'The multipart upload was not initiated with this encryption.')
    }
    // Nothing that asks for encryption is stored without.
    refuseEncryptionHeaders(request.headers)
    await requirePlainAllowed(services, bucket, upload.initiatedAtMs)
    return { upload }
  }
  const encryption = await openEnvelope(
    services.keys,
    { stored: upload.envelope, bucket, key, facts: uploadFacts(upload) },
    customerKey,
    ({ mode }) => {
      if (mode !== 'SSE-C' || customerKey !== undefined) return
      throw new S3Error(
        'InvalidRequest',
        'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
      )
    },
  )
  return { upload, encryption }
}

/** Runs `work` with the upload's key, and zeroes it. */
export async function withUpload<Result>(
  { services, request }: RequestContext,
  customerKey: CustomerKey | undefined,
  work: (opened: OpenedUpload) => Promise<Result>,
): Promise<Result> {
  const opened = await openUpload(services, request, customerKey)
  try {
    return await work(opened)
  } finally {
    opened.encryption?.objectKey.fill(0)
  }
}

export function parsePartNumber({ query }: S3Request): number {
  const number = parseDecimal(query.get('partNumber') ?? '')
  if (number === undefined || number < 1 || number > partNumberMax) {
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${partNumberMax}, inclusive`,
    )
  }
  return number
}

const generationSize = 12

/** What tells a part from an earlier upload of the same number: its stream's nonce; of a plain part as many random bytes. */
export function generationOf({ nonce }: Pick<WrittenData, 'nonce'>): string {
  return toHex(nonce ?? takeRandom(generationSize))
}

/** The nonce of a part's stream; undefined for a part that was sent when its generation told nothing. */
export function nonceOfPart({ generation }: PartRecord): Uint8Array | undefined {
  return generation.length === 2 * generationSize ? Buffer.from(generation, 'hex') : undefined
}

/** The part's record with its MAC, where the upload is encrypted (FORMAT.md §5). */
export function sealPart(
  part: Omit<PartRecord, 'mac'>,
  { encryption }: Pick<OpenedUpload, 'encryption'>,
): PartRecord {
  return encryption === undefined ? part : { ...part, mac: partMac(part, encryption.objectKey) }
}

/** Throws DareError `tag-mismatch` unless the part's record is the one that {@link sealPart} made. */
export function verifyPart(part: PartRecord, { encryption }: Pick<OpenedUpload, 'encryption'>): void {
  if (encryption === undefined) return
  const expected = partMac(part, encryption.objectKey)
  if (part.mac?.length === expected.length && timingSafeEqual(part.mac, expected)) return
  throw new DareError('tag-mismatch', `the record of part ${part.number} is not authentic`)
}

function partMac(part: Omit<PartRecord, 'mac'>, objectKey: Uint8Array): Uint8Array {
  return fieldsMac(deriveKey(objectKey, partMacLabel), [
    String(part.number),
    String(part.size),
    part.etag,
    part.generation,
    ...checksumFields(part.checksum),
  ])
}

/** An upload's checksum algorithm, once a part was found to carry another. */
export function requireUploadChecksum(upload: UploadRecord, checksum: Checksum | undefined): void {
  if (upload.checksum === undefined || checksum === undefined) return
  if (checksum.algorithm === upload.checksum.algorithm) return
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm.toLowerCase()}, actual checksum Type: ${checksum.algorithm.toLowerCase()}`,
  )
}
