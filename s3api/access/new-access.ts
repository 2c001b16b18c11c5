import { S3Error } from '../errors.ts'
import type { RequestContext, S3Request } from '../operation.ts'
import { type Acl, defaultAcl, isDefaultAcl, isPublicAcl, type Ownership, toStoredAcl } from './acl.ts'
import { aclOfHeaders } from './acl-headers.ts'
import { accessSettings, type BucketAccess, type OwnershipMode, ownershipModes } from './bucket-access.ts'

/** Owner and access control list of what is made, as its request's headers ask and ownership controls let them. */
export interface NewAccess {
  /** Canonical id; absent: the bucket's owner. */
  readonly owner?: string
  /**
   * As it is stored; absent: the owner has full control, nobody else has any. Where the request asks for
   * `bucket-owner-full-control` it is there even if it says no more than that, for stores whose buckets have other owners.
   */
  readonly acl?: string
}

/** Errors: AccessControlListNotSupported, AccessDenied for what a public access block blocks, those of the headers. */
export async function newObjectAccess(context: RequestContext): Promise<NewAccess> {
  const { request, user, users, access } = context
  const bucket = await access.bucket(request.bucket)
  const { mode, chosen } = await bucket.ownership()
  const bucketOwner = bucket.owner
  const owner = ownerUnder(mode, request, { bucketOwner, writer: user?.id ?? bucketOwner })
  const acl = aclOfHeaders(request.headers, { owner, bucketOwner }, users)
  if (mode === 'BucketOwnerEnforced') {
    if (!changesNothing(request.headers, acl, { owner, bucketOwner, chosen })) throw notSupported()
    return isForBucketOwner(request) ? { acl: toStoredAcl(defaultAcl(owner)) } : {}
  }
  await refuseBlocked(bucket, acl)
  return {
    ...(owner !== bucketOwner && { owner }),
    ...(acl !== undefined &&
      (isForBucketOwner(request) || !isPlainDefault(acl, owner)) && { acl: toStoredAcl(acl) }),
  }
}

/**
 * The settings that a bucket is made with. Errors: InvalidArgument, InvalidBucketAclWithObjectOwnership, those of the headers.
 */
export function newBucketSettings(
  { request: { headers }, users, services }: RequestContext,
  owner: string,
): Record<string, string> {
  const asked = headers.get('x-amz-object-ownership')
  const chosen = ownershipModes.find((mode) => mode === asked)
  if (asked !== undefined && chosen === undefined) {
    throw new S3Error('InvalidArgument', 'Invalid x-amz-object-ownership header')
  }
  const mode = chosen ?? services.config.objectOwnership ?? 'BucketOwnerEnforced'
  const acl = aclOfHeaders(headers, { owner, bucketOwner: owner }, users)
  const plain = acl === undefined || isPlainDefault(acl, owner)
  if (mode === 'BucketOwnerEnforced' && !plain) throw new S3Error('InvalidBucketAclWithObjectOwnership')
  return {
    ...(chosen !== undefined && { [accessSettings.ownership]: chosen }),
    ...(!plain && { [accessSettings.acl]: toStoredAcl(acl) }),
  }
}

/**
 * Whether a list for what belongs to the bucket's owner asks for what is so in any case. A bucket whose own controls say
 * BucketOwnerEnforced takes only what AWS takes there; where that is merely the default, lists that many clients send without
 * being asked are taken too.
 */
export function changesNothing(
  headers: S3Request['headers'],
  acl: Acl | undefined,
  { owner, chosen }: Ownership & { readonly chosen: boolean },
): boolean {
  if (acl === undefined) return true
  const canned = headers.get('x-amz-acl')
  if (canned === 'bucket-owner-full-control') return true
  if (canned !== undefined && chosen) return false
  return isPlainDefault(acl, owner)
}

export function notSupported(): S3Error {
  return new S3Error('AccessControlListNotSupported')
}

function ownerUnder(
  mode: OwnershipMode,
  request: Pick<S3Request, 'headers'>,
  { bucketOwner, writer }: { readonly bucketOwner: string; readonly writer: string },
): string {
  if (mode === 'BucketOwnerEnforced') return bucketOwner
  return mode === 'BucketOwnerPreferred' && isForBucketOwner(request) ? bucketOwner : writer
}

/** The list is asked for by the name that gives the bucket's owner full control. */
export function isForBucketOwner({ headers }: Pick<S3Request, 'headers'>): boolean {
  return headers.get('x-amz-acl') === 'bucket-owner-full-control'
}

async function refuseBlocked(bucket: BucketAccess, acl: Acl | undefined): Promise<void> {
  if (acl === undefined || !isPublicAcl(acl)) return
  if ((await bucket.publicAccessBlock()).BlockPublicAcls) throw new S3Error('AccessDenied')
}

/** The owner as records have it. */
export function ownerMember({ owner }: Pick<NewAccess, 'owner'>): Pick<NewAccess, 'owner'> {
  return owner === undefined ? {} : { owner }
}

/** Exactly the list of what has none: an owner who is granted less has to be stored as that. */
export function isPlainDefault(acl: Acl, owner: string): boolean {
  return acl.length === 1 && isDefaultAcl(acl, owner) && acl[0]?.permission === 'FULL_CONTROL'
}
