import { allowsAll, type Need } from '../access/authorizer.ts'
import { bypassesGovernance } from '../access/needs.ts'
import type { WriteCondition } from '../backends/backend.ts'
import type { Deletion } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import { toS3Error } from '../http/error-reply.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, RequestContext, S3Request } from '../operation.ts'
import { deleteCondition } from './conditions.ts'

const documentSizeMax = 2 * 1024 * 1024
const keysMax = 1000
/** A backend commits deletes that come together as one. */
const deletesAtOnce = 100

/** Deletes up to 1,000 objects; each has an outcome of its own. The body's integrity must be vouched for (Content-MD5 or a checksum). */
export const deleteObjects: Operation = {
  name: 'DeleteObjects',
  // Each key is asked for by itself, when the body has named it; but of nobody no body is read in vain.
  action: ({ bucket }) => [{ action: 's3:DeleteObject', bucket, key: '', anyKey: true }],
  needsOfBody: (request, body) =>
    readDeletion(body).objects.flatMap(({ key, versionId }) => needsOf(request, key, versionId)),
  method: 'POST',
  scope: 'bucket',
  query: ['delete'],
  documentSizeMax,
  async handle(context) {
    const { services, request, body } = context
    await services.backend.getBucket(request.bucket)
    if (!request.headers.has('content-md5') && body.checksumAlgorithm === undefined) {
      throw new S3Error(
        'InvalidRequest',
        'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
      )
    }
    const { objects, quiet } = readDeletion(await body.readAll())
    const outcomes: Outcome[] = []
    for (let index = 0; index < objects.length; index += deletesAtOnce) {
      const some = objects.slice(index, index + deletesAtOnce)
      outcomes.push(...(await Promise.all(some.map((object) => deleteOne(context, object)))))
    }
    const told = outcomes.filter(({ error }) => error || !quiet).map(({ node }) => node)
    return { status: 200, body: document(element('DeleteResult', told)) }
  },
}

interface DoomedObject {
  readonly key: string
  readonly versionId: string | undefined
  readonly condition: WriteCondition | undefined
}

interface Outcome {
  readonly error: boolean
  readonly node: XmlNode
}

function readDeletion(bytes: Uint8Array): {
  readonly objects: readonly DoomedObject[]
  readonly quiet: boolean
} {
  const root = readXml(bytes, 'Delete')
  const objects = root.children('Object').map(readObject)
  if (objects.length === 0 || objects.length > keysMax) throw new S3Error('MalformedXML')
  return { objects, quiet: root.child('Quiet')?.text().trim() === 'true' }
}

function readObject(object: XmlElement): DoomedObject {
  const key = object.child('Key')?.text()
  if (key === undefined || key === '') throw new S3Error('MalformedXML')
  const versionId = object.child('VersionId')?.text()
  return {
    key,
    versionId: versionId === '' ? undefined : versionId,
    condition: deleteCondition({
      etag: object.child('ETag')?.text(),
      size: object.child('Size')?.text(),
      modifiedAt: object.child('LastModifiedTime')?.text(),
    }),
  }
}

function needsOf(request: S3Request, key: string, versionId: string | undefined): Need[] {
  const object = { bucket: request.bucket, key, ...(versionId !== undefined && { versionId }) }
  return [
    { action: versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', ...object },
    ...(bypassesGovernance(request) ? [{ action: 's3:BypassGovernanceRetention', ...object } as const] : []),
  ]
}

async function deleteOne(
  { services: { backend }, request, user, access, log }: RequestContext,
  { key, versionId, condition }: DoomedObject,
): Promise<Outcome> {
  const name = [element('Key', key), ...(versionId === undefined ? [] : [element('VersionId', versionId)])]
  try {
    if (!(await allowsAll(access, needsOf(request, key, versionId)))) throw new S3Error('AccessDenied')
    const deletion = await backend.deleteObject({
      bucket: request.bucket,
      key,
      ...(user !== undefined && { owner: user.id }),
      bypassGovernance: bypassesGovernance(request),
      ...(versionId !== undefined && { versionId }),
      ...(condition !== undefined && { condition }),
    })
    return { error: false, node: element('Deleted', [...name, ...markerElements(deletion)]) }
  } catch (error) {
    const { code, message } = toS3Error(error, log)
    return {
      error: true,
      node: element('Error', [...name, element('Code', code), element('Message', message)]),
    }
  }
}

function markerElements({ deleteMarker, versionId }: Deletion): XmlNode[] {
  if (!deleteMarker || versionId === undefined) return []
  return [element('DeleteMarker', 'true'), element('DeleteMarkerVersionId', versionId)]
}
