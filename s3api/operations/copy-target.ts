import { hashOfChecksum } from '../auth/checksums.ts'
import {
  BackendError,
  type Checksum,
  type ChecksumAlgorithm,
  type NewData,
  type ObjectRecord,
} from '../backends/backend.ts'
import type { ObjectAttributes } from '../backends/versions.ts'
import type { ObjectVersionName } from '../object-name.ts'
import type { RequestContext } from '../operation.ts'
import { copySourceCustomerKeyOf } from '../sse/decision.ts'
import type { RequestedEncryption } from '../sse/headers.ts'
import { sealNewKey } from '../sse/object-keys.ts'
import { type OpenedObject, sealRecord } from '../sse/records.ts'
import { parseWriteCondition } from './conditions.ts'
import { etagOf, needsMd5, parseChecksumAlgorithm, toChecksum } from './digests.ts'
import {
  mayBeVersion1,
  readObject,
  settle,
  type WritePlan,
  type WrittenData,
  writeData,
} from './object-data.ts'
import type { ObjectHeaders } from './object-headers.ts'
import { plainPieces } from './pieces.ts'
import { objectSizeMax } from './put-object.ts'
import { planObject } from './write-plan.ts'

/** What is copied, and what it is to become. */
export interface Copy {
  readonly context: RequestContext
  readonly source: ObjectVersionName
  readonly opened: OpenedObject
  readonly encryption: RequestedEncryption | undefined
  readonly headers: ObjectHeaders
  readonly attributes: ObjectAttributes
}

export interface Target {
  readonly record: ObjectRecord
  readonly data: NewData
  readonly seal: Awaited<ReturnType<typeof sealNewKey>>['seal'] | undefined
}

/**
 * The target of a copy. Where source and target are both encrypted, or both plain, no data moves: the target takes over the stored
 * bytes, and the object key is sealed anew under the target's name and encryption. Otherwise, and where the bytes may be of
 * DARE 1.0, which only MinIO's objects are, the data goes through the engine.
 */
export async function makeTarget(copy: Copy): Promise<Target> {
  const { opened, encryption } = copy
  const algorithm = parseChecksumAlgorithm(copy.context.request)
  const sameChecksum =
    algorithm === undefined ||
    (opened.record.checksum?.algorithm === algorithm && opened.record.checksum.type === 'FULL_OBJECT')
  const sameForm = (opened.encryption !== undefined) === (encryption !== undefined) && !mayBeVersion1(opened)
  return sameForm && sameChecksum ? takeOver(copy) : rewrite(copy, algorithm)
}

/** The target with the source's stored bytes. */
async function takeOver({ context, opened, encryption, headers }: Copy): Promise<Target> {
  const { services, request } = context
  const { record, stored } = opened
  const plain = {
    ...headers,
    size: record.size,
    etag: takenOverEtag(opened, encryption),
    modifiedAtMs: services.now(),
    ...(record.checksum !== undefined && { checksum: record.checksum }),
    ...(record.parts !== undefined && { parts: record.parts }),
  }
  const data = { kind: 'same-as', object: stored } as const
  if (encryption === undefined || opened.encryption === undefined)
    return { record: plain, data, seal: undefined }
  const { objectKey, envelope } = opened.encryption
  const nonces = envelope.parts.map(({ nonce }) => nonce)
  try {
    const { seal } = await sealNewKey(services.keys, encryption, request, objectKey)
    return { record: sealRecord(plain, { seal, objectKey, nonces }, request), data, seal }
  } finally {
    objectKey.fill(0)
  }
}

/**
 * The source's ETag; but one that is no MD5 must not look like one on an object whose ETag clients take for an MD5, so it
 * gets the form of a multipart ETag there.
 */
function takenOverEtag(
  { record, encryption: source }: OpenedObject,
  target: RequestedEncryption | undefined,
): string {
  const opaque = !needsMd5(source?.envelope) && !record.etag.includes('-')
  return opaque && needsMd5(target) ? `${record.etag}-1` : record.etag
}

/** The target with bytes of its own: read, and written again as its encryption asks. */
async function rewrite(copy: Copy, algorithm: ChecksumAlgorithm | undefined): Promise<Target> {
  const { context, source, opened, encryption, headers, attributes } = copy
  const { services, request } = context
  opened.encryption?.objectKey.fill(0)
  const kept = opened.record.checksum?.type === 'FULL_OBJECT' ? opened.record.checksum.algorithm : undefined
  const wanted = algorithm ?? kept
  const sealing = encryption && (await sealNewKey(services.keys, encryption, request))
  try {
    const written = await copyData(context, source, {
      key: sealing?.objectKey,
      md5: needsMd5(encryption),
      checksum: wanted,
      etag: opened.record.etag,
      plan: () =>
        planObject(request, {
          headers,
          size: opened.record.size,
          sealing,
          attributes,
          condition: parseWriteCondition(request),
          encryption,
        }),
    })
    return await settle(written, async () => {
      const checksum: Checksum | undefined = wanted && toChecksum(wanted, written.digests)
      const plain = {
        ...headers,
        size: written.size,
        etag: etagOf(encryption, written.digests),
        modifiedAtMs: services.now(),
        ...(checksum !== undefined && { checksum }),
      }
      const record = sealing === undefined ? plain : sealRecord(plain, sealing, request)
      return { record, data: written.data, seal: sealing?.seal }
    })
  } finally {
    sealing?.objectKey.fill(0)
  }
}

async function copyData(
  context: RequestContext,
  source: ObjectVersionName,
  options: {
    readonly key: Uint8Array | undefined
    readonly md5: boolean
    readonly checksum: ChecksumAlgorithm | undefined
    readonly etag: string
    readonly plan: () => WritePlan
  },
): Promise<WrittenData> {
  let size = 0
  const { data } = await readObject(context, source, copySourceCustomerKeyOf(context), ({ record }) => {
    if (record.etag !== options.etag) throw new BackendError('replaced', 'the copy source was replaced')
    size = record.size
    return { range: { offset: 0, size } }
  })
  return writeData(context, {
    source: plainPieces(data),
    size,
    key: options.key,
    hashes: new Set([
      ...(options.md5 ? (['md5'] as const) : []),
      ...(options.checksum === undefined ? [] : [hashOfChecksum[options.checksum]]),
    ]),
    sizeMax: objectSizeMax,
    plan: options.plan,
  })
}
