import { BackendError, type LookupHint, type StoredObject } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { requireKey } from '../http/target.ts'
import type { S3Request, Services } from '../operation.ts'
import { parseEnvelope } from '../sse/envelope.ts'
import { type CustomerKey, parseCopySourceCustomerKey, parseCustomerKey } from '../sse/headers.ts'
import { type Acl, type AclSubject, aclGrants, defaultAcl, fromStoredAcl } from './acl.ts'
import { aclPermissions } from './acl-permissions.ts'
import type { S3Action } from './actions.ts'
import { type BucketAccess, openBucketAccess } from './bucket-access.ts'
import { existingTagKey, type RequestFacts, requestTagPrefix, type SignatureFacts } from './condition-keys.ts'
import type { Condition } from './conditions.ts'
import { allowsSome, asksFor, evaluatePolicy, type Policy } from './policy.ts'
import { isPublicPolicy } from './public-policy.ts'
import type { User } from './users.ts'

/** Something that a request has to be allowed to do. */
export interface Need {
  readonly action: S3Action
  /** Empty: at service level. */
  readonly bucket: string
  /** Empty: at bucket level. */
  readonly key: string
  readonly versionId?: string
  /** Anybody who may do the rest of what the request asks may do this too, unless a policy denies it. */
  readonly unlessDenied?: true
  /** Canonical ids that it gives something, and nobody else: those of the bucket's owner and of who asks need no permission. */
  readonly given?: readonly string[]
  /** Part of this action: whoever a list allows the one may do the other. */
  readonly within?: S3Action
  /** Of keys that only the body will name: nobody is refused where nothing the bucket says could allow it on any. */
  readonly anyKey?: true
  /** Of tags that only the body will name: nobody is refused where a policy asks about them. */
  readonly tagsToCome?: true
  /** It is about a bucket that is not there yet. */
  readonly creates?: true
  /** What is known of the request beyond its headers, for conditions. */
  readonly facts?: Pick<RequestFacts, 'requestTags' | 'prefix'>
}

/** What one request may do. It is asked before anything of the request is done. */
export interface Authorizer {
  /** Throws S3Error AccessDenied; NoSuchKey to those who may know that the object is not there; BackendError no-such-bucket. */
  require(need: Need): Promise<void>
  allows(need: Need): Promise<boolean>
  /** Whether the user's own policy, if there is one, allows it, whatever the bucket says. */
  ownPolicyAllows(need: Need): boolean
  /** Errors: BackendError no-such-bucket. */
  bucket(name: string): Promise<BucketAccess>
}

/** As on AWS, whose ids are longer than ours: a gateway's store may have such. */
const versionIdSizeMax = 1024

/** Owners can always get back in to a bucket whose policy locks them out, as on AWS. */
const policyActions: ReadonlySet<S3Action> = new Set([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
])

export function createAuthorizer(
  services: Services,
  {
    request,
    user,
    signature,
  }: {
    readonly request: S3Request
    /** Undefined: anonymous. */
    readonly user: User | undefined
    readonly signature: SignatureFacts | undefined
  },
): Authorizer {
  const { backend, config } = services
  const buckets = new Map<string, Promise<BucketAccess>>()
  const judged = new Map<Condition, boolean>()
  const subject: AclSubject = { authenticated: user !== undefined, ids: new Set(user && [user.id]) }
  return { require: requireAllowed, allows, ownPolicyAllows, bucket }

  function bucket(name: string): Promise<BucketAccess> {
    const known =
      buckets.get(name) ?? openBucketAccess(backend, name, config.objectOwnership ?? 'BucketOwnerEnforced')
    buckets.set(name, known)
    return known
  }

  async function requireAllowed(need: Need): Promise<void> {
    if (await allows(need)) return
    if (await maybeToldAbsence(need)) throw new S3Error('NoSuchKey')
    throw new S3Error('AccessDenied')
  }

  async function allows(need: Need): Promise<boolean> {
    requireNames(need)
    if (need.anyKey === true && user !== undefined) return true
    const access = need.bucket === '' || need.creates === true ? undefined : await bucket(need.bucket)
    const bucketPolicy = await access?.policy()
    if (need.anyKey === true && bucketPolicy !== undefined && allowsSome(bucketPolicy, user)) return true
    const policies = [user?.policy, bucketPolicy]
    if (need.tagsToCome === true && asked(policies, requestTagPrefix)) return true
    const facts = await factsOf(need, policies)
    const question = { action: need.action, resource: resourceOf(need), facts }
    const own = user?.policy && evaluatePolicy(user.policy, question)
    if (own === 'Deny') return false
    const verdict = bucketPolicy && evaluatePolicy(bucketPolicy, question)
    if (verdict === 'Deny' && !(policyActions.has(need.action) && isOwner(access))) return false
    if (user?.root === true || own === 'Allow' || need.unlessDenied === true) return true
    if (need.given?.every((id) => id === access?.owner || id === user?.id) === true) return true
    if (access === undefined) return user !== undefined && user.policy === undefined
    if (verdict === 'Allow' && (await policyCounts(access, bucketPolicy))) return true
    return allowedByOwnership(access, need)
  }

  function ownPolicyAllows(need: Need): boolean {
    if (user?.policy === undefined) return false
    const question = { action: need.action, resource: resourceOf(need), facts: plainFactsOf(need) }
    return evaluatePolicy(user.policy, question) === 'Allow'
  }

  /** The bucket's owner with all rights: a user who has a policy has only those. */
  function isOwner(access: BucketAccess | undefined): boolean {
    if (user === undefined || access === undefined) return false
    return user.root || (user.policy === undefined && user.id === access.owner)
  }

  /** A policy that makes its bucket public allows nothing any more when the bucket restricts that. */
  async function policyCounts(access: BucketAccess, policy: Policy | undefined): Promise<boolean> {
    if (policy === undefined || !isPublicPolicy(policy)) return true
    return !(await access.publicAccessBlock()).RestrictPublicBuckets
  }

  async function allowedByOwnership(access: BucketAccess, need: Need): Promise<boolean> {
    const { mode } = await access.ownership()
    if (mode === 'BucketOwnerEnforced') return isOwner(access)
    const { on, permission } = aclPermissions[need.within ?? need.action] ?? {}
    if (on !== 'object' && isOwner(access)) return true
    const stored = need.key === '' || on === 'bucket' ? undefined : await lookUp(need, { acl: true })
    // An object that is not there: the operation tells the bucket's owner so.
    if (on === 'object' && stored === undefined) return isOwner(access)
    const owner = stored?.record.owner ?? access.owner
    if (stored !== undefined && user?.policy === undefined && user?.id === owner) return true
    if (permission === undefined) return false
    const { IgnorePublicAcls: ignorePublic } = await access.publicAccessBlock()
    const acl = on === 'bucket' ? await access.acl() : aclOf(stored, owner)
    return aclGrants(acl, grantees(owner), { permission, ignorePublic })
  }

  /** What the list's owner is granted does not widen what the owner's own policy allows. */
  function grantees(owner: string): AclSubject {
    return user?.policy !== undefined && user.id === owner ? { ...subject, ids: new Set() } : subject
  }

  async function maybeToldAbsence(need: Need): Promise<boolean> {
    if (need.key === '' || !need.action.startsWith('s3:GetObject')) return false
    if (!(await allows(listingOf(need)))) return false
    return (await lookUp(need)) === undefined
  }

  function lookUp(need: Need, hint: LookupHint = {}): Promise<StoredObject | undefined> {
    const { bucket: name, key, versionId } = need
    const customerKey = customerKeyOf(need)
    return ifThere(
      backend.getObject(name, key, versionId, {
        recordOnly: true,
        ...(customerKey !== undefined && { customerKey: customerKey.key }),
        ...hint,
      }),
    )
  }

  /** The one that came for that object. Errors: InvalidArgument. */
  function customerKeyOf({ bucket: name, key }: Need): CustomerKey | undefined {
    const { headers } = request
    if (name === request.bucket && key === request.key) return parseCustomerKey(headers)
    return parseCopySourceCustomerKey(headers)
  }

  /** What the policies ask about, looked up only where they do. */
  async function factsOf(need: Need, policies: readonly (Policy | undefined)[]): Promise<RequestFacts> {
    const stored =
      need.key !== '' && asked(policies, existingTagKey)
        ? await ifThere(backend.getAttributes(versionOf(need), ['tags']))
        : undefined
    const tags = stored?.attributes.tags
    const uploadEncryption =
      need.action === 's3:PutObject' &&
      request.query.has('uploadId') &&
      asked(policies, 's3:x-amz-server-side-encryption')
        ? await encryptionOfUpload(need)
        : undefined
    return {
      ...plainFactsOf(need),
      ...(tags !== undefined && { existingTags: new Map(tags.map(({ key, value }) => [key, value])) }),
      ...(uploadEncryption !== undefined && { uploadEncryption }),
    }
  }

  function plainFactsOf({ versionId, facts }: Need): RequestFacts {
    const version = versionId !== undefined && { versionId }
    return { request, user, signature, nowMs: services.now(), judged, ...version, ...facts }
  }

  /** Requests for parts do not repeat what the upload was begun with. */
  async function encryptionOfUpload({
    bucket: name,
    key,
  }: Need): Promise<ReadonlyMap<string, string> | undefined> {
    try {
      const { envelope } = await backend.getUpload(name, key, request.query.get('uploadId') ?? '')
      if (envelope === undefined) return undefined
      const { mode, kms } = parseEnvelope(envelope)
      if (mode === 'SSE-C') return undefined
      return new Map([
        ['x-amz-server-side-encryption', mode === 'SSE-S3' ? 'AES256' : 'aws:kms'],
        ...(mode === 'SSE-KMS' && kms !== undefined
          ? ([['x-amz-server-side-encryption-aws-kms-key-id', kms.keyId]] as const)
          : []),
      ])
    } catch (error) {
      if (error instanceof BackendError && error.code === 'no-such-upload') return undefined
      throw error
    }
  }
}

export async function allowsAll(authorizer: Authorizer, needs: readonly Need[]): Promise<boolean> {
  for (const need of needs) if (!(await authorizer.allows(need))) return false
  return true
}

/** Whether the key may be known of is asked as if it were listed. */
export function listingOf({ bucket, key }: Need): Need {
  return { action: 's3:ListBucket', bucket, key: '', facts: { prefix: key } }
}

/** An object's list, as it is or as it is without one. */
export function aclOf(stored: StoredObject | undefined, owner: string): Acl {
  const text = stored?.attributes.acl
  return text === undefined ? defaultAcl(owner) : fromStoredAcl(text)
}

async function ifThere<Found>(looking: Promise<Found>): Promise<Found | undefined> {
  try {
    return await looking
  } catch (error) {
    if (error instanceof BackendError && absences.has(error.code)) return undefined
    throw error
  }
}

function versionOf({ bucket, key, versionId }: Need) {
  return { bucket, key, ...(versionId !== undefined && { versionId }) }
}

export const absences: ReadonlySet<BackendError['code']> = new Set([
  'no-such-key',
  'no-such-version',
  'delete-marker',
])

function asked(policies: readonly (Policy | undefined)[], keyPrefix: string): boolean {
  return policies.some((policy) => policy !== undefined && asksFor(policy, keyPrefix))
}

/** No pattern is held against what can name no object. Errors: KeyTooLongError, InvalidArgument. */
function requireNames({ key, versionId = '' }: Need): void {
  requireKey(key)
  if (versionId.length > versionIdSizeMax) {
    throw new S3Error('InvalidArgument', 'Invalid version id specified')
  }
}

function resourceOf({ bucket, key }: Need): string {
  if (bucket === '') return 'arn:aws:s3:::*'
  return key === '' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`
}
