import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFrontEnd } from '../../support/front-end.ts'
import { refusal, withClient } from '../../support/s3-client.ts'

const test = suite('s3api/operations/uploads')

const Bucket = 'uploads'
const Key = 'key'
const customerKey = Buffer.alloc(32, 7)
const encryptions = {
  plain: {},
  'SSE-S3': { ServerSideEncryption: 'AES256' },
  'SSE-KMS': { ServerSideEncryption: 'aws:kms' },
  'SSE-C': {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: customerKey.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(customerKey).digest('base64'),
  },
} as const

type Encryption = (typeof encryptions)[keyof typeof encryptions]

async function withBucket(check: (client: S3Client) => Promise<void>): Promise<void> {
  await withFrontEnd({}, ({ url }) =>
    withClient(url, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket }))
      await check(client)
    }),
  )
}

/** What of an encryption belongs to requests after the first. */
function keyOf(encryption: Encryption) {
  return 'SSECustomerKey' in encryption ? encryption : {}
}

for (const [name, encryption] of Object.entries(encryptions)) {
  test(`a part that is sent again has the same ETag, ${name}`, async () => {
    await withBucket(async (client) => {
      const created = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...encryption }))
      const part = { Bucket, Key, UploadId: created.UploadId, PartNumber: 1, ...keyOf(encryption) }
      const send = (Body: string) => client.send(new UploadPartCommand({ ...part, Body }))
      const first = await send('the same')
      const second = await send('the same')
      assert.is(first.ETag, second.ETag)
      assert.is.not((await send('another')).ETag, first.ETag)
      await send('the same')
      const Parts = [{ PartNumber: 1, ETag: first.ETag }]
      const complete = new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId: created.UploadId,
        MultipartUpload: { Parts },
        ...keyOf(encryption),
      })
      const done = await client.send(complete)
      const again = await client.send(complete)
      assert.equal([again.ETag, again.ServerSideEncryption], [done.ETag, done.ServerSideEncryption])
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...keyOf(encryption) }))
      assert.is(await Body?.transformToString(), 'the same')
      const absent = client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2 }))
      assert.is((await refusal(absent)).name, 'InvalidPart')
    })
  })
}

test('an upload whose object is another one meanwhile cannot be completed again', async () => {
  await withBucket(async (client) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const sent = await client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'one' }),
    )
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: sent.ETag }] }
    const complete = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload })
    await client.send(complete)
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'one' }))
    assert.is((await refusal(client.send(complete))).name, 'NoSuchUpload')
  })
})

test('an upload that is not there is NoSuchUpload with a customer key too, whatever object there is', async () => {
  await withBucket(async (client) => {
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: 'e' }] }
    const complete = (key: string) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...{ Bucket, Key: key, UploadId: 'gone', MultipartUpload },
          ...encryptions['SSE-C'],
        }),
      )
    const otherKey = Buffer.alloc(32, 8)
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'one' }))
    await client.send(
      new PutObjectCommand({
        ...{ Bucket, Key: 'sealed', Body: 'one', SSECustomerAlgorithm: 'AES256' },
        SSECustomerKey: otherKey.toString('base64'),
        SSECustomerKeyMD5: createHash('md5').update(otherKey).digest('base64'),
      }),
    )
    for (const key of [Key, 'sealed', 'none'])
      assert.is((await refusal(complete(key))).name, 'NoSuchUpload', key)
  })
})

test('uploads of one key are listed as they were begun, in pages as well', async () => {
  await withBucket(async (client) => {
    const begun: (string | undefined)[] = []
    for (let count = 0; count < 6; count++) {
      begun.push((await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))).UploadId)
      await setTimeout(2)
    }
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
    assert.equal(
      Uploads.map(({ UploadId }) => UploadId),
      begun,
    )
    const marker = { KeyMarker: Key, UploadIdMarker: begun[2] }
    const after = await client.send(new ListMultipartUploadsCommand({ Bucket, ...marker }))
    assert.equal(
      after.Uploads?.map(({ UploadId }) => UploadId),
      begun.slice(3),
    )
  })
})

test('of a part that is named twice the later mention counts; parts out of order are refused', async () => {
  await withBucket(async (client) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const upload = { Bucket, Key, UploadId }
    const send = (PartNumber: number, size: number) =>
      client.send(new UploadPartCommand({ ...upload, PartNumber, Body: Buffer.alloc(size, PartNumber) }))
    const old = await send(1, 1)
    const one = await send(1, 5 * 1024 ** 2)
    const two = await send(2, 1)
    const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
      client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    const [first, second] = [
      { PartNumber: 1, ETag: one.ETag },
      { PartNumber: 2, ETag: two.ETag },
    ]
    assert.is((await refusal(complete([second, first]))).name, 'InvalidPartOrder')
    assert.is((await refusal(complete([{ ...first, ETag: old.ETag }, second]))).name, 'InvalidPart')
    await complete([{ ...first, ETag: old.ETag }, first, second])
    const head = await client.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 2 }))
    assert.equal([head.PartsCount, head.ContentLength], [2, 1])
  })
})

for (const ChecksumType of ['COMPOSITE', 'FULL_OBJECT'] as const) {
  test(`checksums of parts and of the whole are shown, ${ChecksumType}`, async () => {
    await withBucket(async (client) => {
      const algorithm = { ChecksumAlgorithm: 'CRC32', ChecksumType } as const
      const created = await client.send(
        new CreateMultipartUploadCommand({ Bucket, Key, ...algorithm, ServerSideEncryption: 'AES256' }),
      )
      const upload = { Bucket, Key, UploadId: created.UploadId }
      const Parts: CompletedPart[] = []
      for (const [PartNumber, size] of [
        [1, 5 * 1024 ** 2],
        [2, 3],
      ] as const) {
        const Body = Buffer.alloc(size, 'x')
        const sent = await client.send(
          new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }),
        )
        Parts.push({ PartNumber, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 })
      }
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      assert.equal([Uploads[0]?.ChecksumAlgorithm, Uploads[0]?.ChecksumType], ['CRC32', ChecksumType])
      const complete = (type: 'COMPOSITE' | 'FULL_OBJECT') =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...upload,
            ChecksumType: type,
            MultipartUpload: { Parts },
          }),
        )
      const other = ChecksumType === 'COMPOSITE' ? 'FULL_OBJECT' : 'COMPOSITE'
      assert.is((await refusal(complete(other))).name, 'InvalidRequest')
      const done = await complete(ChecksumType)
      assert.is(done.ChecksumType, ChecksumType)
      assert.is(done.ChecksumCRC32?.endsWith('-2'), ChecksumType === 'COMPOSITE')
      const part = await client.send(
        new HeadObjectCommand({ Bucket, Key, PartNumber: 2, ChecksumMode: 'ENABLED' }),
      )
      assert.equal([part.ChecksumCRC32, part.ChecksumType], [Parts[1]?.ChecksumCRC32, ChecksumType])
      const attributes = await client.send(
        new GetObjectAttributesCommand({
          Bucket,
          Key,
          ObjectAttributes: ['Checksum', 'ObjectParts'],
          MaxParts: 1,
          PartNumberMarker: '1',
        }),
      )
      assert.is(attributes.Checksum?.ChecksumCRC32, done.ChecksumCRC32)
      assert.equal(attributes.ObjectParts?.Parts, [
        { PartNumber: 2, Size: 3, ChecksumCRC32: Parts[1]?.ChecksumCRC32 },
      ])
      assert.is(attributes.ObjectParts?.TotalPartsCount, 2)
    })
  })
}

test('a write that wants to append is refused, and the object is as it was', async () => {
  await withBucket(async (client) => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc' }))
    const append = new PutObjectCommand({ Bucket, Key, Body: 'def', WriteOffsetBytes: 3 })
    assert.is((await refusal(client.send(append))).name, 'NotImplemented')
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
    assert.is(await Body?.transformToString(), 'abc')
  })
})

test('of many writers that each want to be the first, exactly one is', async () => {
  await withBucket(async (client) => {
    for (const encryption of [encryptions.plain, encryptions['SSE-S3']]) {
      const key = JSON.stringify(encryption)
      const put = (Body: string) =>
        client.send(new PutObjectCommand({ Bucket, Key: key, Body, IfNoneMatch: '*', ...encryption }))
      const outcomes = await Promise.allSettled(Array.from({ length: 16 }, (_, index) => put(`${index}`)))
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []))
      assert.is(winners.length, 1)
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }))
      assert.is(await Body?.transformToString(), `${winners[0]}`)
    }
  })
})

test('of many writers that replace the same ETag, exactly one does', async () => {
  await withBucket(async (client) => {
    const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'start' }))
    const put = (Body: string) => client.send(new PutObjectCommand({ Bucket, Key, Body, IfMatch: ETag }))
    const outcomes = await Promise.allSettled(Array.from({ length: 16 }, (_, index) => put(`${index}`)))
    assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })
})

test.run()
