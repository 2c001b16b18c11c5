import { createHash } from 'node:crypto'
import {
  CopyObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withGateway } from '../support/gateway-front-end.ts'
import { nextSecond } from '../support/soon.ts'

const test = suite('gateway/listed-times')
const Bucket = 'bucket'
const object = { Bucket, Key: 'key', Body: 'the same bytes' }

function customerKeyOf(key: Buffer) {
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
}

test('a plain object that is written again as it was is listed with its new time and storage class', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const listed = async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
      return Contents.map(({ LastModified, StorageClass }) => [LastModified, StorageClass])
    }
    // Past the gateway, as another front-end would do it.
    await store.client.send(new PutObjectCommand(object))
    const before = await listed()
    await nextSecond()
    await store.client.send(new PutObjectCommand({ ...object, StorageClass: 'STANDARD_IA' }))
    const after = await listed()
    assert.not.equal(after, before)
    const { LastModified } = await store.client.send(new HeadObjectCommand({ Bucket, Key: 'key' }))
    assert.equal(after, [[LastModified, 'STANDARD_IA']])
  }))

test('an object that becomes another of the same bytes within a second is listed as what it is', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const listed = async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
      return Contents.map(({ ETag, StorageClass }) => [ETag, StorageClass])
    }
    await nextSecond()
    await store.client.send(new PutObjectCommand(object))
    await listed()
    await store.client.send(new PutObjectCommand({ ...object, StorageClass: 'STANDARD_IA' }))
    assert.is((await listed())[0]?.[1], 'STANDARD_IA')

    const customer = customerKeyOf(Buffer.alloc(32, 7))
    await nextSecond()
    await client.send(new PutObjectCommand({ ...object, ...customer }))
    await listed()
    const copied = await client.send(
      new CopyObjectCommand({
        ...{ Bucket, Key: 'key', CopySource: `${Bucket}/key`, ServerSideEncryption: 'AES256' },
        CopySourceSSECustomerAlgorithm: customer.SSECustomerAlgorithm,
        CopySourceSSECustomerKey: customer.SSECustomerKey,
        CopySourceSSECustomerKeyMD5: customer.SSECustomerKeyMD5,
      }),
    )
    assert.equal(await listed(), [[copied.CopyObjectResult?.ETag, 'STANDARD']])
  }))

test('versions of the same bytes are listed each with its own time and storage class', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    for (const StorageClass of ['STANDARD', 'STANDARD_IA', 'GLACIER'] as const) {
      await store.client.send(new PutObjectCommand({ ...object, StorageClass }))
    }
    const list = async () => {
      await store.served()
      const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
      const classes = Versions.map((version) => version.StorageClass)
      assert.equal(classes, ['GLACIER', 'STANDARD_IA', 'STANDARD'])
      return (await store.served()).filter(({ key }) => key === 'key').length
    }
    // Each is looked up once.
    assert.equal([await list(), await list()], [3, 0])
  }))

test.run()
