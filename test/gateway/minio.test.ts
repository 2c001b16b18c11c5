import { createHash } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KeyService } from '../../control/client.ts'
import { startTestControl } from '../support/control.ts'
import { type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { readVectors } from '../support/vectors.ts'

const test = suite('gateway/minio')

interface Vector {
  readonly kind: 'fs' | 'gateway' | 'gateway-multipart'
  readonly bucket: string
  readonly object: string
  readonly fsJson?: { readonly meta: Readonly<Record<string, string>> }
  readonly dareMetaRaw?: string
  readonly dataHex: string
  readonly clientETag?: string
}

const vectors = readVectors<readonly Vector[]>('minio-objects')
const plaintext = 'hello minio sse\n'
const key = Uint8Array.from({ length: 32 }, (_, index) => index)
const customer = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: Buffer.from(key).toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
}

/** A file system's vector as the gateway would have stored it: the formats differ in where things stand only. */
function dareMetaOf({ fsJson, dareMetaRaw, dataHex }: Vector): string {
  if (fsJson === undefined) return dareMetaRaw ?? ''
  const { etag, ...meta } = fsJson.meta
  const stat = { size: dataHex.length / 2, modTime: '2026-11-23T21:09:00.468537376Z' }
  return JSON.stringify({ version: '1.0.0', format: 'gw', stat, etag, meta })
}

async function withMinioStore(
  work: (sites: {
    readonly store: ServedFrontEnd
    readonly keys: KeyService
    readonly gateway: ServedFrontEnd
  }) => Promise<void>,
): Promise<void> {
  await withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    for (const Bucket of ['vec', 'vecg']) await store.client.send(new CreateBucketCommand({ Bucket }))
    for (const vector of vectors) {
      const { bucket: Bucket, object } = vector
      const put = (name: string, Body: string | Buffer) =>
        store.client.send(new PutObjectCommand({ Bucket, Key: `${object}/.minio/${name}`, Body }))
      await put('data', Buffer.from(vector.dataHex, 'hex'))
      await put('dare.meta', dareMetaOf(vector))
    }
    await work({
      store,
      keys,
      gateway: keep(await serveGateway(store.url, { keys, config: { readMinio: true } })),
    })
  })
}

async function read(client: S3Client, input: GetObjectCommandInput) {
  const answer = await client.send(new GetObjectCommand(input))
  return { ...answer, text: (await answer.Body?.transformToString()) ?? '' }
}

const nameOf = ({ bucket, object }: Vector) => ({
  Bucket: bucket,
  Key: object,
  ...(object === 'c.txt' && customer),
})

test('all objects that MinIO has written are read, whole and in ranges, with the ETag that it showed', () =>
  withMinioStore(async ({ gateway: { client } }) => {
    for (const vector of vectors) {
      const whole = await read(client, nameOf(vector))
      assert.is(whole.text, plaintext, vector.object)
      if (vector.clientETag !== undefined) assert.is(whole.ETag, vector.clientETag, vector.object)
      const part = await read(client, { ...nameOf(vector), Range: 'bytes=6-10' })
      assert.is(part.text, 'minio', vector.object)
      const head = await client.send(new HeadObjectCommand(nameOf(vector)))
      assert.is(head.ContentLength, plaintext.length)
      assert.is(head.ETag, whole.ETag)
      assert.is(head.ServerSideEncryption, vector.object === 'c.txt' ? undefined : 'AES256')
    }
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: 'vecg', Key: 'dir/s3.txt' }))
    assert.equal(Metadata, { color: 'blue' })
  }))

test('they are listed beside ours, in order, with plaintext sizes, and MinIO’s own names are hidden', () =>
  withMinioStore(async ({ gateway: { client } }) => {
    for (const Key of ['dir/s3.txt-x', 'dir/own', 'z']) {
      await client.send(
        new PutObjectCommand({ Bucket: 'vecg', Key, Body: 'x', ServerSideEncryption: 'AES256' }),
      )
    }
    const list = async (input: object) => client.send(new ListObjectsV2Command({ Bucket: 'vecg', ...input }))
    const { Contents = [] } = await list({})
    assert.equal(
      Contents.map(({ Key, Size }) => [Key, Size]),
      [
        ['dir/own', 1],
        ['dir/s3.txt', 16],
        ['dir/s3.txt-x', 1],
        ['mp.bin', 16],
        ['z', 1],
      ],
    )
    const folded = await list({ Delimiter: '/', MaxKeys: 2 })
    assert.equal(
      folded.CommonPrefixes?.map(({ Prefix }) => Prefix),
      ['dir/'],
    )
    assert.equal(
      folded.Contents?.map(({ Key }) => Key),
      ['mp.bin'],
    )
    assert.is(folded.IsTruncated, true)
    const below = await list({ Prefix: 'dir/s3', Delimiter: '/' })
    assert.equal(
      below.Contents?.map(({ Key }) => Key),
      ['dir/s3.txt', 'dir/s3.txt-x'],
    )
  }))

/** Written by MinIO RELEASE.2022-05-26T05-48-41Z for the key `folder/`, with `x-amz-server-side-encryption: AES256` and five bytes. */
const folder = {
  data: 'aside',
  dareMeta:
    '{"version":"1.0.0","format":"gw","stat":{"size":5,"modTime":"2022-05-27T00:37:22.936006183Z","name":"","dir":false,"mode":0},"etag":"96e24e324a8817f7a45cf86bacf2ece7","meta":{"content-type":"binary/octet-stream","x-amz-storage-class":"REDUCED_REDUNDANCY"}}',
}

test('what MinIO has kept beside its document without a seal, a key with a slash behind, is read as it showed it', () =>
  withMinioStore(async ({ store, gateway: { client } }) => {
    const put = (name: string, Body: string) =>
      store.client.send(new PutObjectCommand({ Bucket: 'vecg', Key: `folder/.minio/${name}`, Body }))
    await put('data', folder.data)
    await put('dare.meta', folder.dareMeta)
    for (const Key of ['folder/', 'folder']) {
      const whole = await read(client, { Bucket: 'vecg', Key })
      assert.is(whole.text, folder.data)
      assert.is(whole.ETag, '"96e24e324a8817f7a45cf86bacf2ece7"')
      assert.is(whole.ContentType, 'binary/octet-stream')
      assert.is(whole.StorageClass, 'REDUCED_REDUNDANCY')
      assert.is(whole.ServerSideEncryption, undefined)
      assert.is((await read(client, { Bucket: 'vecg', Key, Range: 'bytes=1-3' })).text, 'sid')
      const head = await client.send(new HeadObjectCommand({ Bucket: 'vecg', Key }))
      assert.is(head.ContentLength, folder.data.length)
      // Where all has to be encrypted, what is older is read: so the time is the store's, not one that the document tells.
      const data = await store.client.send(
        new HeadObjectCommand({ Bucket: 'vecg', Key: 'folder/.minio/data' }),
      )
      assert.equal(head.LastModified, data.LastModified)
    }
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'vecg', Prefix: 'folder' }))
    assert.equal(
      Contents?.map(({ Key, Size, ETag, StorageClass }) => [Key, Size, ETag, StorageClass]),
      [['folder', 5, '"96e24e324a8817f7a45cf86bacf2ece7"', 'REDUCED_REDUNDANCY']],
    )
    const target = { Bucket: 'vecg', Key: 'folder/', CopySource: 'vecg/folder/' }
    await client.send(new CopyObjectCommand({ ...target, ServerSideEncryption: 'AES256' }))
    const copy = await read(client, { Bucket: 'vecg', Key: 'folder/' })
    assert.is(copy.text, folder.data)
    assert.is(copy.ServerSideEncryption, 'AES256')
    await put('data', '')
    const cut = await read(client, { Bucket: 'vecg', Key: 'folder' }).catch((error: Error) => error.name)
    assert.is(cut, 'XMinioObjectTampered')
  }))

test('nobody reaches into them, and nobody removes them', () =>
  withMinioStore(async ({ gateway: { client } }) => {
    const name = { Bucket: 'vecg', Key: 'mp.bin/.minio/data' }
    const refused = async (command: Promise<unknown>) =>
      command.then(
        () => 'done',
        (error: Error) => error.name,
      )
    assert.is(await refused(client.send(new GetObjectCommand(name))), 'NoSuchKey')
    assert.is(await refused(client.send(new PutObjectCommand({ ...name, Body: 'x' }))), 'AccessDenied')
    const deletion = client.send(new DeleteObjectCommand({ Bucket: 'vecg', Key: 'mp.bin' }))
    assert.is(await refused(deletion), 'MethodNotAllowed')
    assert.is((await read(client, { Bucket: 'vecg', Key: 'mp.bin' })).text, plaintext)
  }))

test('a copy makes one of ours of them, and what is ours counts', () =>
  withMinioStore(async ({ store, gateway: { client } }) => {
    for (const Key of ['mp.bin', 'dir/s3.txt']) {
      await store.served()
      await client.send(
        new CopyObjectCommand({
          Bucket: 'vecg',
          Key: `copied/${Key}`,
          CopySource: `vecg/${Key}`,
          ServerSideEncryption: 'AES256',
        }),
      )
      const operations = (await store.served()).map(({ operation }) => operation)
      assert.ok(operations.includes('CopyObject'), operations.join())
      assert.not.ok(operations.includes('PutObject') && operations.includes('CompleteMultipartUpload'))
      assert.is((await read(client, { Bucket: 'vecg', Key: `copied/${Key}` })).text, plaintext)
    }
    await client.send(new PutObjectCommand({ Bucket: 'vecg', Key: 'mp.bin', Body: 'ours' }))
    assert.is((await read(client, { Bucket: 'vecg', Key: 'mp.bin' })).text, 'ours')
  }))

test('what was cut, or says another size than it has, is an error', () =>
  withMinioStore(async ({ store, gateway: { client } }) => {
    const data = Buffer.from(vectors.find(({ object }) => object === 'dir/s3.txt')?.dataHex ?? '', 'hex')
    for (const Body of [data.subarray(0, -1), Buffer.alloc(0), Buffer.concat([data, Buffer.from('x')])]) {
      await store.client.send(new PutObjectCommand({ Bucket: 'vecg', Key: 'dir/s3.txt/.minio/data', Body }))
      const error = await read(client, { Bucket: 'vecg', Key: 'dir/s3.txt' }).catch(
        (thrown: Error) => thrown.name,
      )
      assert.is(error, 'XMinioObjectTampered')
    }
  }))

test('one that cannot be looked up hides no other in a list', () =>
  withMinioStore(async ({ store, keys, gateway: { client } }) => {
    await withKept(async (keep) => {
      const double = keep(
        await serveGateway(store.url, { keys, config: { readMinio: true, double: { s3: false, c: true } } }),
      )
      await double.client.send(
        new PutObjectCommand({ Bucket: 'vecg', Key: 'dir/own', Body: 'x', ...customer }),
      )
      const meta = { Bucket: 'vecg', Key: 'mp.bin/.minio/dare.meta' }
      await store.client.send(new PutObjectCommand({ ...meta, Body: 'no document' }))
      for (const listing of [client, double.client]) {
        const { Contents = [] } = await listing.send(new ListObjectsV2Command({ Bucket: 'vecg' }))
        assert.equal(
          Contents.map(({ Key }) => Key),
          ['dir/own', 'dir/s3.txt', 'mp.bin'],
        )
        const stored = await store.client.send(
          new ListObjectsV2Command({ Bucket: 'vecg', Prefix: 'dir/own' }),
        )
        assert.is(Contents[0]?.ETag, stored.Contents?.[0]?.ETag)
        assert.is(Contents[1]?.Size, plaintext.length)
      }
    })
  }))

test.run()
