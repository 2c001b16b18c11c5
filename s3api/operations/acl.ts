import { type Acl, isPublicAcl, type Ownership, toStoredAcl } from '../access/acl.ts'
import { aclDocument, readAcl } from '../access/acl-document.ts'
import { aclOfHeaders, hasAclHeaders } from '../access/acl-headers.ts'
import { aclOf } from '../access/authorizer.ts'
import { accessSettings, type BucketAccess } from '../access/bucket-access.ts'
import { changesNothing, isForBucketOwner, isPlainDefault, notSupported } from '../access/new-access.ts'
import { S3Error } from '../errors.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { objectNameOf } from './version-parameter.ts'

/** Access control lists of buckets and objects: GET and PUT ?acl. */

const documentSizeMax = 256 * 1024
const query = ['acl']

export const getBucketAcl: Operation = {
  name: 'GetBucketAcl',
  action: 's3:GetBucketAcl',
  method: 'GET',
  scope: 'bucket',
  query,
  async handle({ request, access, users }) {
    const bucket = await access.bucket(request.bucket)
    return { status: 200, body: aclDocument(await bucket.acl(), bucket.owner, users) }
  },
}

export const putBucketAcl: Operation = {
  name: 'PutBucketAcl',
  action: 's3:PutBucketAcl',
  method: 'PUT',
  scope: 'bucket',
  query,
  documentSizeMax,
  async handle(context) {
    const { services, request, access } = context
    const bucket = await access.bucket(request.bucket)
    const { owner } = bucket
    const acl = await requestedAcl(context, bucket, { owner, bucketOwner: owner })
    if (acl === undefined) return { status: 200 }
    const stored = isPlainDefault(acl, owner) ? undefined : toStoredAcl(acl)
    await services.backend.setBucketSetting(request.bucket, accessSettings.acl, stored)
    return { status: 200 }
  },
}

export const getObjectAcl: Operation = {
  name: 'GetObjectAcl',
  action: 's3:GetObjectAcl',
  method: 'GET',
  scope: 'object',
  query,
  versions: true,
  async handle({ services: { backend }, request, access, users }) {
    const bucket = await access.bucket(request.bucket)
    const { bucket: name, key, versionId } = objectNameOf(request)
    const stored = await backend.getObject(name, key, versionId, { recordOnly: true, acl: true })
    const owner = stored.record.owner ?? bucket.owner
    return { status: 200, body: aclDocument(aclOf(stored, owner), owner, users) }
  },
}

export const putObjectAcl: Operation = {
  name: 'PutObjectAcl',
  action: 's3:PutObjectAcl',
  method: 'PUT',
  scope: 'object',
  query,
  versions: true,
  documentSizeMax,
  async handle(context) {
    const { services, request, access } = context
    const { bucket: name, key, versionId } = objectNameOf(request)
    const bucket = await access.bucket(name)
    const stored = await services.backend.getObject(name, key, versionId, { recordOnly: true })
    const owner = stored.record.owner ?? bucket.owner
    const acl = await requestedAcl(context, bucket, { owner, bucketOwner: bucket.owner })
    if (acl === undefined) return { status: 200 }
    await services.backend.changeAttributes({
      bucket: name,
      key,
      ...(stored.versionId !== undefined && { versionId: stored.versionId }),
      changes: { acl: isPlainDefault(acl, owner) && !isForBucketOwner(request) ? null : toStoredAcl(acl) },
    })
    return { status: 200 }
  },
}

/** The list to be set; undefined where lists mean nothing and the request asks for nothing else. */
async function requestedAcl(
  { request, body, users }: RequestContext,
  bucket: BucketAccess,
  ownership: Ownership,
): Promise<Acl | undefined> {
  const bytes = await body.readAll()
  const byHeaders = hasAclHeaders(request.headers)
  if (byHeaders && bytes.length > 0) throw new S3Error('UnexpectedContent')
  const { mode, chosen } = await bucket.ownership()
  const acl = byHeaders
    ? aclOfHeaders(request.headers, ownership, users)
    : readAcl(bytes, ownership.owner, users)
  if (mode === 'BucketOwnerEnforced') {
    if (!changesNothing(request.headers, acl, { ...ownership, chosen })) throw notSupported()
    return undefined
  }
  const { BlockPublicAcls } = await bucket.publicAccessBlock()
  if (BlockPublicAcls && acl !== undefined && isPublicAcl(acl)) throw new S3Error('AccessDenied')
  return acl
}
