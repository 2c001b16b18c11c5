import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { AgedMap } from '../../../../s3api/backends/gateway/aged-map.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
import { Upstream, type UpstreamRequest } from '../../../../s3api/backends/gateway/upstream.ts'
import { recordOf } from '../../../contracts/backend/fixture.ts'
import { startUpstreamStore } from '../../../support/upstream-store.ts'

const test = suite('s3api/backends/gateway: write-costs')
const log = pino({ level: 'silent' })
const bucket = 'bucket'
/** Longer than buckets are believed. */
const agedMs = 2_100

/** Counts what it sends; reading requests fail when told to. */
class WatchedUpstream extends Upstream {
  methods: string[] = []
  readable = true
  override async send(request: UpstreamRequest) {
    this.methods.push(request.method)
    const reading = request.method === 'GET' || request.method === 'HEAD'
    if (reading && !this.readable) throw new BackendError('unavailable', 'nothing can be read')
    return super.send(request)
  }
}

async function withGateway(
  work: (gateway: GatewayBackend, upstream: WatchedUpstream) => Promise<void>,
): Promise<void> {
  const store = await startUpstreamStore()
  const upstream = new WatchedUpstream(store.config(), { log, now: Date.now })
  const gateway = new GatewayBackend(store.config(), { upstream, log, now: Date.now })
  try {
    await gateway.prepare()
    await gateway.createBucket(bucket)
    await work(gateway, upstream)
  } finally {
    await gateway.close()
    await store.close()
  }
}

const record = recordOf(Buffer.from('data'))

const put = (gateway: GatewayBackend, key: string) =>
  gateway.putObject({
    bucket,
    key,
    record,
    data: { kind: 'bytes', bytes: Buffer.from('data') },
    newVersionId: () => 'chosen-by-the-store',
  })

test('a write that ends long after its bucket was asked for is one request, and cannot fail once it is stored', () =>
  withGateway(async (gateway, upstream) => {
    await gateway.getBucket(bucket)
    await sleep(agedMs)
    upstream.methods = []
    upstream.readable = false
    await put(gateway, 'key')
    await gateway.deleteObject({ bucket, key: 'key', bypassGovernance: false })
    assert.equal(upstream.methods, ['PUT', 'DELETE'])
  }))

test('nor can a read that has found its object', () =>
  withGateway(async (gateway, upstream) => {
    await put(gateway, 'key')
    await gateway.getBucket(bucket)
    await sleep(agedMs)
    upstream.methods = []
    await gateway.getObject(bucket, 'key')
    assert.equal(upstream.methods, ['GET'])
  }))

test('what must be asked of the bucket is asked before the write', () =>
  withGateway(async (gateway, upstream) => {
    upstream.methods = []
    await put(gateway, 'key')
    assert.is(upstream.methods.at(-1), 'PUT')
    assert.ok(upstream.methods.length > 1)
  }))

test('the null version has its name in a bucket whose versioning was suspended long ago', () =>
  withGateway(async (gateway) => {
    await gateway.setVersioning(bucket, 'suspended')
    await gateway.getBucket(bucket)
    await sleep(agedMs)
    assert.equal(await put(gateway, 'key'), { versionId: 'null' })
  }))

test('the last value is that of the last look-up, and is looked up where there is none', async () => {
  const map = new AgedMap<string, number>(1, 0)
  let count = 0
  const lookUp = async () => ++count
  assert.is(await map.last('key', lookUp), 1)
  assert.is(await map.last('key', lookUp), 1)
  assert.is(await map.get('key', lookUp), 2)
  assert.is(await map.last('key', lookUp), 2)
  map.delete('key')
  assert.is(await map.last('key', lookUp), 3)
})

test.run()
