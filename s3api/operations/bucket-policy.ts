import { isPublicAcl } from '../access/acl.ts'
import { accessSettings } from '../access/bucket-access.ts'
import { malformedPolicy, parseBucketPolicy, policySizeMax } from '../access/policy.ts'
import { isPublicPolicy } from '../access/public-policy.ts'
import { S3Error } from '../errors.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'

/** A bucket's policy: PUT, GET, DELETE ?policy, and GET ?policyStatus. */

const route = { scope: 'bucket', query: ['policy'] } as const

export const putBucketPolicy: Operation = {
  name: 'PutBucketPolicy',
  action: 's3:PutBucketPolicy',
  method: 'PUT',
  ...route,
  documentSizeMax: policySizeMax,
  async handle({ services: { backend }, request, access, body }) {
    const text = decode(await body.readAll())
    const policy = parseBucketPolicy(text, request.bucket)
    const { BlockPublicPolicy } = await (await access.bucket(request.bucket)).publicAccessBlock()
    if (BlockPublicPolicy && isPublicPolicy(policy)) throw new S3Error('AccessDenied')
    await backend.setBucketSetting(request.bucket, accessSettings.policy, text)
    return { status: 204 }
  },
}

export const getBucketPolicy: Operation = {
  name: 'GetBucketPolicy',
  action: 's3:GetBucketPolicy',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request }) {
    const text = await backend.getBucketSetting(request.bucket, accessSettings.policy)
    if (text === undefined) throw new S3Error('NoSuchBucketPolicy')
    return { status: 200, headers: { 'Content-Type': 'application/json' }, body: text }
  },
}

export const deleteBucketPolicy: Operation = {
  name: 'DeleteBucketPolicy',
  action: 's3:DeleteBucketPolicy',
  method: 'DELETE',
  ...route,
  async handle({ services: { backend }, request }) {
    await backend.setBucketSetting(request.bucket, accessSettings.policy, undefined)
    return { status: 204 }
  },
}

/** Whether the bucket is public, by its policy or, where lists count, its access control list. */
export const getBucketPolicyStatus: Operation = {
  name: 'GetBucketPolicyStatus',
  action: 's3:GetBucketPolicyStatus',
  method: 'GET',
  scope: 'bucket',
  query: ['policyStatus'],
  async handle({ request, access }) {
    const bucket = await access.bucket(request.bucket)
    const policy = await bucket.policy()
    const block = await bucket.publicAccessBlock()
    const byPolicy = policy !== undefined && isPublicPolicy(policy) && !block.RestrictPublicBuckets
    const listsCount = (await bucket.ownership()).mode !== 'BucketOwnerEnforced' && !block.IgnorePublicAcls
    const isPublic = byPolicy || (listsCount && isPublicAcl(await bucket.acl()))
    return {
      status: 200,
      body: document(element('PolicyStatus', [element('IsPublic', String(isPublic))])),
    }
  },
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformedPolicy('Policies must be valid UTF-8')
  }
}
