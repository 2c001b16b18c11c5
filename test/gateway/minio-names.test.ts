import type { IncomingHttpHeaders } from 'node:http'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { startStoreRelay } from '../support/store-relay.ts'
import { readVectors } from '../support/vectors.ts'

/** What MinIO's gateway has stored under other names than its other objects. */

const test = suite('gateway/minio-names')
const Bucket = 'vecg'
const plaintext = 'hello minio sse\n'

/** Written by MinIO RELEASE.2021-04-06T23-11-00Z of a form (POST) with `x-amz-server-side-encryption: AES256`. */
const [form] =
  readVectors<
    readonly {
      readonly object: string
      readonly contentType: string
      readonly metadata: Readonly<Record<string, string>>
      readonly dataHex: string
    }[]
  >('minio-forms')

interface Vector {
  readonly object: string
  readonly dareMetaRaw?: string
  readonly dataHex: string
}
const sealed = readVectors<readonly Vector[]>('minio-objects').find(({ object }) => object === 'dir/s3.txt')

/** Nobody but MinIO could write metadata of its own names: a Sealgate keeps it under others, and the relay shows them. */
function asTaken(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name.replace('x-minio-internal-', 'taken-'), value]),
  )
}

function asMinioNames(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace('x-amz-meta-taken-', 'x-amz-meta-x-minio-internal-'),
      value,
    ]),
  )
}

/** A store in which both lie, which refuses names as MinIO does, and a gateway that reads them. */
function withObjects(work: (client: S3Client, store: S3Client) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const relay = keep(await startStoreRelay(store.url, { show: asMinioNames }))
    relay.set(({ url = '' }) =>
      url.includes('//') ? { status: 400, code: 'XMinioInvalidObjectName' } : undefined,
    )
    await store.client.send(new CreateBucketCommand({ Bucket }))
    const put = (Key: string, Body: Buffer | string, more: object) =>
      store.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
    await put(form?.object ?? '', Buffer.from(form?.dataHex ?? '', 'hex'), {
      ContentType: form?.contentType,
      Metadata: asTaken(form?.metadata ?? {}),
    })
    await put('dir/s3.txt/.minio/data', Buffer.from(sealed?.dataHex ?? '', 'hex'), {})
    await put('dir/s3.txt/.minio/dare.meta', sealed?.dareMetaRaw ?? '', {})
    const gateway = keep(await serveGateway(relay.url, { keys, config: { readMinio: true } }))
    await work(gateway.client, store.client)
  })
}

async function read(client: S3Client, Key: string) {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key }))
  return { ...answer, text: (await answer.Body?.transformToString()) ?? '' }
}

function failure(command: Promise<unknown>): Promise<string> {
  return command.then(
    () => 'none',
    (error: Error) => error.name,
  )
}

test('an object that a form has stored is read, listed and copied', () =>
  withObjects(async (client) => {
    const Key = form?.object ?? ''
    const whole = await read(client, Key)
    assert.is(whole.text, plaintext)
    assert.is(whole.ContentType, 'text/form')
    assert.is(whole.ServerSideEncryption, 'AES256')
    assert.equal(whole.Metadata, { color: 'blue' })
    // It is not the content's MD5.
    assert.match(whole.ETag ?? '', /^"[0-9a-f]{32}-1"$/)
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
    assert.is(head.ContentLength, plaintext.length)
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }))
    assert.equal(
      Contents?.map(({ Size, ETag }) => [Size, ETag]),
      [[plaintext.length, whole.ETag]],
    )
    const copy = { Bucket, Key: 'copied', CopySource: `${Bucket}/${encodeURIComponent(Key)}` }
    await client.send(new CopyObjectCommand({ ...copy, ServerSideEncryption: 'AES256' }))
    const copied = await read(client, 'copied')
    assert.is(copied.text, plaintext)
    assert.equal(copied.Metadata, { color: 'blue' })
    await client.send(new DeleteObjectCommand({ Bucket, Key }))
    assert.is(await failure(read(client, Key)), 'NoSuchKey')
  }))

test('one that was moved, cut, or has lost something of its seal is an error', () =>
  withObjects(async (client, store) => {
    const Key = form?.object ?? ''
    const data = Buffer.from(form?.dataHex ?? '', 'hex')
    const metadata = { ...form?.metadata }
    const put = (name: string, Body: Buffer, Metadata: Record<string, string>) =>
      store.send(new PutObjectCommand({ Bucket, Key: name, Body, Metadata: asTaken(Metadata) }))
    await put('elsewhere', data, metadata)
    assert.is(await failure(read(client, 'elsewhere')), 'AccessDenied')
    for (const cut of [data.subarray(0, -1), Buffer.alloc(0), Buffer.concat([data, Buffer.from('x')])]) {
      await put(Key, cut, metadata)
      assert.is(await failure(read(client, Key)), 'XMinioObjectTampered', `${cut.length} bytes`)
    }
    for (const name of Object.keys(metadata).filter((named) => /server-side/.test(named))) {
      const { [name]: _, ...others } = metadata
      await put(Key, data, others)
      assert.is(await failure(read(client, Key)), 'XMinioObjectTampered', name)
    }
  }))

test('a key with empty elements is read where MinIO has kept it, also where the store refuses such names', () =>
  withObjects(async (client) => {
    for (const Key of ['dir/s3.txt', 'dir//s3.txt', '/dir/s3.txt']) {
      assert.is((await read(client, Key)).text, plaintext, Key)
      const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
      assert.is(head.ContentLength, plaintext.length)
    }
    assert.is(await failure(read(client, 'dir//other')), 'NoSuchKey')
    const put = new PutObjectCommand({ Bucket, Key: 'dir//own', Body: 'x' })
    assert.is(await failure(client.send(put)), 'BadRequest')
  }))

test.run()
