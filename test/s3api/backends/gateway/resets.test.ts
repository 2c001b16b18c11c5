import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
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

test.run()
