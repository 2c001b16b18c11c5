import { copyNeeds, tagCopyNeeds } from '../access/needs.ts'
import { newObjectAccess, ownerMember } from '../access/new-access.ts'
import type { ObjectRecord, WrittenVersion } from '../backends/backend.ts'
import type { ObjectAttributes } from '../backends/versions.ts'
import { whileReplaced } from '../backends/while-replaced.ts'
import { S3Error } from '../errors.ts'
import { document, element } from '../http/xml-writer.ts'
import { type ObjectVersionName, parseCopySource } from '../object-name.ts'
import type { Operation, Reply, RequestContext } from '../operation.ts'
import { decideEncryption, newEncryptionHeaders } from '../sse/decision.ts'
import { confirmRecord } from '../sse/encrypted-periods.ts'
import type { OpenedObject } from '../sse/records.ts'
import { newVersionId } from '../sse/version-ids.ts'
import { parseWriteCondition } from './conditions.ts'
import { openCopySource, sourceVersionHeaders } from './copy-source.ts'
import { type Copy, makeTarget, type Target } from './copy-target.ts'
import { checksumHeaders, checksumValueElements } from './digests.ts'
import { newAttributes } from './new-attributes.ts'
import { settle } from './object-data.ts'
import { type ObjectHeaders, parseObjectHeaders, parseStorageClass } from './object-headers.ts'
import { checkCondition } from './put-object.ts'
import { newVersionHeaders } from './version-parameter.ts'
import { askedOf } from './write-plan.ts'

/** CopyObject; what the target is made of is in copy-target.ts. */
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
      try {
        return await copyOpened(opened)
      } finally {
        opened.encryption?.objectKey.fill(0)
      }
    }
    const copyOpened = async (opened: OpenedObject) => {
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
          signal: context.signal,
          ...(condition !== undefined && { condition }),
          ...(encryption !== undefined && { asked: askedOf(encryption) }),
        })
        return reply(copy, { record, seal, version })
      })
    }
    return whileReplaced(copyOnce)
  },
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
        ...checksumValueElements(checksum),
      ]),
    ),
  }
}
