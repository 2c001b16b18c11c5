import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEnvelope } from '../../../s3api/sse/envelope.ts'
import { away, countCalls, refused } from '../../support/counting-provider.ts'
import {
  type KeySystem,
  objectText,
  type RunningFrontEnd,
  sseS3,
  withKeySystem,
} from '../../support/key-system.ts'
import { until } from '../../support/vault/fixture.ts'
import { ManualClock } from '../../support/vault/manual-clock.ts'

const test = suite('s3api/sse/key-ring')

const keyId = 'my-minio-key'
const minuteMs = 60_000

function fact(title: string, check: (system: KeySystem) => Promise<void>): void {
  test(title, () => withKeySystem(check))
}

async function status(answer: Promise<{ readonly status: number }>): Promise<number> {
  return (await answer).status
}

async function makeBucket(front: RunningFrontEnd, name = 'bucket'): Promise<void> {
  assert.is(await status(front.send({ method: 'PUT', target: `/${name}` })), 200)
}

async function requireText(front: RunningFrontEnd, target: string): Promise<void> {
  const answer = await front.get(target)
  assert.is(answer.status, 200)
  assert.is(answer.body, objectText)
}

async function kmsPartOf(front: RunningFrontEnd, key: string) {
  const { record } = await front.backend.getObject('bucket', key)
  assert.ok(record.envelope)
  return parseEnvelope(record.envelope).kms
}

fact('a thousand concurrent PUTs to a cold bucket make one call to the KMS', async (system) => {
  const kms = countCalls()
  const control = await system.startControl({ provider: kms })
  const front = await system.startFrontEnd()
  await makeBucket(front)
  const puts = Array.from({ length: 1000 }, (_, index) => status(front.put(`/bucket/${index}`)))
  assert.equal(new Set(await Promise.all(puts)), new Set([200]))
  assert.is(kms.calls.generateDataKey, 1)
  assert.is((await control.calls()).LeaseDataKey, 1)
  assert.is((await front.backend.system.list('epochs/', { after: '', limit: 10 })).length, 1)
})

fact('with a live lease neither PUT nor GET nor an upload asks control', async (system) => {
  const control = await system.startControl()
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await front.put('/bucket/first')
  const before = await control.calls()
  for (let index = 0; index < 20; index++) {
    assert.is(await status(front.put(`/bucket/${index}`)), 200)
    await requireText(front, `/bucket/${index}`)
  }
  const upload = await front.send({ method: 'POST', target: '/bucket/parts?uploads=', headers: sseS3 })
  const uploadId = /<UploadId>([^<]+)/.exec(upload.body)?.[1]
  const part = `/bucket/parts?partNumber=1&uploadId=${uploadId}`
  assert.is(await status(front.send({ method: 'PUT', target: part, body: 'part' })), 200)
  assert.equal(await control.calls(), before)
})

fact('two front-ends share the data key of an epoch, and one call to the KMS', async (system) => {
  const kms = countCalls()
  await system.startControl({ provider: kms })
  const [a, b] = [await system.startFrontEnd(), await system.startFrontEnd()]
  await makeBucket(a)
  await a.put('/bucket/a')
  await b.put('/bucket/b')
  await requireText(b, '/bucket/a')
  await requireText(a, '/bucket/b')
  assert.is(kms.calls.generateDataKey, 1)
  assert.equal((await kmsPartOf(a, 'a'))?.epochId, (await kmsPartOf(a, 'b'))?.epochId)
})

fact('the setting says how new objects are sealed, and both forms read back under either', async (system) => {
  const forms = { bucket: 'bucket', object: 'object' } as const
  for (const reuse of ['bucket', 'object'] as const) {
    const kms = countCalls()
    const control = await system.startControl({ provider: kms, limits: { reuse } })
    const front = await system.startFrontEnd()
    if (reuse === 'bucket') await makeBucket(front)
    for (const name of [reuse, `${reuse}-2`]) assert.is(await status(front.put(`/bucket/${name}`)), 200)
    const kmsPart = await kmsPartOf(front, reuse)
    assert.is(kmsPart?.contextForm, forms[reuse])
    assert.is(kmsPart?.epochId?.length, reuse === 'bucket' ? 16 : undefined)
    await requireText(front, `/bucket/bucket`)
    await requireText(front, `/bucket/${reuse}`)
    assert.is(kms.calls.generateDataKey, reuse === 'bucket' ? 1 : 2)
    await front.stop()
    await control.stop()
  }
  await system.startControl()
  await requireText(await system.startFrontEnd(), '/bucket/object')
})

fact('a front-end follows a control that was started with the other setting', async (system) => {
  const control = await system.startControl({ limits: { reuse: 'object' } })
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await front.put('/bucket/a')
  assert.is((await kmsPartOf(front, 'a'))?.contextForm, 'object')
  await control.stop()
  await system.startControl({ limits: { reuse: 'bucket' } })
  await until(async () => {
    await front.put('/bucket/b')
    return (await kmsPartOf(front, 'b'))?.contextForm === 'bucket'
  })
})

fact(
  'control gone for minutes: leases serve, then 503 with Retry-After, then all is well again',
  async (system) => {
    const clock = new ManualClock()
    const control = await system.startControl()
    const front = await system.startFrontEnd({ clock })
    await makeBucket(front)
    await front.put('/bucket/first')
    await control.stop()
    await clock.advance(4.9 * minuteMs)
    assert.is(await status(front.put('/bucket/second')), 200)
    await requireText(front, '/bucket/first')
    // The lease ends, so nothing more is sealed; what is held still opens.
    await clock.advance(0.2 * minuteMs)
    const late = await front.put('/bucket/third')
    assert.is(late.status, 503)
    assert.is(late.headers['retry-after'], '1')
    await requireText(front, '/bucket/second')
    const grace = 'sealgate_key_ring_offline_grace_remaining_seconds'
    const remaining = await front.metric(grace)
    await clock.advance(5 * minuteMs)
    assert.is(await front.metric(grace), remaining - 5 * 60)
    await requireText(front, '/bucket/second')
    await clock.advance(15 * minuteMs)
    assert.is(await front.metric(grace), 0)
    assert.is(await status(front.get('/bucket/second')), 503)
    assert.is(await front.metric('sealgate_key_ring_cache_entries{kind="opened"}'), 0)
    await system.startControl()
    await until(async () => {
      await clock.advance(1_000)
      return (await status(front.get('/bucket/second'))) === 200
    })
    assert.is(await status(front.put('/bucket/third')), 200)
  },
)

fact('a control that is killed and started again under load costs no request', async (system) => {
  const control = await system.startControl()
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await front.put('/bucket/first')
  let running = true
  const statuses = new Set<number>()
  const load = Array.from({ length: 8 }, async (_, worker) => {
    for (let index = 0; running; index++) {
      statuses.add(await status(front.put(`/bucket/${worker}-${index % 10}`)))
      statuses.add(await status(front.get('/bucket/first')))
    }
  })
  await control.stop()
  const again = await system.startControl()
  await until(async () => (await again.metric('sealgate_kms_watchers')) === 1)
  running = false
  await Promise.all(load)
  assert.equal(statuses, new Set([200]))
})

fact('a disabled key stops on every front-end, and an enabled one works again', async (system) => {
  const control = await system.startControl()
  const fronts = [await system.startFrontEnd(), await system.startFrontEnd()]
  const [a, b] = fronts
  assert.ok(a && b)
  await makeBucket(a)
  await a.put('/bucket/object')
  await requireText(b, '/bucket/object')
  const before = await control.calls()
  await control.disable(keyId)
  for (const front of fronts) {
    await until(async () => (await status(front.get('/bucket/object'))) === 403)
    assert.is(await status(front.put('/bucket/other')), 403)
    assert.is(await front.metric('sealgate_key_ring_cache_entries{kind="opened"}'), 0)
    assert.is(await front.metric('sealgate_key_ring_cache_entries{kind="sealing"}'), 0)
  }
  assert.is((await control.calls()).Decrypt, before.Decrypt)
  await control.enable(keyId)
  for (const front of fronts) {
    await until(async () => (await status(front.get('/bucket/object'))) === 200)
    assert.is(await status(front.put('/bucket/other')), 200)
  }
})

fact('a key that was disabled stays so for front-ends while control is gone', async (system) => {
  const control = await system.startControl()
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await front.put('/bucket/object')
  await control.disable(keyId)
  await until(async () => (await status(front.get('/bucket/object'))) === 403)
  await control.stop()
  assert.is(await status(front.get('/bucket/object')), 403)
})

fact('a key that the KMS refuses stops on every front-end as soon as control sees it', async (system) => {
  const kms = countCalls()
  await system.startControl({ provider: kms })
  const [a, b] = [await system.startFrontEnd(), await system.startFrontEnd()]
  await makeBucket(a)
  await a.put('/bucket/object')
  await b.put('/bucket/other')
  kms.failWith(refused)
  // Something that is asked of the KMS, here an object of another bucket.
  await makeBucket(b, 'bucket2')
  assert.is(await status(b.put('/bucket2/object')), 403)
  for (const front of [a, b]) {
    await until(async () => (await status(front.get('/bucket/object'))) === 403)
    assert.is(await status(front.put('/bucket/third')), 403)
  }
})

fact('a flush makes every front-end ask again', async (system) => {
  const kms = countCalls()
  const control = await system.startControl({ provider: kms })
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await front.put('/bucket/object')
  assert.is(await control.flush(), 3)
  await until(async () => (await front.metric('sealgate_key_ring_cache_entries{kind="opened"}')) === 0)
  await requireText(front, '/bucket/object')
  assert.ok(kms.calls.decrypt >= 1)
})

fact('when the grace is over at control no front-end opens or seals anything any more', async (system) => {
  const kms = countCalls()
  const clock = new ManualClock()
  const control = await system.startControl({ provider: kms, clock })
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await makeBucket(front, 'cold')
  await front.put('/bucket/object')
  kms.failWith(away)
  assert.is(await status(front.put('/cold/object')), 503)
  await clock.advance(14 * minuteMs)
  await requireText(front, '/bucket/object')
  assert.is(await status(front.put('/bucket/second')), 200)
  assert.is(await control.metric('sealgate_kms_offline_grace_remaining_seconds'), 60)
  await clock.advance(1.1 * minuteMs)
  await until(async () => (await status(front.put('/bucket/third'))) === 503)
  await until(async () => (await status(front.get('/bucket/object'))) === 503)
  // An epoch's key that seals would open as well.
  for (let time = 0; time < 3; time++) {
    assert.is(await status(front.put('/bucket/third')), 503)
    assert.is(await status(front.get('/bucket/second')), 503)
  }
  kms.failWith(undefined)
  await until(async () => {
    await clock.advance(1_000)
    return (await status(front.get('/bucket/object'))) === 200
  })
  assert.is(await status(front.put('/bucket/third')), 200)
})

fact('with the KMS away what is cached is read, what is not is 503', async (system) => {
  const kms = countCalls()
  const control = await system.startControl({ provider: kms })
  const front = await system.startFrontEnd()
  await makeBucket(front)
  await makeBucket(front, 'cold')
  await front.put('/bucket/object')
  kms.failWith(away)
  assert.is(await status(front.put('/bucket/second')), 200)
  await requireText(front, '/bucket/object')
  assert.is(await status(front.put('/cold/object')), 503)
  assert.is(await control.metric('sealgate_kms_offline '), 1)
  assert.is(await status(front.put('/cold/object', {})), 200)
  kms.failWith(undefined)
  await until(async () => (await status(front.put('/cold/object'))) === 200)
  assert.is(await control.metric('sealgate_kms_offline '), 0)
})

test.run()
