import { copyNeeds, tagCopyNeeds } from '../access/needs.ts'
import { newObjectAccess, ownerMember } from '../access/new-access.ts'
import {
  BackendError,
  type Checksum,
  type ChecksumAlgorithm,
  type NewData,
  type ObjectRecord,
  type WrittenVersion,
} from '../backends/backend.ts'
import type { ObjectAttributes } from '../backends/versions.ts'
import { whileReplaced } from '../backends/while-replaced.ts'
import { S3Error } from '../errors.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, Reply, RequestContext } from '../operation.ts'
import { copySourceCustomerKeyOf, decideEncryption, newEncryptionHeaders } from '../sse/decision.ts'
import { confirmRecord } from '../sse/encrypted-periods.ts'
import type { RequestedEncryption } from '../sse/headers.ts'
import { sealNewKey } from '../sse/object-keys.ts'
import { type OpenedObject, sealRecord } from '../sse/records.ts'
import { newVersionId } from '../sse/version-ids.ts'
import { parseWriteCondition } from './conditions.ts'
import { openCopySource, parseCopySource, sourceVersionHeaders } from './copy-source.ts'
import {
  checksumAlgorithms,
  checksumHeaders,
  etagOf,
  hashOfChecksum,
  needsMd5,
  toChecksum,
} from './digests.ts'
import { newAttributes } from './new-attributes.ts'
import {
  mayBeVersion1,
  readObject,
  settle,
  type WritePlan,
  type WrittenData,
  writeData,
} from './object-data.ts'
import { type ObjectHeaders, parseObjectHeaders, parseStorageClass } from './object-headers.ts'
import { plainPieces } from './pieces.ts'
import { checkCondition, objectSizeMax } from './put-object.ts'
import { newVersionHeaders, type ObjectVersionName } from './version-parameter.ts'
import { askedOf, planObject } from './write-plan.ts'

/**
 * CopyObject. Where source and target are both encrypted, or both plain, no data moves: the target takes over the stored
 * bytes, and the object key is sealed anew under the target's name and encryption. Otherwise, and where the bytes may be of
 * DARE 1.0, which only MinIO's objects are, the data goes through the engine.
 */
export const copyObject: Operation = {
  name: 'CopyObject',
  action: (request) => copyNeeds(request, parseCopySource(request)),
  method: 'PUT',
  scope: 'object',
  header: { name: 'x-amz-copy-source', present: true },
  async handle(context) {
    const { services, request } = context
    const newAccess = await newObjectAccess(context)
    const asked = await newAttributes(context, await services.backend.getBucket(request.bucket), newAccess)
    const source = parseCopySource(request)
    const encryption = await decideEncryption(context)
    const condition = parseWriteCondition(request)
    await checkCondition(services, request, condition, encryption && askedOf(encryption))
    const copyOnce = async () => {
      const opened = await openCopySource(context, source)
      const headers = { ...targetHeaders(context, opened.record), ...ownerMember(newAccess) }
      const attributes = await targetAttributes(context, source, { asked, opened })
      const copy: Copy = { context, source, opened, encryption, headers, attributes }
      refuseNoChange(copy)
      const { record, data, seal } = await makeTarget(copy)
      return settle({ data }, async () => {
        await confirmRecord(services, request.bucket, record)
        const version = await services.backend.putObject({
          bucket: request.bucket,
          key: request.key,
          record,
          data,
          attributes,
          newVersionId: () => newVersionId(record),
          ...(condition !== undefined && { condition }),
          ...(encryption !== undefined && { asked: askedOf(encryption) }),
        })
        return reply(copy, { record, seal, version })
      })
    }
    return whileReplaced(copyOnce)
  },
}

interface Copy {
  readonly context: RequestContext
  readonly source: ObjectVersionName
  readonly opened: OpenedObject
  readonly encryption: RequestedEncryption | undefined
  readonly headers: ObjectHeaders
  readonly attributes: ObjectAttributes
}

type Target = {
  readonly record: ObjectRecord
  readonly data: NewData
  readonly seal: Awaited<ReturnType<typeof sealNewKey>>['seal'] | undefined
}

function targetHeaders({ request }: RequestContext, source: ObjectRecord): ObjectHeaders {
  const directive = request.headers.get('x-amz-metadata-directive') ?? 'COPY'
  if (directive === 'REPLACE') return parseObjectHeaders(request)
  if (directive !== 'COPY') throw new S3Error('InvalidArgument', 'Unknown metadata directive.')
  // For the headers that it refuses; what is kept is the source's.
  parseObjectHeaders(request)
  const { 'x-amz-website-redirect-location': _, ...headers } = source.headers
  return { headers, metadata: source.metadata, storageClass: parseStorageClass(request) }
}

/** As asked for, but with the source's tags unless the request replaces them. Errors: InvalidArgument, AccessDenied. */
async function targetAttributes(
  { request, access }: RequestContext,
  source: ObjectVersionName,
  { asked, opened }: { readonly asked: ObjectAttributes; readonly opened: OpenedObject },
): Promise<ObjectAttributes> {
  const directive = request.headers.get('x-amz-tagging-directive') ?? 'COPY'
  if (directive === 'REPLACE') return asked
  if (directive !== 'COPY') throw new S3Error('InvalidArgument', 'Unknown tagging directive.')
  const { tags: _replaced, ...others } = asked
  const { tags } = opened.stored.attributes
  if (tags === undefined) return others
  const requestTags = new Map(tags.map(({ key, value }) => [key, value]))
  for (const need of tagCopyNeeds(request, source)) await access.require({ ...need, facts: { requestTags } })
  return { ...others, tags }
}

/** A copy of an object to itself has to change something (S3 API reference, CopyObject). */
function refuseNoChange({ context: { request }, source, opened, encryption, headers }: Copy): void {
  if (source.bucket !== request.bucket || source.key !== request.key) return
  // A version that becomes the current one again.
  if (source.versionId !== undefined) return
  const asked = [...request.headers.keys()].some((name) => name.startsWith('x-amz-server-side-encryption'))
  const changed =
    request.headers.get('x-amz-metadata-directive') === 'REPLACE' ||
    request.headers.get('x-amz-tagging-directive') === 'REPLACE' ||
    headers.storageClass !== opened.record.storageClass ||
    request.headers.has('x-amz-website-redirect-location') ||
    asked ||
    encryption?.mode !== opened.encryption?.envelope.mode
  if (changed) return
  throw new S3Error(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}

async function makeTarget(copy: Copy): Promise<Target> {
  const { opened, encryption } = copy
  const algorithm = wantedChecksum(copy.context)
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
  const { objectKey } = opened.encryption
  try {
    const { seal } = await sealNewKey(services.keys, encryption, request, objectKey)
    return { record: sealRecord(plain, { seal, objectKey }, request), data, seal }
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

function wantedChecksum({ request }: RequestContext): ChecksumAlgorithm | undefined {
  const text = request.headers.get('x-amz-checksum-algorithm')?.toUpperCase()
  if (text === undefined) return undefined
  const algorithm = checksumAlgorithms.find((name) => name === text)
  if (algorithm === undefined)
    throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.')
  return algorithm
}

function reply(
  { opened, encryption }: Copy,
  { record, seal, version }: Pick<Target, 'record' | 'seal'> & { readonly version: WrittenVersion },
): Reply {
  const checksum = record.checksum
  return {
    status: 200,
    headers: {
      ...newVersionHeaders(version),
      ...sourceVersionHeaders(opened),
      ...checksumHeaders(checksum),
      ...newEncryptionHeaders(seal, encryption),
    },
    body: document(
      element('CopyObjectResult', [
        element('LastModified', new Date(record.modifiedAtMs).toISOString()),
        element('ETag', `"${record.etag}"`),
        ...(checksum === undefined ? [] : [element(`Checksum${checksum.algorithm}`, checksum.value)]),
      ]),
    ),
  }
}
