import { type HashName, partKey } from '../../engine/index.ts'
import { copyNeeds } from '../access/needs.ts'
import { hashOfChecksum } from '../auth/checksums.ts'
import { BackendError, type Checksum, type PartRecord } from '../backends/backend.ts'
import { whileReplaced } from '../backends/while-replaced.ts'
import { S3Error } from '../errors.ts'
import { document, element } from '../http/xml-writer.ts'
import { parseCopySource } from '../object-name.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { copySourceCustomerKeyOf, encryptionHeaders, newCustomerKeyOf } from '../sse/decision.ts'
import type { CustomerKey } from '../sse/headers.ts'
import type { OpenedObject } from '../sse/records.ts'
import { openCopySource, sourceVersionHeaders } from './copy-source.ts'
import { checksumHeaders, checksumOf, checksumValueElements, toChecksum } from './digests.ts'
import { readObject, settle, type WritePlan, type WrittenData, writeBody, writeData } from './object-data.ts'
import { hashesForPartEtag, partEtag } from './part-etag.ts'
import { plainPieces } from './pieces.ts'
import { parseCopySourceRange } from './range.ts'
import {
  generationOf,
  type OpenedUpload,
  parsePartNumber,
  partSizeMax,
  requireUploadChecksum,
  sealPart,
  withUpload,
} from './uploads.ts'
import { askedFor } from './write-plan.ts'

const partRoute = { method: 'PUT', scope: 'object', query: ['partNumber', 'uploadId'] } as const

export const uploadPart: Operation = {
  name: 'UploadPart',
  action: 's3:PutObject',
  ...partRoute,
  header: { name: 'x-amz-copy-source', present: false },
  handle: async (context) => {
    const customerKey = await newCustomerKeyOf(context)
    return withUpload(context, customerKey, async (opened) => {
      const number = parsePartNumber(context.request)
      requireUploadChecksum(opened.upload, context.body.checksumAlgorithm)
      const own = hashesOfFullObject(opened)
      const key = keyOfPart(opened, number)
      const written = await writeBody(context, {
        key,
        hashes: [...own, ...hashesForPartEtag(opened, [...context.body.hashes, ...own])],
        sizeMax: partSizeMax,
        plan: () => planPart(opened, number, customerKey),
      }).finally(() => key?.fill(0))
      return settle(written, async () => {
        const checksum = checksumOf(context.body) ?? computedChecksum(opened, written)
        const part = await storePart(context, opened, number, { written, checksum, customerKey })
        return {
          status: 200,
          headers: {
            ETag: `"${part.etag}"`,
            ...checksumHeaders(checksum),
            ...encryptionHeaders(opened.encryption?.envelope, customerKey),
          },
        }
      })
    })
  },
}

export const uploadPartCopy: Operation = {
  name: 'UploadPartCopy',
  action: (request) => copyNeeds(request, parseCopySource(request)),
  ...partRoute,
  header: { name: 'x-amz-copy-source', present: true },
  handle: async (context) => {
    const customerKey = await newCustomerKeyOf(context)
    return withUpload(context, customerKey, async (opened) => {
      const number = parsePartNumber(context.request)
      const { written, source } = await whileReplaced(() => copyToPart(context, opened, number, customerKey))
      return settle(written, async () => {
        const checksum = computedChecksum(opened, written)
        const part = await storePart(context, opened, number, { written, checksum, customerKey })
        return {
          status: 200,
          headers: {
            ...sourceVersionHeaders(source),
            ...encryptionHeaders(opened.encryption?.envelope, customerKey),
          },
          body: document(
            element('CopyPartResult', [
              element('LastModified', new Date(part.modifiedAtMs).toISOString()),
              element('ETag', `"${part.etag}"`),
              ...checksumValueElements(checksum),
            ]),
          ),
        }
      })
    })
  },
}

/**
 * The hash of the checksum of the whole that an upload makes of its parts': a part may come without (S3 user guide, "Checking
 * object integrity"), and it is computed here.
 */
function hashesOfFullObject({ upload: { checksum } }: OpenedUpload): readonly HashName[] {
  return checksum?.type === 'FULL_OBJECT' ? [hashOfChecksum[checksum.algorithm]] : []
}

function computedChecksum(
  { upload: { checksum } }: OpenedUpload,
  { digests }: WrittenData,
): Checksum | undefined {
  return checksum && toChecksum(checksum.algorithm, digests)
}

async function copyToPart(
  context: RequestContext,
  opened: OpenedUpload,
  number: number,
  customerKey: CustomerKey | undefined,
): Promise<{ readonly written: WrittenData; readonly source: OpenedObject }> {
  const { request } = context
  const source = parseCopySource(request)
  const checked = await openCopySource(context, source)
  checked.encryption?.objectKey.fill(0)
  const { data, plan } = await readObject(context, source, copySourceCustomerKeyOf(context), ({ record }) => {
    if (record.etag !== checked.record.etag) {
      throw new BackendError('replaced', 'the copy source was replaced')
    }
    const range = parseCopySourceRange(request.headers.get('x-amz-copy-source-range'), record.size)
    if (range.size > partSizeMax) throw new S3Error('EntityTooLarge')
    return { range }
  })
  const algorithm = opened.upload.checksum?.algorithm
  const wanted = algorithm === undefined ? [] : [hashOfChecksum[algorithm]]
  const key = keyOfPart(opened, number)
  const written = await writeData(context, {
    source: plainPieces(data),
    size: plan.range.size,
    key,
    hashes: new Set([...wanted, ...hashesForPartEtag(opened, wanted)]),
    sizeMax: partSizeMax,
    plan: () => planPart(opened, number, customerKey),
  }).finally(() => key?.fill(0))
  return { written, source: checked }
}

function keyOfPart({ encryption }: OpenedUpload, number: number): Uint8Array | undefined {
  return encryption === undefined ? undefined : partKey(encryption.objectKey, number)
}

function planPart(
  { upload, encryption }: OpenedUpload,
  number: number,
  customerKey: CustomerKey | undefined,
): WritePlan {
  const { bucket, key } = upload
  const asked = encryption && askedFor(encryption.envelope.mode, customerKey)
  return { bucket, key, becomes: { kind: 'part', upload, number }, ...(asked !== undefined && { asked }) }
}

async function storePart(
  { services }: RequestContext,
  opened: OpenedUpload,
  number: number,
  {
    written,
    checksum,
    customerKey,
  }: {
    readonly written: WrittenData
    readonly checksum: Checksum | undefined
    readonly customerKey: CustomerKey | undefined
  },
): Promise<PartRecord> {
  const part = sealPart(
    {
      number,
      size: written.size,
      etag: partEtag(opened, { number, ...written }),
      modifiedAtMs: services.now(),
      generation: generationOf(written),
      ...(checksum !== undefined && { checksum }),
    },
    opened,
  )
  const asked = opened.encryption && askedFor(opened.encryption.envelope.mode, customerKey)
  await services.backend.putPart(opened.upload, part, written.data, asked)
  return part
}
