import type { StoredObject, WrittenVersion } from '../backends/backend.ts'
import { nullVersionId } from '../backends/versions.ts'
import { emptyVersionId, type ObjectVersionName } from '../object-name.ts'
import type { S3Request } from '../operation.ts'

/** The version that a request names. */

/** The object of the request, and its version where one is named. Errors: InvalidArgument. */
export function objectNameOf(request: S3Request): ObjectVersionName {
  const { bucket, key } = request
  const versionId = request.query.get('versionId')
  if (versionId === '') throw emptyVersionId()
  return { bucket, key, ...(versionId !== undefined && { versionId }) }
}

/** Names the version that was read; nothing in a bucket that never had versioning. */
export function versionHeaders({ versionId }: WrittenVersion | StoredObject): Record<string, string> {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId }
}

/** Names the version that was made; a null version is not told, as S3 does not with versioning suspended. */
export function newVersionHeaders(version: WrittenVersion): Record<string, string> {
  return version.versionId === nullVersionId ? {} : versionHeaders(version)
}
