import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
import { Uploading } from '../../../../s3api/backends/gateway/uploading.ts'
import { Upstream } from '../../../../s3api/backends/gateway/upstream.ts'
import { withKept } from '../../../support/kept.ts'
import { playStore } from '../../../support/played-store.ts'
import { rejection } from '../../../support/throws.ts'

/** A store that breaks connections off, and what is sent again then. */

const test = suite('s3api/backends/gateway: resets')
const log = pino({ level: 'silent' })
const bucket = 'bucket'

/** Before a store that breaks off the first DELETE of each key, and says this of its bucket's versioning. */
function withResets(
  versioning: string,
  work: (gateway: GatewayBackend, deletes: readonly string[]) => Promise<void>,
): Promise<void> {
  return withKept(async (keep) => {
    const deletes: string[] = []
    const store = keep(
      await playStore((request, response) => {
        const { method, url = '' } = request
        if (method === 'DELETE') {
          const again = deletes.includes(url)
          deletes.push(url)
          if (again) response.writeHead(204).end()
          else request.socket.resetAndDestroy()
        } else if (url.includes('versioning')) {
          response.end(`<VersioningConfiguration>${versioning}</VersioningConfiguration>`)
        } else if (method === 'HEAD') response.end()
        else if (url.startsWith(`/${bucket}/`)) response.end('data')
        else response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
      }),
    )
    const config = store.config()
    const upstream = new Upstream(config, { log, now: Date.now })
    await work(keep(new GatewayBackend(config, { upstream, log, now: Date.now })), deletes)
  })
}

for (const [state, versioning] of [
  ['without versions', ''],
  ['whose versions are suspended', '<Status>Suspended</Status>'],
] as const) {
  test(`a delete in a bucket ${state} is sent again`, () =>
    withResets(versioning, async (gateway, deletes) => {
      await gateway.deleteObject({ bucket, key: 'a' })
      assert.is(deletes.length, 2)
    }))
}

test('a delete that would make a second marker is not sent again', () =>
  withResets('<Status>Enabled</Status>', async (gateway, deletes) => {
    const error = await rejection(gateway.deleteObject({ bucket, key: 'a' }))
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
    assert.is(deletes.length, 1)
    await gateway.deleteObject({ bucket, key: 'b', versionId: 'named' })
  }))

test('nor is a delete under a condition, which what was deleted does not meet', () =>
  withResets('', async (gateway, deletes) => {
    const error = await rejection(gateway.deleteObject({ bucket, key: 'a', condition: { ifMatch: '*' } }))
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
    assert.is(deletes.length, 1)
  }))

test('an upload whose first bytes come late survives that the store closes connections without any', () =>
  withKept(async (keep) => {
    let received = 0
    const store = keep(
      await playStore((request, response) => {
        request.on('data', (piece: Buffer) => {
          received += piece.length
        })
        request.on('end', () => response.end())
      }),
    )
    const upstream = keep(new Upstream(store.config(), { log, now: Date.now }))
    const batch = randomBytes(64 * 1024)
    const sha256 = createHash('sha256').update(batch).digest()
    const begin = () =>
      Uploading.begin(
        upstream,
        { method: 'PUT', bucket, key: 'key' },
        { storedSize: batch.length, trailerSize: 0, batchSize: batch.length },
        { checksummed: false },
      )
    const end = async (uploading: Uploading) => {
      await uploading.write(batch, sha256)
      const { body } = await uploading.end(new Uint8Array(0))
      await body.drain()
    }
    await end(await begin())
    const late = await begin()
    // A request that was begun would have its connection by now.
    await sleep(100)
    const closed = store.closed()
    store.hangUp()
    await closed
    await end(late)
    assert.ok(received > 2 * batch.length)
  }))

test.run()
