import { S3Error } from '../errors.ts'
import type { RequestContext, S3Request } from '../operation.ts'
import { copySourceCustomerKeyOf } from '../sse/decision.ts'
import type { OpenedObject } from '../sse/records.ts'
import { checkReadConditions } from './conditions.ts'
import { openObject } from './object-data.ts'

/** The object that a copy reads. */
export interface CopySource {
  readonly bucket: string
  readonly key: string
}

/** `x-amz-copy-source`: `/bucket/key` or `bucket/key`, URL-encoded, with an optional `?versionId=null`. Errors: InvalidArgument, NotImplemented. */
export function parseCopySource({ headers }: S3Request): CopySource {
  const invalid = (message: string) => new S3Error('InvalidArgument', message)
  const text = headers.get('x-amz-copy-source') ?? ''
  const question = text.indexOf('?')
  if (question !== -1 && text.slice(question + 1) !== 'versionId=null') {
    throw new S3Error('NotImplemented', 'Versions of a copy source are not implemented.')
  }
  let path: string
  try {
    path = decodeURIComponent(question === -1 ? text : text.slice(0, question))
  } catch (error) {
    throw new S3Error('InvalidArgument', 'Copy Source must be URL-encoded UTF-8.', { cause: error })
  }
  const match = /^\/?([^/]+)\/(.+)$/s.exec(path)
  const [bucket, key] = [match?.[1], match?.[2]]
  if (bucket === undefined || key === undefined) {
    throw invalid('Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
  }
  return { bucket, key }
}

/** Opens the source with its own customer key and checks the copy's conditions on it. */
export async function openCopySource(context: RequestContext, source: CopySource): Promise<OpenedObject> {
  const opened = await openObject(context.services, source, copySourceCustomerKeyOf(context))
  checkReadConditions(context.request, opened.record, 'x-amz-copy-source-')
  return opened
}
