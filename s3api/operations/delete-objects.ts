import { allowsAll, type Need } from '../access/authorizer.ts'
import { BackendError } from '../backends/backend.ts'
import { S3Error, type S3ErrorCode, s3Errors } from '../errors.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, RequestContext, S3Request } from '../operation.ts'
import { unquote } from './conditions.ts'

const documentSizeMax = 2 * 1024 * 1024
const keysMax = 1000

/** Deletes up to 1,000 objects; each has an outcome of its own. The body's integrity must be vouched for (Content-MD5 or a checksum). */
export const deleteObjects: Operation = {
  name: 'DeleteObjects',
  // Each key is asked for by itself, when the body has named it.
  action: () => [],
  method: 'POST',
  scope: 'bucket',
  query: ['delete'],
  async handle(context) {
    const { services, request, body } = context
    await services.backend.getBucket(request.bucket)
    if (!request.headers.has('content-md5') && body.checksumAlgorithm === undefined) {
      throw new S3Error(
        'InvalidRequest',
        'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
      )
    }
    const { objects, quiet } = readDeletion(await body.readAll(documentSizeMax))
    const outcomes: XmlNode[] = []
    for (const object of objects) {
      const outcome = await deleteOne(context, object)
      if (outcome.error || !quiet) outcomes.push(outcome.node)
    }
    return { status: 200, body: document(element('DeleteResult', outcomes)) }
  },
}

interface DoomedObject {
  readonly key: string
  readonly ifMatch: string | undefined
  readonly versionId: string | undefined
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
  const etag = object.child('ETag')?.text()
  return {
    key,
    ifMatch: etag === undefined ? undefined : unquote(etag),
    versionId: object.child('VersionId')?.text(),
  }
}

function needsOf({ bucket, headers }: S3Request, key: string, versionId: string | undefined): Need[] {
  const object = { bucket, key, ...(versionId !== undefined && { versionId }) }
  const bypass = headers.get('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
  return [
    { action: versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', ...object },
    ...(bypass ? [{ action: 's3:BypassGovernanceRetention', ...object } as const] : []),
  ]
}

async function deleteOne(
  { services: { backend }, request, access, log }: RequestContext,
  { key, ifMatch, versionId }: DoomedObject,
): Promise<{ readonly error: boolean; readonly node: XmlNode }> {
  const failure = (code: S3ErrorCode, message: string = s3Errors[code][1]) => ({
    error: true,
    node: element('Error', [element('Key', key), element('Code', code), element('Message', message)]),
  })
  if (versionId !== undefined && versionId !== 'null' && versionId !== '') {
    return failure('NotImplemented', 'Versions are not implemented.')
  }
  try {
    if (!(await allowsAll(access, needsOf(request, key, versionId)))) return failure('AccessDenied')
    await backend.deleteObject({
      bucket: request.bucket,
      key,
      ...(ifMatch !== undefined && { condition: { ifMatch } }),
    })
    return { error: false, node: element('Deleted', [element('Key', key)]) }
  } catch (error) {
    if (error instanceof BackendError && error.code === 'precondition-failed')
      return failure('PreconditionFailed')
    log.error({ err: error }, 'an object of a multi-object delete was not deleted')
    return failure('InternalError')
  }
}
