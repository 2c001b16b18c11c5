import { createHash, randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { deriveUpstreamKey } from '../../s3api/backends/gateway/double-encryption.ts'
import { toHex } from '../../s3api/text.ts'
import { startTestControl } from '../support/control.ts'
import { type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'

const test = suite('gateway/modes')

const customerKey = Uint8Array.from({ length: 32 }, (_, index) => index)

interface Sites {
  readonly store: ServedFrontEnd
  readonly passThrough: ServedFrontEnd
  readonly single: ServedFrontEnd
  readonly double: ServedFrontEnd
}

/** One store that can encrypt itself, and three gateways before it. */
function withSites(work: (sites: Sites) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore(keys))
    const passThrough = keep(await serveGateway(store.url, { config: { systemBucket: 'none.system' } }))
    const single = keep(await serveGateway(store.url, { keys, config: { systemBucket: 'single.system' } }))
    const double = keep(
      await serveGateway(store.url, {
        keys,
        config: { systemBucket: 'double.system', double: { s3: true, c: true } },
      }),
    )
    await work({ store, passThrough, single, double })
  })
}

function customerHeaders(key: Uint8Array) {
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: Buffer.from(key).toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
}

async function read(client: S3Client, input: GetObjectCommandInput): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand(input))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

const marker = 'a marker that no ciphertext contains'
const bodies = [Buffer.from(marker), Buffer.concat([randomBytes(300_000), Buffer.from(marker)])]

test('the derived key is the one that MinIO derives', () => {
  const derived = deriveUpstreamKey(customerKey, { bucket: 'bucket', key: 'object' })
  assert.is(toHex(derived), 'bd646a27adf59cf5841c9c1c1e60dccadcf75fab92414495a29844c744f31b64')
})

test('SSE-S3: the store holds plaintext that it encrypts, ciphertext, and ciphertext that it encrypts', () =>
  withSites(async ({ store, passThrough, single, double }) => {
    const expected = [
      ['pass-through', passThrough, { plaintext: true, sse: 'AES256' }],
      ['single', single, { plaintext: false, sse: undefined }],
      ['double', double, { plaintext: false, sse: 'AES256' }],
    ] as const
    for (const [Bucket, { client }, { plaintext, sse }] of expected) {
      await client.send(new CreateBucketCommand({ Bucket }))
      for (const [index, Body] of bodies.entries()) {
        const name = { Bucket, Key: `dir/${index}` }
        const put = await client.send(new PutObjectCommand({ ...name, Body, ServerSideEncryption: 'AES256' }))
        assert.is(put.ServerSideEncryption, 'AES256', Bucket)
        assert.is(put.ETag, `"${createHash('md5').update(Body).digest('hex')}"`, Bucket)
        const head = await client.send(new HeadObjectCommand(name))
        assert.is(head.ServerSideEncryption, 'AES256', Bucket)
        assert.is(head.ContentLength, Body.length, Bucket)
        assert.is(head.ETag, put.ETag, Bucket)
        assert.ok((await read(client, name)).equals(Body), Bucket)
        const direct = await read(store.client, name)
        assert.is(direct.includes(marker), plaintext, Bucket)
        const directHead = await store.client.send(new HeadObjectCommand(name))
        assert.is(directHead.ServerSideEncryption, sse, Bucket)
      }
    }
  }))

test('SSE-C: the store gets the client’s key, no key, and a derived key', () =>
  withSites(async ({ store, passThrough, single, double }) => {
    const own = customerHeaders(customerKey)
    const expected = [
      ['pass-through', passThrough, (_key: string) => own],
      ['single', single, () => ({})],
      [
        'double',
        double,
        (key: string) => customerHeaders(deriveUpstreamKey(customerKey, { bucket: 'double', key })),
      ],
    ] as const
    for (const [Bucket, { client }, atStore] of expected) {
      await client.send(new CreateBucketCommand({ Bucket }))
      for (const [index, Body] of bodies.entries()) {
        const name = { Bucket, Key: `dir/${index}` }
        await client.send(new PutObjectCommand({ ...name, ...own, Body }))
        assert.ok((await read(client, { ...name, ...own })).equals(Body), Bucket)
        const range = await read(client, { ...name, ...own, Range: 'bytes=2-5' })
        assert.ok(range.equals(Body.subarray(2, 6)), Bucket)
        const wrong = await read(client, { ...name, ...customerHeaders(new Uint8Array(32)) }).catch(
          (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode,
        )
        assert.ok(wrong === 400 || wrong === 403, `${Bucket}: ${wrong}`)
        const without = await read(client, name).catch(
          (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode,
        )
        assert.is(without, 400, Bucket)
        const direct = await read(store.client, { ...name, ...atStore(name.Key) })
        assert.is(direct.includes(marker), Bucket === 'pass-through', Bucket)
      }
    }
  }))

test('what is stored in another mode is read in this one', () =>
  withSites(async ({ single, double }) => {
    const own = customerHeaders(customerKey)
    await single.client.send(new CreateBucketCommand({ Bucket: 'shared' }))
    const name = (key: string) => ({ Bucket: 'shared', Key: key })
    await single.client.send(new PutObjectCommand({ ...name('single'), ...own, Body: marker }))
    await double.client.send(new PutObjectCommand({ ...name('double'), ...own, Body: marker }))
    for (const key of ['single', 'double']) {
      for (const { client } of [single, double]) {
        assert.is(String(await read(client, { ...name(key), ...own })), marker)
      }
    }
  }))

test('who has an SSE-C object from a list that could not look it up can ask for it by the ETag shown there', () =>
  withSites(async ({ store, double }) => {
    const own = customerHeaders(customerKey)
    const name = { Bucket: 'double', Key: 'key' }
    await double.client.send(new CreateBucketCommand({ Bucket: name.Bucket }))
    const { ETag: IfMatch } = await double.client.send(
      new PutObjectCommand({ ...name, ...own, Body: marker }),
    )
    const listed = async ({ client }: ServedFrontEnd) =>
      (await client.send(new ListObjectsV2Command({ Bucket: name.Bucket }))).Contents?.[0]?.ETag
    const shown = await listed(double)
    assert.is(shown, await listed(store))
    assert.is.not(shown, IfMatch)
    for (const etag of [IfMatch, shown]) {
      assert.is(String(await read(double.client, { ...name, ...own, IfMatch: etag })), marker)
    }
    const copy = { Bucket: name.Bucket, Key: 'copy', CopySource: 'double/key', CopySourceIfMatch: shown }
    const sourceKey = {
      CopySourceSSECustomerAlgorithm: own.SSECustomerAlgorithm,
      CopySourceSSECustomerKey: own.SSECustomerKey,
      CopySourceSSECustomerKeyMD5: own.SSECustomerKeyMD5,
    }
    await double.client.send(new CopyObjectCommand({ ...copy, ...sourceKey }))
    await double.client.send(new PutObjectCommand({ ...name, ...own, Body: 'another' }))
    for (const etag of [IfMatch, shown]) {
      const status = await read(double.client, { ...name, ...own, IfMatch: etag }).catch(
        (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode,
      )
      assert.is(status, 412)
    }
  }))

test.run()
