import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { alice, withFrontEnd } from '../../support/front-end.ts'
import { refusal, withClient } from '../../support/s3-client.ts'

const test = suite('s3api/operations/object-lock')

const Bucket = 'locked'
const Key = 'key'
const hourMs = 60 * 60 * 1000
const inAnHour = () => new Date(Date.now() + hourMs)

async function withLockedBucket(check: (client: S3Client) => Promise<void>): Promise<void> {
  await withFrontEnd({}, ({ url }) =>
    withClient(url, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
      await check(client)
    }),
  )
}

test('a version under retention or legal hold is not removed, and a plain delete hides it', async () => {
  await withLockedBucket(async (client) => {
    const { VersionId } = await client.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: 'x',
        ObjectLockMode: 'GOVERNANCE',
        ObjectLockRetainUntilDate: inAnHour(),
        ObjectLockLegalHoldStatus: 'ON',
      }),
    )
    const remove = (BypassGovernanceRetention: boolean) =>
      client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention }))
    assert.is((await client.send(new DeleteObjectCommand({ Bucket, Key }))).DeleteMarker, true)
    assert.is((await refusal(remove(false))).name, 'AccessDenied')
    assert.is((await refusal(remove(true))).name, 'AccessDenied')
    await client.send(new PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold: { Status: 'OFF' } }))
    assert.is((await refusal(remove(false))).name, 'AccessDenied')
    await remove(true)
  })
})

test('only who may bypass governance does', async () => {
  const allow = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
  const deny = { Effect: 'Deny', Action: 's3:BypassGovernanceRetention', Resource: '*' }
  const limited = { ...alice, policy: { Statement: [allow, deny] } }
  await withFrontEnd({ users: [limited] }, ({ url }) =>
    withClient(
      url,
      async (client) => {
        await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
        const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: inAnHour() } as const
        const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...lock }))
        const remove = new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention: true })
        assert.is((await refusal(client.send(remove))).name, 'AccessDenied')
      },
      { by: limited },
    ),
  )
})

test('a default retention holds for new versions, also for copies, and is shown by HEAD', async () => {
  await withLockedBucket(async (client) => {
    const ObjectLockConfiguration = {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } },
    } as const
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
    const answer = await client.send(new GetObjectLockConfigurationCommand({ Bucket }))
    assert.equal(answer.ObjectLockConfiguration, ObjectLockConfiguration)
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` }))
    for (const name of [Key, 'copy']) {
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: name }))
      assert.is(head.ObjectLockMode, 'COMPLIANCE')
      const { VersionId } = head
      const remove = new DeleteObjectCommand({
        Bucket,
        Key: name,
        VersionId,
        BypassGovernanceRetention: true,
      })
      assert.is((await refusal(client.send(remove))).name, 'AccessDenied')
    }
  })
})

test('a default retention counts for an upload as it is when the upload is completed, unless it asked for another', async () => {
  await withLockedBucket(async (client) => {
    const setDefault = (Days: number) =>
      client.send(
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: {
            ObjectLockEnabled: 'Enabled',
            Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days } },
          },
        }),
      )
    const begin = async (name: string, more: Partial<CreateMultipartUploadCommandInput> = {}) => {
      const target = { Bucket, Key: name }
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, ...more }))
      const part = { ...target, UploadId, PartNumber: 1 }
      const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'x' }))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      return () => client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
    }
    const until = inAnHour()
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const
    const uploads = [await begin('before'), await begin('asked', lock)]
    await setDefault(1)
    uploads.push(await begin('with'))
    await setDefault(3)
    for (const complete of uploads) await complete()
    const dayMs = 24 * hourMs
    for (const name of ['before', 'with']) {
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: name }))
      assert.is(head.ObjectLockMode, 'COMPLIANCE', name)
      assert.ok(Number(head.ObjectLockRetainUntilDate) > Date.now() + 2 * dayMs, name)
    }
    const asked = await client.send(new HeadObjectCommand({ Bucket, Key: 'asked' }))
    assert.equal([asked.ObjectLockMode, asked.ObjectLockRetainUntilDate], ['GOVERNANCE', until])
  })
})

test('a compliance retention becomes longer and never weaker', async () => {
  await withLockedBucket(async (client) => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const until = inAnHour()
    const retain = (Mode: 'GOVERNANCE' | 'COMPLIANCE', RetainUntilDate: Date) =>
      client.send(
        new PutObjectRetentionCommand({
          Bucket,
          Key,
          Retention: { Mode, RetainUntilDate },
          BypassGovernanceRetention: true,
        }),
      )
    await retain('COMPLIANCE', until)
    const later = new Date(until.getTime() + hourMs)
    assert.is((await refusal(retain('COMPLIANCE', new Date(until.getTime() - 1000)))).name, 'AccessDenied')
    assert.is((await refusal(retain('GOVERNANCE', later))).name, 'AccessDenied')
    await retain('COMPLIANCE', later)
    const { Retention } = await client.send(new GetObjectRetentionCommand({ Bucket, Key }))
    assert.equal(Retention, { Mode: 'COMPLIANCE', RetainUntilDate: later })
  })
})

test('a bucket with object lock keeps versioning; one without takes no lock', async () => {
  await withLockedBucket(async (client) => {
    const VersioningConfiguration = { Status: 'Suspended' } as const
    const suspend = client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    assert.is((await refusal(suspend)).name, 'InvalidBucketState')
    await client.send(new CreateBucketCommand({ Bucket: 'plain' }))
    const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: inAnHour() } as const
    const put = client.send(new PutObjectCommand({ Bucket: 'plain', Key, Body: 'x', ...lock }))
    assert.is((await refusal(put)).name, 'InvalidRequest')
    const past = { ...lock, ObjectLockRetainUntilDate: new Date(Date.now() - hourMs) }
    const late = client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...past }))
    assert.is((await refusal(late)).name, 'InvalidArgument')
  })
})

test('a copy takes the tags of its source, or those of the request', async () => {
  await withLockedBucket(async (client) => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging: 'b=2&a=1%20%2B' }))
    const tagsAfter = async (more: { Tagging?: string; TaggingDirective?: 'COPY' | 'REPLACE' }) => {
      await client.send(
        new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}`, ...more }),
      )
      return (await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'copy' }))).TagSet
    }
    const source = [
      { Key: 'a', Value: '1 +' },
      { Key: 'b', Value: '2' },
    ]
    assert.equal(await tagsAfter({}), source)
    assert.equal(await tagsAfter({ Tagging: 'c=3', TaggingDirective: 'COPY' }), source)
    assert.equal(await tagsAfter({ Tagging: 'c=3', TaggingDirective: 'REPLACE' }), [{ Key: 'c', Value: '3' }])
    assert.equal(await tagsAfter({ TaggingDirective: 'REPLACE' }), [])
    assert.is((await client.send(new HeadObjectCommand({ Bucket, Key }))).TagCount, 2)
  })
})

test('tags beyond the limits are refused', async () => {
  await withLockedBucket(async (client) => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=v`).join('&')
    const put = (Tagging: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging }))
    await put(many(10))
    await put(`${'k'.repeat(128)}=${'v'.repeat(256)}`)
    for (const wrong of [
      many(11),
      'a=1&a=2',
      `${'k'.repeat(129)}=v`,
      `k=${'v'.repeat(257)}`,
      '=v',
      'k=%7B',
    ]) {
      assert.is((await refusal(put(wrong))).name, 'InvalidTag', wrong)
    }
  })
})

test('attributes are those asked for, of an encrypted object those of the plaintext', async () => {
  await withLockedBucket(async (client) => {
    for (const more of [{}, { ServerSideEncryption: 'AES256' }] as const) {
      const { VersionId } = await client.send(
        new PutObjectCommand({ Bucket, Key, Body: 'hello', ChecksumAlgorithm: 'CRC32', ...more }),
      )
      const answer = await client.send(
        new GetObjectAttributesCommand({
          Bucket,
          Key,
          ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
        }),
      )
      assert.equal(
        [answer.ETag, answer.Checksum, answer.ObjectParts, answer.ObjectSize, answer.VersionId],
        [
          '5d41402abc4b2a76b9719d911017c592',
          { ChecksumCRC32: 'NhCmhg==', ChecksumType: 'FULL_OBJECT' },
          undefined,
          5,
          VersionId,
        ],
      )
    }
    const wrong = new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['Nonsense' as 'ETag'] })
    assert.is((await refusal(client.send(wrong))).name, 'InvalidArgument')
  })
})

test.run()
