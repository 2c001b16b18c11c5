import { timingSafeEqual } from 'node:crypto'
import { DareError, takeRandom } from '../../engine/index.ts'
import type { ChecksumAlgorithm, PartRecord, UploadRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { RequestContext, S3Request, Services } from '../operation.ts'
import { requirePlainAllowed } from '../sse/encrypted-periods.ts'
import { checksumFields, type Envelope, fieldsMac, parseEnvelope, verifyEnvelope } from '../sse/envelope.ts'
import { type CustomerKey, refuseEncryptionHeaders } from '../sse/headers.ts'
import { openEnvelope } from '../sse/open-envelope.ts'
import type { OpenedEnvelope } from '../sse/opened-envelopes.ts'
import { uploadFacts } from '../sse/records.ts'
import {
  openCompletion,
  partMacKey,
  type UploadMacKeys,
  uploadMacKeys,
  zeroMacKeys,
} from '../sse/upload-mac-keys.ts'
import { parseDecimal, toHex } from '../text.ts'
import type { WrittenData } from './object-data.ts'

/** What the multipart operations share. Limits: S3 user guide, "Amazon S3 multipart upload limits". */

export const partNumberMax = 10_000
export const partSizeMax = 5 * 1024 ** 3
/** Of every part but the last. */
export const partSizeMin = 5 * 1024 ** 2

/** A running upload with its object key, if it is encrypted. */
export interface OpenedUpload {
  readonly upload: UploadRecord
  readonly encryption?: OpenedEnvelope
}

/** A running upload with what its completion is sealed with, if it is encrypted. */
export interface UploadToComplete {
  readonly upload: UploadRecord
  readonly encryption?: { readonly envelope: Envelope; readonly macKeys: UploadMacKeys }
}

/** The upload that a request names. Errors: NoSuchUpload; InvalidRequest for a key of the customer's where it has none. */
async function findUpload(
  { services, request }: RequestContext,
  customerKey: CustomerKey | undefined,
): Promise<UploadRecord> {
  const { bucket, key, query, headers } = request
  const upload = await services.backend.getUpload(bucket, key, query.get('uploadId') ?? '')
  if (upload.envelope !== undefined) return upload
  if (customerKey !== undefined) {
    throw new S3Error('InvalidRequest', 'The multipart upload was not initiated with this encryption.')
  }
  // Nothing that asks for encryption is stored without.
  refuseEncryptionHeaders(headers)
  await requirePlainAllowed(services, bucket, upload.initiatedAtMs)
  return upload
}

/** Opens an upload's key. Errors: those of the customer key, KmsError, DareError. */
async function openUpload(
  { keys }: Services,
  upload: UploadRecord,
  customerKey: CustomerKey | undefined,
): Promise<OpenedUpload> {
  const { bucket, key, envelope: stored } = upload
  if (stored === undefined) return { upload }
  const facts = uploadFacts(upload)
  const encryption = await openEnvelope(keys, { stored, bucket, key, facts }, customerKey, ({ mode }) => {
    if (mode !== 'SSE-C' || customerKey !== undefined) return
    throw new S3Error(
      'InvalidRequest',
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  })
  return { upload, encryption }
}

/** Runs `work` with the upload's key, and zeroes it. */
export async function withUpload<Result>(
  context: RequestContext,
  customerKey: CustomerKey | undefined,
  work: (opened: OpenedUpload) => Promise<Result>,
): Promise<Result> {
  const upload = await findUpload(context, customerKey)
  const opened = await openUpload(context.services, upload, customerKey)
  try {
    return await work(opened)
  } finally {
    opened.encryption?.objectKey.fill(0)
  }
}

/**
 * Runs `work` with the keys of the upload's MACs, and zeroes them. Where the client sends no key, those of an upload with SSE-C
 * are the KMS's to give. Errors as of {@link withUpload}.
 */
export async function withUploadToComplete<Result>(
  context: RequestContext,
  customerKey: CustomerKey | undefined,
  work: (opened: UploadToComplete) => Promise<Result>,
): Promise<Result> {
  const upload = await findUpload(context, customerKey)
  const encryption = await openMacKeys(context.services, upload, customerKey)
  if (encryption === undefined) return work({ upload })
  try {
    return await work({ upload, encryption })
  } finally {
    zeroMacKeys(encryption.macKeys)
  }
}

/** Undefined for a plain upload. */
async function openMacKeys(
  services: Services,
  upload: UploadRecord,
  customerKey: CustomerKey | undefined,
): Promise<UploadToComplete['encryption']> {
  const kept = customerKey === undefined ? await openKeptMacKeys(services, upload) : undefined
  if (kept !== undefined) return kept
  const { encryption } = await openUpload(services, upload, customerKey)
  if (encryption === undefined) return undefined
  const { envelope, objectKey } = encryption
  const macKeys = uploadMacKeys(objectKey)
  objectKey.fill(0)
  return { envelope, macKeys }
}

/** Those that the KMS keeps, where it keeps some. Errors: KmsError, DareError. */
async function openKeptMacKeys(
  { keys }: Services,
  upload: UploadRecord,
): Promise<UploadToComplete['encryption']> {
  const { bucket, key, envelope: stored } = upload
  if (keys === undefined || stored === undefined) return undefined
  const envelope = parseEnvelope(stored)
  if (envelope.completion === undefined) return undefined
  const macKeys = await openCompletion(keys, envelope.completion, { bucket, key })
  try {
    verifyEnvelope(stored, { macKey: macKeys.envelope, bucket, key, facts: uploadFacts(upload) })
    return { envelope, macKeys }
  } catch (error) {
    zeroMacKeys(macKeys)
    throw error
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
  if (encryption === undefined) return part
  const macKey = partMacKey(encryption.objectKey)
  try {
    return { ...part, mac: partMac(part, macKey) }
  } finally {
    macKey.fill(0)
  }
}

/** Throws DareError `tag-mismatch` unless the part's record is the one that {@link sealPart} made. */
export function verifyPart(part: PartRecord, { encryption }: Pick<UploadToComplete, 'encryption'>): void {
  if (encryption === undefined) return
  const expected = partMac(part, encryption.macKeys.part)
  if (part.mac?.length === expected.length && timingSafeEqual(part.mac, expected)) return
  throw new DareError('tag-mismatch', `the record of part ${part.number} is not authentic`)
}

function partMac(part: Omit<PartRecord, 'mac'>, macKey: Uint8Array): Uint8Array {
  return fieldsMac(macKey, [
    String(part.number),
    String(part.size),
    part.etag,
    part.generation,
    ...checksumFields(part.checksum),
  ])
}

/**
 * The checksum that a part comes with is of the upload's algorithm, and there is one where that of the whole is composed of the
 * parts'. Errors: InvalidRequest.
 */
export function requireUploadChecksum(upload: UploadRecord, sent: ChecksumAlgorithm | undefined): void {
  if (upload.checksum === undefined) return
  const { algorithm, type } = upload.checksum
  if (sent === undefined ? type === 'FULL_OBJECT' : sent === algorithm) return
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${sent?.toLowerCase() ?? 'null'}`,
  )
}
