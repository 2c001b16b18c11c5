import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PartRecord } from '../../../../s3api/backends/backend.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
import { Sweeper } from '../../../../s3api/backends/gateway/sweeper.ts'
import { SystemBucket } from '../../../../s3api/backends/gateway/system-records.ts'
import { UploadStore } from '../../../../s3api/backends/gateway/upload-store.ts'
import { Upstream, type UpstreamRequest } from '../../../../s3api/backends/gateway/upstream.ts'
import { withKept } from '../../../support/kept.ts'
import { startUpstreamStore } from '../../../support/upstream-store.ts'

const test = suite('s3api/backends/gateway: sweeper')
const log = pino({ level: 'silent' })
const bucket = 'bucket'
const facts = { headers: {}, metadata: {}, storageClass: 'STANDARD' }
const part: PartRecord = { number: 1, size: 4, etag: 'etag', modifiedAtMs: 0, generation: 'one' }

/** Tells when the store is asked whether it still has an upload. */
class WatchedUpstream extends Upstream {
  asked = () => {}
  override send(request: UpstreamRequest) {
    if (request.query?.['max-parts'] !== undefined) this.asked()
    return super.send(request)
  }
}

interface Site {
  readonly upstream: WatchedUpstream
  readonly system: SystemBucket
  readonly sweeper: Sweeper
  /** A running upload with a part. */
  upload(key: string): Promise<string>
  traces(): Promise<readonly string[]>
}

function withSweeper(work: (site: Site) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const store = keep(await startUpstreamStore())
    const upstream = keep(new WatchedUpstream(store.config(), { log, now: Date.now }))
    const gateway = keep(new GatewayBackend(store.config(), { upstream, log, now: Date.now }))
    await gateway.prepare()
    await gateway.createBucket(bucket)
    const system = new SystemBucket(upstream, store.config().systemBucket)
    const sweeper = new Sweeper({ upstream, system, store: new UploadStore(system, log), log })
    await work({
      upstream,
      system,
      sweeper,
      async upload(key) {
        const uploadId = await gateway.createUpload({ ...facts, bucket, key, initiatedAtMs: 0 })
        const upload = await gateway.getUpload(bucket, key, uploadId)
        await gateway.putPart(upload, part, { kind: 'bytes', bytes: Buffer.from('data') })
        return uploadId
      },
      traces: async () => (await system.list('uploads/', { after: '', limit: 1000 })).keys,
    })
  })
}

test('a sweep that is told to end leaves running uploads alone', () =>
  withSweeper(async ({ upstream, sweeper, upload, traces }) => {
    for (const key of ['a', 'b', 'c']) await upload(key)
    const before = await traces()
    assert.is(before.length, 6)
    let closed: Promise<void> | undefined
    upstream.asked = () => {
      closed = sweeper.close()
    }
    await sweeper.sweep()
    await closed
    assert.ok(closed !== undefined)
    assert.equal(await traces(), before)
  }))

test('a sweep clears what uploads have left that nobody remembers, or that the store has ended', () =>
  withSweeper(async ({ upstream, system, sweeper, upload, traces }) => {
    await upload('forgotten')
    const [record = ''] = (await traces()).filter((key) => key.endsWith('/upload'))
    await system.delete(record)
    const query = { uploadId: await upload('ended') }
    await upstream.fetch({ method: 'DELETE', bucket, key: 'ended', query, repeatable: true }, 1000)
    const left = await traces()
    await upload('running')
    const running = (await traces()).filter((key) => !left.includes(key))
    await sweeper.sweep()
    assert.equal(await traces(), running)
  }))

test.run()
