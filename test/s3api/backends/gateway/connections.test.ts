import { randomBytes } from 'node:crypto'
import type http from 'node:http'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
import { Upstream } from '../../../../s3api/backends/gateway/upstream.ts'
import { startTestControl } from '../../../support/control.ts'
import { serveGateway, serveStore } from '../../../support/gateway-front-end.ts'
import { withKept } from '../../../support/kept.ts'
import { playStore } from '../../../support/played-store.ts'
import { soon } from '../../../support/soon.ts'
import { rejection } from '../../../support/throws.ts'

/** More requests at once than there are connections to the store. */

const test = suite('s3api/backends/gateway: connections')
const log = pino({ level: 'silent' })
const Bucket = 'bucket'

test('copies through the gateway do not wait for each other', () =>
  withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const config = { connectionsMax: 2 }
    const { client } = keep(await serveGateway(store.url, { keys, config }))
    await client.send(new CreateBucketCommand({ Bucket }))
    const Body = randomBytes(8 * 1024 * 1024)
    await client.send(new PutObjectCommand({ Bucket, Key: 'plain', Body }))
    const copy = (index: number) =>
      client.send(
        new CopyObjectCommand({
          Bucket,
          Key: `sealed-${index}`,
          CopySource: `${Bucket}/plain`,
          ServerSideEncryption: 'AES256',
        }),
      )
    await Promise.all([0, 1, 2, 3, 4, 5].map(copy))
    const { Body: copied } = await client.send(new GetObjectCommand({ Bucket, Key: 'sealed-5' }))
    assert.ok(Buffer.from((await copied?.transformToByteArray()) ?? []).equals(Body))
  }))

const object = { bucket: Bucket, key: 'key' } as const
const short = { method: 'PUT', ...object, repeatable: true } as const
const read = { method: 'GET', ...object, use: 'reading', repeatable: true } as const

/** Before a store that answers when it is told to, over one connection of each kind. */
function withOneConnection(
  connectionMs: number,
  work: (site: {
    readonly upstream: Upstream
    readonly asked: readonly http.ServerResponse[]
  }) => Promise<void>,
): Promise<void> {
  return withKept(async (keep) => {
    const asked: http.ServerResponse[] = []
    const store = keep(
      await playStore((request, response) => {
        request.resume()
        asked.push(response)
      }),
    )
    const config = store.config({ connectionsMax: 1 })
    const upstream = keep(new Upstream(config, { log, now: Date.now, waits: { connectionMs } }))
    await work({ upstream, asked })
  })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('who waits too long for a connection is told so, and is not sent later', () =>
  withOneConnection(50, async ({ upstream, asked }) => {
    const first = upstream.fetch(short, 0)
    await until(() => asked.length === 1)
    const error = await soon(rejection(upstream.fetch(short, 0)))
    assert.ok(error instanceof BackendError && error.code === 'busy')
    assert.match(error.message, /no connection to the store was free/)
    asked[0]?.end()
    await first
    const next = upstream.fetch(short, 0)
    await until(() => asked.length === 2)
    asked[1]?.end()
    await next
    assert.is(asked.length, 2)
  }))

test('an upload that is given up while it waits for a connection ends', () =>
  withOneConnection(60_000, async ({ upstream, asked }) => {
    const begin = async (signal: AbortSignal) => {
      const headers = { 'content-length': '1' }
      const { send } = await upstream.begin({ method: 'PUT', ...object, headers }, { kind: 'unsigned' })
      return send(
        (async function* () {
          yield new Uint8Array(1)
        })(),
        signal,
      )
    }
    const first = begin(new AbortController().signal)
    await until(() => asked.length === 1)
    const giveUp = new AbortController()
    const second = rejection(begin(giveUp.signal))
    await until(() => upstream.requests === 2)
    giveUp.abort(new BackendError('unavailable', 'the upload was given up'))
    assert.match((await soon(second)).message, /given up/)
    asked[0]?.end()
    await first
  }))

test('what is short does not wait for data that is being read', () =>
  withOneConnection(60_000, async ({ upstream, asked }) => {
    const reading = upstream.send(read)
    await until(() => asked.length === 1)
    const other = upstream.fetch(short, 0)
    await soon(until(() => asked.length === 2))
    for (const response of asked) response.end()
    await other
    await (await reading).body.drain()
  }))

test('look-ups do not wait for deletes, however many the store is silent about', () =>
  withKept(async (keep) => {
    const deletes: http.ServerResponse[] = []
    const store = keep(
      await playStore((request, response) => {
        if (request.method === 'DELETE') deletes.push(response)
        else if (request.url?.includes('versioning')) response.end('<VersioningConfiguration/>')
        else if (request.method === 'HEAD') response.end()
        else response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
      }),
    )
    const config = store.config({ connectionsMax: 2 })
    const upstream = new Upstream(config, { log, now: Date.now })
    const gateway = keep(new GatewayBackend(config, { upstream, log, now: Date.now }))
    await gateway.getBucket(Bucket)
    const removed = ['a', 'b', 'c'].map((key) => gateway.deleteObject({ bucket: Bucket, key }))
    await until(() => deletes.length === 2)
    const error = await soon(rejection(gateway.getObject(Bucket, 'd')))
    assert.ok(error instanceof BackendError && error.code === 'no-such-key')
    for (let answered = 0; answered < removed.length; answered++) {
      await until(() => deletes.length > answered)
      deletes[answered]?.writeHead(204).end()
    }
    await Promise.all(removed)
  }))

test.run()
