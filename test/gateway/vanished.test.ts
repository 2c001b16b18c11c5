import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { startStoreRelay } from '../support/store-relay.ts'

/** Objects that are removed between the store's listing and the gateway's look at them. */

const test = suite('gateway/vanished')
const Bucket = 'bucket'

/** The gateway finds nothing of the keys `a` to `d` any more, though the store still lists them; `e` and `f` are there. */
function withVanished(work: (gateway: ServedFrontEnd) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const { url, client } = keep(await serveStore())
    const relay = keep(await startStoreRelay(url))
    const gateway = keep(await serveGateway(relay.url, { keys }))
    await gateway.client.send(new CreateBucketCommand({ Bucket }))
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    for (const Key of 'abcdef') await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    relay.set(({ url = '' }) =>
      /^\/bucket\/[a-d](\?|$)/.test(url) ? { status: 404, code: 'NoSuchKey' } : undefined,
    )
    await work(gateway)
  })
}

test('a listing goes on behind pages whose objects are all gone', () =>
  withVanished(async ({ client }) => {
    const seen: (string | undefined)[] = []
    for await (const { Contents = [] } of paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) {
      seen.push(...Contents.map(({ Key }) => Key))
    }
    assert.equal(seen, ['e', 'f'])
    const first = await client.send(new ListObjectsCommand({ Bucket, MaxKeys: 1 }))
    assert.equal([first.Contents?.map(({ Key }) => Key), first.IsTruncated], [['e'], true])
  }))

test('a listing of versions goes on behind pages whose versions are all gone', () =>
  withVanished(async ({ client }) => {
    const first = await client.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1 }))
    assert.equal([first.Versions?.map(({ Key }) => Key), first.NextKeyMarker], [['e'], 'e'])
  }))

test.run()
