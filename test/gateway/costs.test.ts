import { randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { type ServedFrontEnd, serveGateway, withGateway } from '../support/gateway-front-end.ts'
import { nextSecond } from '../support/soon.ts'

const test = suite('gateway/costs')
const Bucket = 'bucket'
const systemBucket = 'sealgate-system'
const encrypted = { ServerSideEncryption: 'AES256' } as const

/** What the store was asked on the objects of the bucket, not on buckets and settings, which are remembered for a moment. */
async function asked(store: ServedFrontEnd, work: () => Promise<unknown>): Promise<string[]> {
  await store.served()
  await work()
  const requests = await store.served()
  return requests
    .filter(({ bucket, key, operation }) => bucket === Bucket && (key !== '' || operation.startsWith('List')))
    .map(({ operation }) => operation)
}

async function read(client: S3Client, Key: string, Range?: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range && { Range }) }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

test('PUT, HEAD and small GET cost one request, a range of a large object two', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const [small, large] = [randomBytes(1000), randomBytes(2_000_000)]
    for (const [Key, Body] of [
      ['small', small],
      ['large', large],
    ] as const) {
      const put = () => client.send(new PutObjectCommand({ Bucket, Key, Body, ...encrypted }))
      assert.equal(await asked(store, put), ['PutObject'])
      const head = () => client.send(new HeadObjectCommand({ Bucket, Key }))
      assert.equal(await asked(store, head), ['GetObject'])
    }
    assert.equal(await asked(store, () => read(client, 'small')), ['GetObject'])
    assert.equal(await asked(store, () => read(client, 'small', 'bytes=1-5')), ['GetObject'])
    const range = () => read(client, 'large', 'bytes=1000000-1000010')
    assert.equal(await asked(store, range), ['GetObject', 'GetObject'])
    assert.ok((await range()).equals(large.subarray(1_000_000, 1_000_011)))
  }))

test('a cold listing looks up each object once, a warm one none, and all sizes and ETags are right', () =>
  withGateway(Bucket, async ({ store, gateway }) => {
    const control = await startTestControl()
    const other = await serveGateway(store.url, { keys: control.keys })
    try {
      const etags = new Map<string | undefined, string | undefined>()
      for (let index = 0; index < 12; index++) {
        const put = { Bucket, Key: `${index % 3}/${index}`, Body: randomBytes(index * 10_000) }
        const { ETag } = await gateway.client.send(new PutObjectCommand({ ...put, ...encrypted }))
        etags.set(put.Key, ETag)
      }
      const list = async () => {
        const { Contents = [] } = await other.client.send(new ListObjectsV2Command({ Bucket }))
        assert.is(Contents.length, 12)
        for (const { Key, Size, ETag } of Contents) {
          assert.is(Size, Number(Key?.split('/')[1]) * 10_000)
          assert.is(ETag, etags.get(Key))
        }
      }
      // What was written within the second is looked up once more.
      await nextSecond()
      assert.is((await asked(store, list)).length, 13)
      assert.equal(await asked(store, list), ['ListObjectsV2'])
    } finally {
      await other.close()
      await control.close()
    }
  }))

test('copies, renames and changes of metadata move no bytes of the object through the gateway', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const Body = randomBytes(6_000_000)
    const moved = async (work: () => Promise<unknown>) => {
      await store.served()
      await work()
      const requests = await store.served()
      assert.ok(requests.some(({ operation }) => /^(CopyObject|UploadPartCopy)$/.test(operation)))
      return requests.reduce((sum, { sent }) => sum + sent, 0)
    }
    await client.send(new PutObjectCommand({ Bucket, Key: 'key', Body, ...encrypted }))
    const copy = { Bucket, CopySource: `${Bucket}/key`, ...encrypted }
    const long = { MetadataDirective: 'REPLACE', Metadata: { long: 'x'.repeat(1500) } } as const
    for (const [Key, changes] of [
      ['copied/key', {}],
      ['key', { MetadataDirective: 'REPLACE', Metadata: { color: 'blue' } }],
      ['copied/long', long],
    ] as const) {
      const sent = await moved(() => client.send(new CopyObjectCommand({ ...copy, Key, ...changes })))
      assert.ok(sent < 100_000, `${Key}: ${sent} bytes came from the store`)
      assert.ok((await read(client, Key)).equals(Body), Key)
    }
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key: 'copied/long' }))
    assert.equal(Metadata, long.Metadata)
    // A copy of a copy, whose record stands in its metadata.
    await client.send(new CopyObjectCommand({ ...copy, CopySource: `${Bucket}/copied/key`, Key: 'again' }))
    assert.ok((await read(client, 'again')).equals(Body))
    // Small, and with a record that fits nowhere but behind the bytes.
    await client.send(new PutObjectCommand({ Bucket, Key: 'small', Body: 'small', ...encrypted }))
    await client.send(
      new CopyObjectCommand({ ...copy, CopySource: `${Bucket}/small`, Key: 'small-long', ...long }),
    )
    assert.is(String(await read(client, 'small-long')), 'small')
  }))

test('a multipart upload is one object of the store with nothing beside it, whatever its last part and its order', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const part = 5 * 1024 * 1024
    for (const last of [1, part]) {
      const bodies = [randomBytes(part), randomBytes(part + 1), randomBytes(last)]
      const upload = { Bucket, Key: `parts/${last}` }
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...upload, ...encrypted }))
      const Parts: { PartNumber: number; ETag: string | undefined }[] = []
      for (const [index, Body] of [...bodies.entries()].reverse()) {
        const PartNumber = index === 2 ? 10_000 : index * 7 + 1
        const { ETag } = await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber, Body }))
        Parts.push({ PartNumber, ETag })
      }
      Parts.sort((a, b) => a.PartNumber - b.PartNumber)
      await client.send(
        new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }),
      )
      assert.ok((await read(client, upload.Key)).equals(Buffer.concat(bodies)), `last part of ${last}`)
      const across = await read(client, upload.Key, `bytes=${part - 3}-${2 * part + 3}`)
      assert.ok(across.equals(Buffer.concat(bodies).subarray(part - 3, 2 * part + 4)))
      const requests = await asked(store, () => read(client, upload.Key, `bytes=${part - 3}-${part + 3}`))
      assert.equal(requests, ['GetObject', 'GetObject'])
    }
    const { Contents = [] } = await store.client.send(new ListObjectsV2Command({ Bucket }))
    assert.is(Contents.length, 2)
  }))

test('plain objects are read through as they are, and ours without its marker is an error', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const metadata = { Metadata: { color: 'blue' }, ContentType: 'text/css' }
    await store.client.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'as it is', ...metadata }))
    const plain = await client.send(new GetObjectCommand({ Bucket, Key: 'plain' }))
    assert.is(await plain.Body?.transformToString(), 'as it is')
    assert.equal([plain.Metadata, plain.ContentType], [metadata.Metadata, metadata.ContentType])
    assert.is(plain.ServerSideEncryption, undefined)
    await store.client.send(new PutObjectCommand({ Bucket, Key: 'empty/', Body: '' }))
    assert.is((await client.send(new HeadObjectCommand({ Bucket, Key: 'empty/' }))).ContentLength, 0)
    await client.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: 'secret', ...encrypted }))
    const copy = {
      Bucket,
      Key: 'sealed',
      CopySource: `${Bucket}/sealed`,
      MetadataDirective: 'REPLACE',
    } as const
    await store.client.send(new CopyObjectCommand(copy))
    const error = await read(client, 'sealed').catch((thrown: Error) => thrown.name)
    assert.is(error, 'XMinioObjectTampered')
  }))

test('the system bucket cannot be seen or reached', () =>
  withGateway(Bucket, async ({ store, gateway: { client } }) => {
    const shown = await client.send(new ListBucketsCommand({}))
    assert.equal(
      shown.Buckets?.map(({ Name }) => Name),
      [Bucket],
    )
    const { Contents = [] } = await store.client.send(new ListObjectsV2Command({ Bucket: systemBucket }))
    const Key = Contents[0]?.Key ?? ''
    assert.ok(Key !== '')
    await client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))
    const system = { Bucket: systemBucket, Key }
    const attempts = await Promise.allSettled([
      client.send(new GetObjectCommand(system)),
      client.send(new PutObjectCommand({ ...system, Body: 'x' })),
      client.send(new DeleteObjectCommand(system)),
      client.send(new ListObjectsV2Command({ Bucket: systemBucket })),
      client.send(new CreateMultipartUploadCommand(system)),
      client.send(new CopyObjectCommand({ ...system, CopySource: `${Bucket}/key` })),
      client.send(new CopyObjectCommand({ Bucket, Key: 'stolen', CopySource: `${systemBucket}/${Key}` })),
    ])
    for (const attempt of attempts) {
      const name = attempt.status === 'rejected' ? attempt.reason.name : 'done'
      assert.is(name, 'NoSuchBucket')
    }
  }))

test.run()
