import { createHash } from 'node:crypto'
import { hashBytes } from '../../engine/index.ts'
import { ownerMember } from '../access/new-access.ts'
import { hashOfChecksum } from '../auth/checksums.ts'
import {
  BackendError,
  type Checksum,
  checksumAlgorithms,
  type ObjectRecord,
  type PartRecord,
  type UploadRecord,
  type WrittenVersion,
} from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, Reply, RequestContext } from '../operation.ts'
import { customerKeyOf, encryptionHeaders, requireUnblocked } from '../sse/decision.ts'
import { confirmRecord } from '../sse/encrypted-periods.ts'
import type { Envelope } from '../sse/envelope.ts'
import { sealRecordWith } from '../sse/records.ts'
import { newVersionId } from '../sse/version-ids.ts'
import { parseBase64, parseDecimal, toBase64 } from '../text.ts'
import { type NamedPart, readCompletion } from './completion-document.ts'
import { parseWriteCondition } from './conditions.ts'
import { combineCrcs, isCombinable } from './crc-combine.ts'
import { checksumElements, toChecksum } from './digests.ts'
import { completedAttributes } from './new-attributes.ts'
import { openObject } from './object-data.ts'
import { objectLocation } from './object-location.ts'
import { checkCondition, objectSizeMax } from './put-object.ts'
import {
  nonceOfPart,
  partNumberMax,
  partSizeMin,
  type UploadToComplete,
  verifyPart,
  withUploadToComplete,
} from './uploads.ts'
import { newVersionHeaders } from './version-parameter.ts'
import { askedFor } from './write-plan.ts'

const documentSizeMax = 1024 * 1024 * 4
const listPage = 1000

export const completeMultipartUpload: Operation = {
  name: 'CompleteMultipartUpload',
  action: 's3:PutObject',
  method: 'POST',
  scope: 'object',
  query: ['uploadId'],
  checksumHeaders: 'object',
  documentSizeMax,
  async handle(context) {
    const { services, request, body } = context
    const named = readCompletion(await body.readAll())
    const condition = parseWriteCondition(request)
    const customerKey = customerKeyOf(context)
    const complete = withUploadToComplete(context, customerKey, async (opened) => {
      const mode = opened.encryption?.envelope.mode
      if (mode === 'SSE-C') await requireUnblocked(context)
      const asked = mode && askedFor(mode, customerKey)
      await checkCondition(services, request, condition, asked)
      const parts = chooseParts(named, await storedParts(context, opened.upload))
      for (const part of parts) verifyPart(part, opened)
      const record = await makeRecord(context, opened, parts)
      await confirmRecord(services, request.bucket, record)
      const version = await services.backend.completeUpload(opened.upload, {
        record,
        parts,
        attributes: await completedAttributes(context, opened.upload),
        newVersionId: () => newVersionId(record),
        ...(condition !== undefined && { condition }),
        ...(asked !== undefined && { asked }),
      })
      return reply(context, { record, version, envelope: opened.encryption?.envelope })
    })
    return complete.catch((error: unknown) => {
      const gone = error instanceof BackendError && error.code === 'no-such-upload'
      if (!gone || condition !== undefined) throw error
      return completedBefore(context, named, error)
    })
  },
}

function reply(
  context: RequestContext,
  {
    record,
    version,
    envelope,
  }: {
    readonly record: ObjectRecord
    readonly version: WrittenVersion
    readonly envelope: Envelope | undefined
  },
): Reply {
  const { request } = context
  return {
    status: 200,
    headers: { ...newVersionHeaders(version), ...encryptionHeaders(envelope, customerKeyOf(context)) },
    body: document(
      element('CompleteMultipartUploadResult', [
        element('Location', objectLocation(request)),
        element('Bucket', request.bucket),
        element('Key', request.key),
        element('ETag', `"${record.etag}"`),
        ...checksumElements(record.checksum),
      ]),
    ),
  }
}

/**
 * A client that has lost the answer completes again: it gets the same one for as long as the object is the one that these
 * parts make. Throws `error` when it is not, and when it takes a key that the request has not to know.
 */
async function completedBefore(
  context: RequestContext,
  named: readonly NamedPart[],
  error: BackendError,
): Promise<Reply> {
  const { request } = context
  const name = { bucket: request.bucket, key: request.key }
  const customerKey = customerKeyOf(context)
  const opened = await openObject(context, name, customerKey).catch((cause: unknown) => {
    if (cause instanceof BackendError || cause instanceof S3Error) return undefined
    throw cause
  })
  opened?.encryption?.objectKey.fill(0)
  if (opened?.record.etag !== multipartEtag(named)) throw error
  return reply(context, {
    record: opened.record,
    version: opened.stored,
    envelope: opened.encryption?.envelope,
  })
}

async function storedParts(
  { services }: RequestContext,
  upload: UploadRecord,
): Promise<Map<number, PartRecord>> {
  const stored = new Map<number, PartRecord>()
  for (let after = 0; ; ) {
    const page = await services.backend.listParts(upload, { after, limit: listPage })
    for (const part of page.parts) stored.set(part.number, part)
    if (!page.truncated) return stored
    after = page.parts.at(-1)?.number ?? partNumberMax
  }
}

/** The stored parts that the client names, which must be the ones it uploaded. Errors: InvalidPart, InvalidPartOrder, EntityTooSmall. */
function chooseParts(named: readonly NamedPart[], stored: ReadonlyMap<number, PartRecord>): PartRecord[] {
  let before = 0
  const parts = named.map(({ number, etag, checksums }) => {
    if (number <= before) throw new S3Error('InvalidPartOrder')
    before = number
    const part = stored.get(number)
    if (part === undefined || part.etag !== etag)
      throw new S3Error('InvalidPart', undefined, { elements: { PartNumber: String(number) } })
    for (const { algorithm, value } of checksums) {
      if (part.checksum?.algorithm === algorithm && part.checksum.value === value) continue
      throw new S3Error(
        'InvalidPart',
        'The checksum of a part does not match the one it was uploaded with.',
        {
          elements: { PartNumber: String(number) },
        },
      )
    }
    return part
  })
  for (const { number, size, etag } of parts.slice(0, -1)) {
    if (size >= partSizeMin) continue
    throw new S3Error('EntityTooSmall', undefined, {
      elements: {
        PartNumber: String(number),
        ETag: etag,
        ProposedSize: String(size),
        MinSizeAllowed: String(partSizeMin),
      },
    })
  }
  return parts
}

async function makeRecord(
  context: RequestContext,
  opened: UploadToComplete,
  parts: readonly PartRecord[],
): Promise<ObjectRecord> {
  const { services, request } = context
  const { upload, encryption } = opened
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (size > objectSizeMax) throw new S3Error('EntityTooLarge')
  requireAnnouncedSize(request.headers.get('x-amz-mp-object-size'), size)
  requireSameType(request.headers.get('x-amz-checksum-type'), upload)
  const checksum = await wholeChecksum(upload, parts)
  requireAnnouncedChecksum(context, checksum, parts.length)
  const plain = {
    size,
    etag: multipartEtag(parts),
    modifiedAtMs: services.now(),
    headers: upload.headers,
    metadata: upload.metadata,
    storageClass: upload.storageClass,
    ...ownerMember(upload),
    ...(checksum !== undefined && { checksum }),
    parts: parts.map((part) => ({
      number: part.number,
      size: part.size,
      ...(part.checksum !== undefined && { checksum: part.checksum }),
    })),
  }
  if (encryption === undefined) return plain
  const { envelope: seal, macKeys } = encryption
  return sealRecordWith(plain, { seal, macKey: macKeys.envelope, nonces: parts.map(nonceOfPart) }, request)
}

/** MD5 over the parts' ETags as bytes, and their count: what every S3 does. */
function multipartEtag(parts: readonly Pick<PartRecord, 'etag'>[]): string {
  const hash = createHash('md5')
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

/** The checksum that the upload asked for at its start. Errors: InvalidRequest where a part came without. */
async function wholeChecksum(
  upload: UploadRecord,
  parts: readonly PartRecord[],
): Promise<Checksum | undefined> {
  if (upload.checksum === undefined) return undefined
  const { algorithm, type } = upload.checksum
  const digests = parts.map(({ number, size, checksum }) => {
    const crc = checksum === undefined ? undefined : parseBase64(checksum.value)
    if (crc === undefined) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      )
    }
    return { crc, size }
  })
  if (type === 'COMPOSITE') {
    const whole = await hashBytes([hashOfChecksum[algorithm]], Buffer.concat(digests.map(({ crc }) => crc)))
    return {
      ...toChecksum(algorithm, whole),
      type,
      value: `${toChecksum(algorithm, whole).value}-${parts.length}`,
    }
  }
  // Creating the upload refused it.
  if (!isCombinable(algorithm)) throw new Error(`a full-object ${algorithm} cannot be combined`)
  return { algorithm, type, value: toBase64(combineCrcs(algorithm, digests)) }
}

/** `x-amz-mp-object-size`: what the client believes that it has uploaded. */
function requireAnnouncedSize(header: string | undefined, size: number): void {
  if (header === undefined || parseDecimal(header) === size) return
  throw new S3Error(
    'InvalidRequest',
    `The provided x-amz-mp-object-size does not match the object's size: ${size}`,
  )
}

/** `x-amz-checksum-type`, where the client repeats it. Errors: InvalidRequest. */
function requireSameType(header: string | undefined, { checksum }: UploadRecord): void {
  if (header === undefined || checksum === undefined || header.toUpperCase() === checksum.type) return
  throw new S3Error(
    'InvalidRequest',
    `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
  )
}

/** A checksum of the whole that the client sent with its request, a composite one with or without its `-N`. Errors: BadDigest. */
function requireAnnouncedChecksum(
  { request }: RequestContext,
  checksum: Checksum | undefined,
  partCount: number,
): void {
  for (const algorithm of checksumAlgorithms) {
    const value = request.headers.get(`x-amz-checksum-${algorithm.toLowerCase()}`)
    if (value === undefined) continue
    const same = checksum?.value === value || checksum?.value === `${value}-${partCount}`
    if (checksum?.algorithm === algorithm && same) continue
    throw new S3Error(
      'BadDigest',
      `The ${algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
    )
  }
}
