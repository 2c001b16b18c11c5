import type { Operation, S3Request } from '../operation.ts'
import { type S3Action, versionActions } from './actions.ts'
import type { Need } from './authorizer.ts'
import { parseGrantee } from './grantees.ts'

/** What a request has to be allowed to do: its operation's action on its bucket or object, and what its headers ask for besides. */
export function needsOf(
  { action, scope }: Pick<Operation, 'action' | 'scope'>,
  request: S3Request,
): readonly Need[] {
  if (typeof action === 'function') return action(request)
  return needsOfAction(action, request, scope)
}

export function needsOfAction(
  action: S3Action,
  request: S3Request,
  scope: Operation['scope'] = 'object',
): readonly Need[] {
  const bucket = scope === 'service' ? '' : request.bucket
  const key = scope === 'object' ? request.key : ''
  const versionId = scope === 'object' ? request.query.get('versionId') : undefined
  const named = (name: S3Action): Need => ({
    action: versionId === undefined ? name : (versionActions[name] ?? name),
    bucket,
    key,
    ...(versionId !== undefined && { versionId }),
  })
  return [named(action), ...furtherNeeds(action, request, named)]
}

function furtherNeeds(action: S3Action, { headers }: S3Request, named: (action: S3Action) => Need): Need[] {
  const needs: Need[] = []
  const asks = (...names: string[]) => names.some((name) => headers.has(name))
  if (action === 's3:PutObject') {
    if (asks('x-amz-tagging')) needs.push({ ...named('s3:PutObjectTagging'), within: 's3:PutObject' })
    if (asks('x-amz-acl') || asksForGrants(headers)) {
      const given = idsGiven(headers)
      const need = { ...named('s3:PutObjectAcl'), within: 's3:PutObject' } as const
      needs.push(given === undefined ? need : { ...need, given })
    }
    if (asks('x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date')) {
      needs.push(named('s3:PutObjectRetention'))
    }
    if (asks('x-amz-object-lock-legal-hold')) needs.push(named('s3:PutObjectLegalHold'))
  }
  if (bypassesGovernance({ headers })) {
    needs.push(named('s3:BypassGovernanceRetention'))
  }
  return needs
}

/** Asks to remove or shorten a GOVERNANCE lock; whether the caller may is the policy's. */
export function bypassesGovernance({ headers }: Pick<S3Request, 'headers'>): boolean {
  return headers.get('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
}

/** Asks for object lock for the bucket that is made. */
export function wantsObjectLock({ headers }: Pick<S3Request, 'headers'>): boolean {
  return headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
}

export function asksForGrants(headers: S3Request['headers']): boolean {
  for (const name of headers.keys()) if (name.startsWith('x-amz-grant-')) return true
  return false
}

/** Whom the headers name by id; undefined where they give anything to others. */
function idsGiven(headers: S3Request['headers']): readonly string[] | undefined {
  const canned = headers.get('x-amz-acl')
  if (canned !== undefined && !ownersAcls.has(canned)) return undefined
  const ids: string[] = []
  for (const [name, grants] of headers) {
    if (!name.startsWith('x-amz-grant-')) continue
    for (const grant of grants.split(',')) {
      const named = parseGrantee(grant)
      if (named?.form !== 'id') return undefined
      ids.push(named.text)
    }
  }
  return ids
}

/** Canned lists that give the owners of object and bucket something, and nobody else. */
const ownersAcls: ReadonlySet<string> = new Set(['private', 'bucket-owner-read', 'bucket-owner-full-control'])

/** CreateBucket, with what its headers set at once. The bucket is not there to say anything about it. */
export function bucketCreationNeeds({ bucket, headers }: S3Request): readonly Need[] {
  const actions: S3Action[] = ['s3:CreateBucket']
  if (headers.has('x-amz-acl') || asksForGrants(headers)) actions.push('s3:PutBucketAcl')
  if (headers.has('x-amz-object-ownership')) actions.push('s3:PutBucketOwnershipControls')
  if (wantsObjectLock({ headers })) {
    actions.push('s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning')
  }
  return actions.map((action) => ({ action, bucket, key: '', creates: true }))
}

/** A copy reads its source and writes its target. */
export function copyNeeds(
  request: S3Request,
  source: { readonly bucket: string; readonly key: string; readonly versionId?: string },
): readonly Need[] {
  const action = source.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  return [...needsOfAction('s3:PutObject', request), { action, ...source }]
}

/** A copy that finds tags on its source reads those and sets them on its target. */
export function tagCopyNeeds(
  { bucket, key }: S3Request,
  source: { readonly bucket: string; readonly key: string; readonly versionId?: string },
): readonly Need[] {
  const action = source.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging'
  return [
    { action, within: 's3:GetObject', ...source },
    { action: 's3:PutObjectTagging', within: 's3:PutObject', bucket, key },
  ]
}
