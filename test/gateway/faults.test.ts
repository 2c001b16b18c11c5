import { randomBytes } from 'node:crypto'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { until } from '../support/served.ts'
import { soon } from '../support/soon.ts'
import { startStoreRelay } from '../support/store-relay.ts'

const test = suite('gateway/faults')
const Bucket = 'bucket'

interface Sites {
  readonly proxy: FaultProxy
  /** Before the proxy. */
  readonly gateway: ServedFrontEnd
  /** Past the proxy. */
  readonly healthy: ServedFrontEnd
}

function withSites(work: (sites: Sites) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const proxy = keep(await startFaultProxy(store.url))
    const frontEnd = { autoEncryption: true }
    const healthy = keep(await serveGateway(store.url, { keys, frontEnd }))
    const gateway = keep(await serveGateway(proxy.url, { keys, frontEnd }))
    await healthy.client.send(new CreateBucketCommand({ Bucket }))
    await work({ proxy, gateway, healthy })
  })
}

async function read(client: S3Client, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

/** The HTTP status that a command fails with; 0: none came. */
async function statusOf(command: Promise<unknown>): Promise<number | undefined> {
  return command.then(
    () => undefined,
    (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode ?? 0,
  )
}

test('an upload that the store breaks off is a 503, leaves nothing, and harms nothing', () =>
  withSites(async ({ proxy, gateway, healthy }) => {
    const old = randomBytes(1000)
    await healthy.client.send(new PutObjectCommand({ Bucket, Key: 'old', Body: old }))
    const Body = randomBytes(3_000_000)
    for (const afterBytes of [0, 1000, 1_500_000, 2_999_000]) {
      proxy.set({ kind: 'cut', direction: 'to-store', afterBytes })
      for (const Key of ['old', 'new']) {
        const status = await statusOf(gateway.client.send(new PutObjectCommand({ Bucket, Key, Body })))
        assert.is(status, 503, `${Key} after ${afterBytes}`)
      }
    }
    assert.ok((await read(healthy.client, 'old')).equals(old))
    const { Contents = [] } = await healthy.client.send(new ListObjectsV2Command({ Bucket }))
    assert.equal(
      Contents.map(({ Key }) => Key),
      ['old'],
    )
    proxy.set({ kind: 'none' })
    await gateway.client.send(new PutObjectCommand({ Bucket, Key: 'new', Body }))
    assert.ok((await read(healthy.client, 'new')).equals(Body))
  }))

test('a download that the store breaks off never looks whole', () =>
  withSites(async ({ proxy, gateway, healthy }) => {
    const Body = randomBytes(3_000_000)
    await healthy.client.send(new PutObjectCommand({ Bucket, Key: 'key', Body }))
    proxy.set({ kind: 'cut', direction: 'from-store', afterBytes: 1_500_000 })
    const got = await read(gateway.client, 'key').catch(() => undefined)
    assert.is(got, undefined)
    proxy.set({ kind: 'none' })
    assert.ok((await read(gateway.client, 'key')).equals(Body))
  }))

test('a store that is down is a 503 and not ready, and all is well when it is back', () =>
  withSites(async ({ proxy, gateway }) => {
    assert.equal(await gateway.ready(), { ready: true, reasons: [] })
    proxy.set({ kind: 'down' })
    const { client } = gateway
    const commands = await Promise.all([
      statusOf(client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))),
      statusOf(client.send(new GetObjectCommand({ Bucket, Key: 'key' }))),
      statusOf(client.send(new ListObjectsV2Command({ Bucket }))),
    ])
    assert.equal(commands, [503, 503, 503])
    await until(async () => /^store: /.test((await gateway.ready()).reasons.join()))
    proxy.set({ kind: 'none' })
    await until(async () => (await gateway.ready()).ready)
    await client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))
    assert.is(String(await read(client, 'key')), 'x')
  }))

test('a store that takes requests and says nothing is told of before anybody gives up asking', () =>
  withKept(async (keep) => {
    const store = keep(await serveStore())
    const relay = keep(await startStoreRelay(store.url))
    const gateway = keep(await serveGateway(relay.url, {}))
    relay.set(() => new Promise(() => {}))
    const silent = await soon(gateway.ready())
    assert.equal(silent, { ready: false, reasons: ['store: no answer within 3 s'] })
    relay.set(() => undefined)
    assert.is((await gateway.ready()).ready, true)
  }))

test('a store that asks to slow down is asked again', () =>
  withSites(async ({ proxy, gateway }) => {
    const text = 'HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    proxy.set({ kind: 'answer', text, times: 2 })
    await gateway.client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))
    assert.is(String(await read(gateway.client, 'key')), 'x')
  }))

test.run()
