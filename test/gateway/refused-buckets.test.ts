import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { credential, type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { sendSigned } from '../support/signed-request.ts'
import { startStoreRelay } from '../support/store-relay.ts'

/** Buckets that nobody may reach, and such as cannot be. */

const test = suite('gateway/refused-buckets')
const Bucket = 'bucket'
const systemBucket = 'sealgate-system'
/** Refused by MinIO and AWS with 400, of a HEAD without a word why. Some stores have buckets of such names, made long ago. */
const oddNames = ['a..b', 'a.-b', '-ab', '192.168.1.1', 'Abc', 'a_b']

function withMode(
  mode: 'pass-through' | 'single',
  work: (sites: { readonly store: ServedFrontEnd; readonly gateway: ServedFrontEnd }) => Promise<void>,
): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const relay = keep(await startStoreRelay(store.url))
    relay.set(({ url = '' }) =>
      oddNames.some((name) => url.startsWith(`/${name}`))
        ? { status: 400, code: 'InvalidBucketName' }
        : undefined,
    )
    const gateway = keep(await serveGateway(relay.url, mode === 'single' ? { keys } : {}))
    await store.client.send(new CreateBucketCommand({ Bucket }))
    await work({ store, gateway })
  })
}

const requests = [
  ['GET', ''],
  ['GET', '?versioning'],
  ['GET', '?uploads'],
  ['PUT', '?versioning'],
  ['DELETE', ''],
  ['GET', '/key'],
  ['PUT', '/key'],
  ['DELETE', '/key'],
  ['POST', '/key?uploads'],
] as const

/** The codes that all requests to the bucket have as answers, and a copy from there. */
async function answersFor({ url }: ServedFrontEnd, name: string): Promise<Set<string | undefined>> {
  const codes = new Set<string | undefined>()
  for (const [method, rest] of requests) {
    const body =
      rest === '?versioning' && method === 'PUT'
        ? '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
        : ''
    codes.add((await sendSigned(url, { method, target: `/${name}${rest}`, body }, credential)).code)
  }
  const headers = { 'x-amz-copy-source': `/${name}/key` }
  codes.add((await sendSigned(url, { method: 'PUT', target: `/${Bucket}/key`, headers }, credential)).code)
  return codes
}

for (const mode of ['pass-through', 'single'] as const) {
  test(`${mode}: the system bucket is nobody's`, () =>
    withMode(mode, async ({ store, gateway }) => {
      const name = { Bucket: systemBucket, Key: 'key' }
      if (mode === 'pass-through') await store.client.send(new CreateBucketCommand({ Bucket: systemBucket }))
      await store.client.send(new PutObjectCommand({ ...name, Body: 'kept' }))
      assert.equal(await answersFor(gateway, systemBucket), new Set(['NoSuchBucket']))
      const { Body } = await store.client.send(new GetObjectCommand(name))
      assert.is(await Body?.transformToString(), 'kept')
      const { Contents } = await store.client.send(new ListObjectsV2Command({ Bucket }))
      assert.is(Contents, undefined)
      const { Buckets = [] } = await gateway.client.send(new ListBucketsCommand({}))
      assert.equal(
        Buckets.map(({ Name }) => Name),
        [Bucket],
      )
    }))
}

for (const mode of ['pass-through', 'single'] as const) {
  test(`${mode}: a name that no bucket can have is that of no bucket, and no failure of the store`, () =>
    withMode(mode, async ({ gateway }) => {
      for (const name of oddNames) {
        assert.equal(await answersFor(gateway, name), new Set(['NoSuchBucket']), name)
        const { status } = await sendSigned(gateway.url, { method: 'HEAD', target: `/${name}` }, credential)
        assert.is(status, 404, name)
      }
      const copy = new CopyObjectCommand({ Bucket: 'a..b', Key: 'key', CopySource: `${Bucket}/key` })
      const error = await gateway.client.send(copy).catch((thrown: Error) => thrown.name)
      assert.is(error, 'NoSuchBucket')
    }))
}

test.run()
