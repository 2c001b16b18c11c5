import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { type ServedFrontEnd, serveGateway, withRelay } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { soon } from '../support/soon.ts'
import type { StoreRelay } from '../support/store-relay.ts'

/** Clients that do not wait for a store which says nothing: what was asked for them ends, and keeps nobody else waiting. */

const test = suite('gateway/gone-clients')
const Bucket = 'bucket'
const sealed = { ServerSideEncryption: 'AES256' } as const

/** Requests that are never answered. */
interface Unanswered {
  readonly count: number
  /** When there are so many. */
  come(count: number): Promise<void>
  /** When the connections of all of them are closed. */
  closed(): Promise<void>
}

function leaveUnanswered(relay: StoreRelay, which: (request: IncomingMessage) => boolean): Unanswered {
  const closed: Promise<unknown>[] = []
  relay.set((request) => {
    if (!which(request)) return undefined
    closed.push(once(request.socket, 'close'))
    return new Promise(() => {})
  })
  return {
    get count() {
      return closed.length
    },
    async come(count) {
      while (closed.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    closed: async () => void (await Promise.all(closed)),
  }
}

const isCopy = ({ headers }: IncomingMessage) => headers['x-amz-copy-source'] !== undefined

async function read(client: S3Client, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return String(await Body?.transformToString())
}

/** Gone while the store has its copy, before a gateway with a single place, which the next client finds free. */
async function goDuring(
  command: CopyObjectCommand | UploadPartCopyCommand,
  { relay, gateway }: { readonly relay: StoreRelay; readonly gateway: ServedFrontEnd },
): Promise<void> {
  const unanswered = leaveUnanswered(relay, isCopy)
  const gone = new AbortController()
  // The overloads of `send` tell commands apart that are the same here.
  const sent = gateway.client.send(command as CopyObjectCommand, { abortSignal: gone.signal })
  const given = sent.catch((error: Error) => error.name)
  await soon(unanswered.come(1))
  gone.abort()
  assert.is(await given, 'AbortError')
  await soon(unanswered.closed())
  const [line] = await gateway.served()
  assert.is(line?.code, 'ClientGone')
  relay.set(() => undefined)
  assert.is(await read(gateway.client, 'source'), 'its content')
}

for (const mode of ['pass-through', 'single'] as const) {
  test(`${mode}: a copy whose client has gone ends, and can be asked for again`, () =>
    withRelay(Bucket, ({ store, relay, other }) =>
      withKept(async (keep) => {
        const single = mode === 'single'
        const { keys } = keep(await startTestControl())
        const gateway = keep(
          await serveGateway(relay.url, { ...(single && { keys }), frontEnd: { requestsMax: 1 } }),
        )
        const writer = single ? gateway : store
        const source = { Bucket, Key: 'source', Body: 'its content' }
        await writer.client.send(new PutObjectCommand({ ...source, ...(single && sealed) }))
        await other.client.send(new PutObjectCommand({ Bucket, Key: 'target', Body: 'old' }))
        await gateway.served()
        const copy = { Bucket, Key: 'target', CopySource: `${Bucket}/source`, ...(single && sealed) }
        await goDuring(new CopyObjectCommand(copy), { relay, gateway })
        assert.is(await read(gateway.client, 'target'), 'old')
        await gateway.client.send(new CopyObjectCommand(copy))
        assert.is(await read(gateway.client, 'target'), 'its content')
      }),
    ))
}

test('pass-through: so does a part that is copied', () =>
  withRelay(Bucket, ({ store, relay }) =>
    withKept(async (keep) => {
      const gateway = keep(await serveGateway(relay.url, { frontEnd: { requestsMax: 1 } }))
      await store.client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'its content' }))
      const { UploadId } = await store.client.send(
        new CreateMultipartUploadCommand({ Bucket, Key: 'target' }),
      )
      const part = { Bucket, Key: 'target', UploadId, PartNumber: 1, CopySource: `${Bucket}/source` }
      await goDuring(new UploadPartCopyCommand(part), { relay, gateway })
      const { CopyPartResult } = await gateway.client.send(new UploadPartCopyCommand(part))
      assert.match(String(CopyPartResult?.ETag), /^"[0-9a-f]{32}"$/)
    }),
  ))

const listings = [
  { name: 'objects', command: new ListObjectsV2Command({ Bucket }), path: /^\/bucket\/listed-/ },
  { name: 'versions', command: new ListObjectVersionsCommand({ Bucket }), path: /^\/bucket\/listed-/ },
  {
    name: 'uploads',
    command: new ListMultipartUploadsCommand({ Bucket }),
    path: /^\/sealgate-system\/uploads\//,
  },
] as const

for (const { name, command, path } of listings) {
  test(`look-ups for lists of ${name} keep no other request waiting, and end with their client`, () =>
    withRelay(Bucket, ({ relay, other }) =>
      withKept(async (keep) => {
        const { keys } = keep(await startTestControl())
        const connectionsMax = 4
        const { client } = keep(await serveGateway(relay.url, { keys, config: { connectionsMax } }))
        for (let index = 0; index < 2 * connectionsMax; index++) {
          const Key = `listed-${index}`
          if (name === 'uploads')
            await other.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...sealed }))
          else await other.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...sealed }))
        }
        const unanswered = leaveUnanswered(relay, ({ url = '' }) => path.test(url))
        const gone = new AbortController()
        // The overloads of `send` tell commands apart that are the same here.
        const list = () => client.send(command as ListObjectsV2Command, { abortSignal: gone.signal })
        const given = [list(), list()].map((sent) => sent.catch((error: Error) => error.name))
        await soon(unanswered.come(connectionsMax))
        const object = { Bucket, Key: 'another' }
        await soon(client.send(new PutObjectCommand({ ...object, Body: 'its content', ...sealed })))
        await soon(client.send(new HeadObjectCommand(object)))
        assert.is(await soon(read(client, 'another')), 'its content')
        gone.abort()
        assert.equal(await Promise.all(given), ['AbortError', 'AbortError'])
        await soon(unanswered.closed())
        assert.is(unanswered.count, connectionsMax)
      }),
    ))
}

test.run()
