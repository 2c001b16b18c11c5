import type { StoredObject, WrittenVersion } from '../backends/backend.ts'
import { nullVersionId } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import type { S3Request } from '../operation.ts'

/** The version that a request names. */

/** The object of the request, and its version where one is named. Errors: InvalidArgument. */
export function objectNameOf(request: S3Request): ObjectVersionName {
  const { bucket, key } = request
  const versionId = request.query.get('versionId')
  if (versionId === '') throw emptyVersionId()
  return { bucket, key, ...(versionId !== undefined && { versionId }) }
}

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

/** Names the version that was read; nothing in a bucket that never had versioning. */
export function versionHeaders({ versionId }: WrittenVersion | StoredObject): Record<string, string> {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId }
}

/** Names the version that was made; a null version is not told, as S3 does not with versioning suspended. */
export function newVersionHeaders(version: WrittenVersion): Record<string, string> {
  return version.versionId === nullVersionId ? {} : versionHeaders(version)
}
