import { S3Error } from './errors.ts'
import type { S3Request } from './operation.ts'

/** What a request calls an object. */

/** Without a version id: the current version. */
export interface ObjectVersionName {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
}

export function emptyVersionId(): S3Error {
  return new S3Error('InvalidArgument', 'Version id cannot be the empty string', {
    elements: { ArgumentName: 'versionId', ArgumentValue: '' },
  })
}

/**
 * `x-amz-copy-source`: `/bucket/key` or `bucket/key`, URL-encoded, in which `+` is a blank as on AWS, with an optional
 * `?versionId=…`. Errors: InvalidArgument.
 */
export function parseCopySource({ headers }: S3Request): ObjectVersionName {
  const invalid = (message: string) => new S3Error('InvalidArgument', message)
  const text = headers.get('x-amz-copy-source') ?? ''
  const question = text.indexOf('?')
  const version = question === -1 ? undefined : /^versionId=(.*)$/.exec(text.slice(question + 1))?.[1]
  if (version === '') throw emptyVersionId()
  if (question !== -1 && version === undefined)
    throw invalid('Copy Source has a query that is not a versionId')
  const path = decode(question === -1 ? text : text.slice(0, question))
  const match = /^\/?([^/]+)\/(.+)$/s.exec(path)
  const [bucket, key] = [match?.[1], match?.[2]]
  if (bucket === undefined || key === undefined) {
    throw invalid('Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
  }
  return { bucket, key, ...(version !== undefined && { versionId: decode(version) }) }
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    if (!decoded.includes('\0')) return decoded
  } catch (error) {
    throw new S3Error('InvalidArgument', 'Copy Source must be URL-encoded UTF-8.', { cause: error })
  }
  throw new S3Error('InvalidArgument', 'Copy Source cannot contain the character U+0000.')
}
