import type { S3Action } from '../access/actions.ts'
import { S3Error, type S3ErrorCode } from '../errors.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, Reply } from '../operation.ts'

/**
 * Sub-resources of features that are off for every bucket: reads answer as S3 does for a bucket that never had the feature,
 * so that clients which look before they act go on. Writes are not implemented.
 */

/** Errors that S3 gives for a configuration which was never set. */
const absentConfigurations = {
  lifecycle: ['NoSuchLifecycleConfiguration', 's3:GetLifecycleConfiguration'],
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

function capitalised(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letters) => letters.replace('-', '').toUpperCase())
}
