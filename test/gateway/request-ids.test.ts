import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'

const test = suite('gateway/request-ids')
const Bucket = 'bucket'

interface Sites {
  readonly store: ServedFrontEnd
  readonly proxy: FaultProxy
  readonly gateway: ServedFrontEnd
}

async function withGateway(
  { encrypts, logLevel }: { readonly encrypts: boolean; readonly logLevel: 'info' | 'debug' },
  work: (sites: Sites) => Promise<void>,
): Promise<void> {
  await withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const proxy = keep(await startFaultProxy(store.url))
    const gateway = keep(
      await serveGateway(proxy.url, {
        logLevel,
        ...(encrypts && { keys, frontEnd: { autoEncryption: true } }),
      }),
    )
    await gateway.client.send(new CreateBucketCommand({ Bucket }))
    await gateway.client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'data' }))
    await store.served()
    await gateway.served()
    await work({ store, proxy, gateway })
  })
}

const failed = (command: Promise<unknown>) =>
  command.then(
    () => assert.unreachable('it went well'),
    () => {},
  )

test('the line of a request that the store has failed has the ids of both sides', () =>
  withGateway({ encrypts: true, logLevel: 'info' }, async ({ proxy, gateway }) => {
    const text =
      'HTTP/1.1 501 Not Implemented\r\nx-amz-request-id: STORE-ID\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    proxy.set({ kind: 'answer', text, times: 10 })
    await failed(gateway.client.send(new GetObjectCommand({ Bucket, Key: 'key' })))
    const [line] = await gateway.served()
    assert.is(line?.operation, 'GetObject')
    assert.match(line?.requestId ?? '', /^[0-9A-F]{16}$/)
    assert.equal(line?.storeRequestIds, ['STORE-ID'])
    proxy.set({ kind: 'none' })
    await gateway.client.send(new GetObjectCommand({ Bucket, Key: 'key' }))
    const [well] = await gateway.served()
    assert.is(well?.storeRequestIds, undefined)
  }))

test('where debug lines are written, the line has the ids of all requests to the store', () =>
  withGateway({ encrypts: true, logLevel: 'debug' }, async ({ store, gateway }) => {
    await Promise.all([
      gateway.client.send(new PutObjectCommand({ Bucket, Key: 'other', Body: Buffer.alloc(300_000) })),
      gateway.client.send(new GetObjectCommand({ Bucket, Key: 'key' })),
    ])
    const [lines, atStore] = [await gateway.served(), await store.served()]
    assert.is(lines.length, 2)
    for (const { operation, key, storeRequestIds = [] } of lines) {
      const asked = atStore.filter(({ requestId }) => storeRequestIds.includes(requestId))
      assert.is(asked.length, storeRequestIds.length)
      assert.ok(asked.some((request) => request.operation === operation && request.key === key))
    }
    assert.is(new Set(lines.flatMap(({ storeRequestIds = [] }) => storeRequestIds)).size, atStore.length)
  }))

test('in pass-through mode every line has both ids, and the store’s error', () =>
  withGateway({ encrypts: false, logLevel: 'info' }, async ({ store, gateway }) => {
    await gateway.client.send(new HeadObjectCommand({ Bucket, Key: 'key' }))
    await failed(gateway.client.send(new GetObjectCommand({ Bucket, Key: 'none' })))
    const [lines, atStore] = [await gateway.served(), await store.served()]
    assert.equal(
      lines.map(({ storeRequestIds }) => storeRequestIds),
      atStore.map(({ requestId }) => [requestId]),
    )
    assert.equal(
      lines.map(({ code, status }) => [code, status]),
      [
        ['OK', 200],
        ['NoSuchKey', 404],
      ],
    )
  }))

test.run()
