import { randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ServedFrontEnd, withGateway } from '../support/gateway-front-end.ts'

/** What a store may do to objects that the gateway has read before, and so knows keys and records of: an error is all a client sees. */

const test = suite('gateway/tampering')
const Bucket = 'bucket'
const encrypted = { ServerSideEncryption: 'AES256' } as const
const bodies = { small: randomBytes(1000), other: randomBytes(1000), large: randomBytes(300_000) }

async function withRead(
  work: (sites: { readonly store: S3Client; readonly gateway: ServedFrontEnd }) => Promise<void>,
): Promise<void> {
  await withGateway(Bucket, async ({ store, gateway }) => {
    for (const [Key, Body] of Object.entries(bodies)) {
      const put = { Bucket, Key, Body, Metadata: { color: 'blue' } }
      await gateway.client.send(new PutObjectCommand({ ...put, ...encrypted }))
      for (let time = 0; time < 3; time++) assert.ok((await read(gateway.client, Key)).equals(Body))
    }
    await work({ store: store.client, gateway })
  })
}

async function read(client: S3Client, Key: string, Range?: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range && { Range }) }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

/** The object as it lies in the store, changed. */
async function change(store: S3Client, Key: string, edit: (stored: Buffer) => Buffer): Promise<void> {
  const { Metadata, ContentType } = await store.send(new HeadObjectCommand({ Bucket, Key }))
  const Body = edit(await read(store, Key))
  await store.send(new PutObjectCommand({ Bucket, Key, Body, Metadata, ContentType }))
}

async function expectTampered(
  { client }: ServedFrontEnd,
  Key: string,
  what: string,
  ranges = [undefined, 'bytes=0-9', 'bytes=-5'],
): Promise<void> {
  for (const range of ranges) {
    const error = await read(client, Key, range).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.is((error as { name?: string } | undefined)?.name, 'XMinioObjectTampered', `${what}: ${range}`)
  }
}

for (const Key of ['small', 'large']) {
  test(`of a ${Key} object, a changed byte of the record is found out`, () =>
    withRead(async ({ store, gateway }) => {
      const before = await read(store, Key)
      await change(store, Key, (stored) => {
        const at = stored.lastIndexOf('"blue"')
        assert.ok(at > 0)
        stored.write('"blot"', at)
        return stored
      })
      await expectTampered(gateway, Key, 'metadata')
      await change(store, Key, () => before)
      assert.ok(
        (await read(gateway.client, Key)).equals(bodies[Key as 'small' | 'large']),
        'put back as it was',
      )
    }))

  test(`of a ${Key} object, a changed first byte of the data is found out`, () =>
    withRead(async ({ store, gateway }) => {
      await change(store, Key, (stored) => {
        stored[100] = (stored[100] ?? 0) ^ 1
        return stored
      })
      // The end of a large object lies in another package.
      await expectTampered(gateway, Key, 'data', [undefined, 'bytes=0-9'])
    }))

  test(`of a ${Key} object, a part that was cut out is found out`, () =>
    withRead(async ({ store, gateway }) => {
      await change(store, Key, (stored) => Buffer.concat([stored.subarray(0, 50), stored.subarray(51)]))
      await expectTampered(gateway, Key, 'a byte less')
    }))
}

test('one object in the place of another is found out', () =>
  withRead(async ({ store, gateway }) => {
    const CopySource = `${Bucket}/other`
    await store.send(new CopyObjectCommand({ Bucket, Key: 'small', CopySource }))
    await expectTampered(gateway, 'small', 'another object')
    assert.ok((await read(gateway.client, 'other')).equals(bodies.other))
  }))

test('the record of one object behind the data of another is found out', () =>
  withRead(async ({ store, gateway }) => {
    const other = await read(store, 'other')
    const sealedSize = bodies.small.length + 32
    await change(store, 'small', (stored) =>
      Buffer.concat([other.subarray(0, sealedSize), stored.subarray(sealedSize)]),
    )
    await expectTampered(gateway, 'small', 'other data')
  }))

test.run()
