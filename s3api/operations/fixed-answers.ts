import type { S3Action } from '../access/actions.ts'
import { type Owner, ownerOf, rootOwner } from '../access/users.ts'
import { S3Error, type S3ErrorCode } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, Reply, RequestContext } from '../operation.ts'
import { ownerElement } from './listing.ts'

/**
 * Sub-resources of features that are off for every bucket: reads answer as S3 does for a bucket that never had the feature,
 * so that clients which look before they act go on. Writes are not implemented, but for ACLs that change nothing.
 */

const aclSizeMax = 64 * 1024

/** Errors that S3 gives for a configuration which was never set. */
const absentConfigurations = {
  cors: ['NoSuchCORSConfiguration', 's3:GetBucketCORS'],
  lifecycle: ['NoSuchLifecycleConfiguration', 's3:GetLifecycleConfiguration'],
  ownershipControls: ['OwnershipControlsNotFoundError', 's3:GetBucketOwnershipControls'],
  policy: ['NoSuchBucketPolicy', 's3:GetBucketPolicy'],
  policyStatus: ['NoSuchBucketPolicy', 's3:GetBucketPolicyStatus'],
  publicAccessBlock: ['NoSuchPublicAccessBlockConfiguration', 's3:GetBucketPublicAccessBlock'],
  replication: ['ReplicationConfigurationNotFoundError', 's3:GetReplicationConfiguration'],
  website: ['NoSuchWebsiteConfiguration', 's3:GetBucketWebsite'],
} as const satisfies Record<string, readonly [S3ErrorCode, S3Action]>

/** Documents that S3 gives for a feature which was never switched on. */
const emptyDocuments = {
  accelerate: [element('AccelerateConfiguration', []), 's3:GetAccelerateConfiguration'],
  logging: [element('BucketLoggingStatus', []), 's3:GetBucketLogging'],
  notification: [element('NotificationConfiguration', []), 's3:GetBucketNotification'],
  requestPayment: [
    element('RequestPaymentConfiguration', [element('Payer', 'BucketOwner')]),
    's3:GetBucketRequestPayment',
  ],
} as const satisfies Record<string, readonly [XmlNode, S3Action]>

export const fixedAnswers: readonly Operation[] = [
  ...Object.entries(absentConfigurations).map(([name, [code, action]]) =>
    bucketRead(name, action, () => {
      throw new S3Error(code)
    }),
  ),
  ...Object.entries(emptyDocuments).map(([name, [node, action]]) =>
    bucketRead(name, action, () => ({ status: 200, body: document(node) })),
  ),
  {
    name: 'GetBucketAcl',
    action: 's3:GetBucketAcl',
    method: 'GET',
    scope: 'bucket',
    query: ['acl'],
    handle: getNeutralAcl,
  },
  {
    name: 'GetObjectAcl',
    action: 's3:GetObjectAcl',
    method: 'GET',
    scope: 'object',
    query: ['acl'],
    handle: getNeutralAcl,
  },
  {
    name: 'PutBucketAcl',
    action: 's3:PutBucketAcl',
    method: 'PUT',
    scope: 'bucket',
    query: ['acl'],
    handle: putNeutralAcl,
  },
  {
    name: 'PutObjectAcl',
    action: 's3:PutObjectAcl',
    method: 'PUT',
    scope: 'object',
    query: ['acl'],
    handle: putNeutralAcl,
  },
]

function bucketRead(name: string, action: S3Action, answer: () => Reply): Operation {
  return {
    action,
    name: `GetBucket${capitalised(name)}`,
    method: 'GET',
    scope: 'bucket',
    query: [name],
    async handle({ services: { backend }, request }) {
      await backend.getBucket(request.bucket)
      return answer()
    },
  }
}

async function getNeutralAcl({ services: { backend }, request, users }: RequestContext): Promise<Reply> {
  const bucket = await backend.getBucket(request.bucket)
  if (request.key !== '') await backend.getObject(request.bucket, request.key)
  return ownerOnly(ownerOf(users, bucket.owner))
}

function ownerOnly(owner: Owner): Reply {
  const grantee = element('Grantee', [element('ID', owner.id), element('DisplayName', owner.name)], {
    'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    'xsi:type': 'CanonicalUser',
  })
  return {
    status: 200,
    body: document(
      element('AccessControlPolicy', [
        ownerElement('Owner', owner),
        element('AccessControlList', [element('Grant', [grantee, element('Permission', 'FULL_CONTROL')])]),
      ]),
    ),
  }
}

/** Accepts an ACL that says what is so already: full control for the owner, nothing for anybody else. */
async function putNeutralAcl({ services: { backend }, request, body }: RequestContext): Promise<Reply> {
  const { owner = rootOwner.id } = await backend.getBucket(request.bucket)
  if (request.key !== '') await backend.getObject(request.bucket, request.key)
  const refused = () =>
    new S3Error('NotImplemented', 'Access control lists other than private are not implemented.')
  if ([...request.headers.keys()].some((name) => name.startsWith('x-amz-grant-'))) throw refused()
  const bytes = await body.readAll(aclSizeMax)
  const canned = request.headers.get('x-amz-acl')
  if (canned !== undefined) {
    if (canned !== 'private' || bytes.length > 0) throw refused()
    return { status: 200 }
  }
  const grants = readXml(bytes, 'AccessControlPolicy').child('AccessControlList')?.children('Grant') ?? []
  const neutral = grants.every(
    (grant) =>
      grant.child('Grantee')?.child('ID')?.text() === owner &&
      grant.child('Permission')?.text() === 'FULL_CONTROL',
  )
  if (!neutral) throw refused()
  return { status: 200 }
}

function capitalised(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letters) => letters.replace('-', '').toUpperCase())
}
