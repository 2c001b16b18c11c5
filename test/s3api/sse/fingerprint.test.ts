import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { MasterKeyConfig } from '../../../control/config.ts'
import { createMasterKeyProvider } from '../../../control/providers/master-key.ts'
import type { Provider } from '../../../control/providers/provider.ts'
import { StoreMismatch } from '../../../s3api/sse/fingerprint.ts'
import { testMasterKey } from '../../support/control.ts'
import { away, countCalls, refused } from '../../support/counting-provider.ts'
import { type KeySystem, objectText, type RunningFrontEnd, withKeySystem } from '../../support/key-system.ts'
import { fastClock, until } from '../../support/vault/fixture.ts'

const test = suite('s3api/sse/fingerprint')

/** Another KMS, with a key of the same name. */
const sameName: MasterKeyConfig = { kind: 'master-key', keyId: 'my-minio-key', key: Buffer.alloc(32, 7) }
/** Another KMS, with a key of another name. */
const otherName: MasterKeyConfig = { kind: 'master-key', keyId: 'other-key', key: Buffer.alloc(32, 8) }

function fact(title: string, check: (system: KeySystem) => Promise<void>): void {
  test(title, () => withKeySystem(check))
}

async function status(answer: Promise<{ readonly status: number }>): Promise<number> {
  return (await answer).status
}

async function makeBucket(front: RunningFrontEnd): Promise<void> {
  assert.is(await status(front.send({ method: 'PUT', target: '/bucket' })), 200)
}

/** The system with one encrypted object, written by a control and front-end that have ended. */
async function seal(system: KeySystem, config?: MasterKeyConfig): Promise<void> {
  const control = await system.startControl(config === undefined ? {} : { config })
  const front = await system.startFrontEnd()
  await makeBucket(front)
  assert.is(await status(front.put('/bucket/object')), 200)
  await front.stop()
  await control.stop()
}

/** A KMS whose key gives way to another of its name, and comes back, while control runs. */
function replaceableKey(): { readonly provider: Provider; replace(): void; restore(): void } {
  const right = createMasterKeyProvider(testMasterKey)
  const wrong = createMasterKeyProvider(sameName)
  let current = right
  return {
    provider: {
      ...right,
      generateDataKey: (call) => current.generateDataKey(call),
      encrypt: (call) => current.encrypt(call),
      decrypt: (call) => current.decrypt(call),
    },
    replace: () => {
      current = wrong
    },
    restore: () => {
      current = right
    },
  }
}

async function refusal(starting: Promise<unknown>): Promise<StoreMismatch> {
  const error = await starting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.instance(error, StoreMismatch)
  return error as StoreMismatch
}

for (const [title, config] of [
  ['a key of the same name', sameName],
  ['a key of another name', otherName],
] as const) {
  fact(`a front-end whose KMS has ${title} refuses to start, and names the missing key`, async (system) => {
    await seal(system)
    await system.startControl({ config })
    const { message } = await refusal(system.startFrontEnd())
    assert.match(message, 'sealed under key my-minio-key,')
  })
}

fact('a front-end without a KMS refuses a store that has encrypted objects', async (system) => {
  await seal(system)
  const { message } = await refusal(system.startFrontEnd({ control: 'none' }))
  assert.match(message, 'no KMS is configured')
})

fact('a store without encrypted objects takes any KMS, and none', async (system) => {
  const front = await system.startFrontEnd({ control: 'none' })
  await makeBucket(front)
  assert.is(await status(front.put('/bucket/plain', {})), 200)
  await front.stop()
  await system.startControl({ config: otherName })
  assert.is(await status((await system.startFrontEnd()).put('/bucket/object')), 200)
})

fact('the KMS that wrote a store opens it again', async (system) => {
  await seal(system)
  await system.startControl()
  const front = await system.startFrontEnd()
  assert.equal(await front.ready(), { ready: true, reasons: [] })
  assert.is((await front.get('/bucket/object')).body, objectText)
})

for (const config of [sameName, otherName]) {
  fact(`of two front-ends with two KMSs on one empty store one writes (${config.keyId})`, async (system) => {
    await system.startControl({ name: 'a' })
    await system.startControl({ name: 'b', config })
    const a = await system.startFrontEnd({ control: 'a' })
    const b = await system.startFrontEnd({ control: 'b' })
    await makeBucket(a)
    const puts = Array.from({ length: 40 }, async (_, index) => {
      const front = index % 2 === 0 ? a : b
      return { front, status: await status(front.put(`/bucket/${index}`)) }
    })
    const written = (await Promise.all(puts)).filter((put) => put.status === 200)
    const [winner, loser] = written[0]?.front === a ? [a, b] : [b, a]
    assert.is(written.length, 20)
    assert.ok(written.every(({ front }) => front === winner))
    assert.is((await loser.ready()).ready, false)
    assert.is(await status(loser.put('/bucket/late')), 503)
    assert.is(await status(loser.put('/bucket/plain', {})), 200)
    assert.is(await status(winner.put('/bucket/late')), 200)
  })
}

fact('a KMS that is down does not keep a front-end from starting', async (system) => {
  await seal(system)
  const kms = countCalls()
  kms.failWith(away)
  const control = await system.startControl({ provider: kms })
  const front = await system.startFrontEnd()
  assert.is(await status(front.put('/bucket/plain', {})), 200)
  assert.is(await status(front.put('/bucket/second')), 503)
  const { ready, reasons } = await front.ready()
  assert.is(ready, false)
  assert.match(reasons.join(), 'not known yet')
  kms.failWith(undefined)
  await until(async () => (await front.ready()).ready)
  assert.is(await status(front.put('/bucket/second')), 200)
  await control.stop()
})

fact('a front-end that starts before its control looks when that comes', async (system) => {
  await seal(system)
  const front = await system.startFrontEnd()
  assert.is(await status(front.put('/bucket/second')), 503)
  await system.startControl({ config: sameName })
  await until(async () => (await front.ready()).reasons.join().includes('does not open'))
  assert.is(await status(front.put('/bucket/second')), 503)
})

fact(
  'a control that comes back with another KMS stops writing, and with the right one allows it again',
  async (system) => {
    const control = await system.startControl()
    const front = await system.startFrontEnd()
    await makeBucket(front)
    await front.put('/bucket/first')
    await control.stop()
    const wrong = await system.startControl({ config: sameName })
    await until(async () => (await status(front.put('/bucket/second'))) === 503)
    await wrong.stop()
    await system.startControl()
    await until(async () => (await status(front.put('/bucket/second'))) === 200)
    for (const key of ['first', 'second']) assert.is((await front.get(`/bucket/${key}`)).body, objectText)
  },
)

fact('encryption that a policy stopped goes on by itself when the policy is mended', async (system) => {
  const first = await system.startControl()
  const front = await system.startFrontEnd({ clock: fastClock(20) })
  await makeBucket(front)
  await front.put('/bucket/first')
  await first.stop()
  const kms = countCalls()
  kms.failWith(refused)
  await system.startControl({ provider: kms, clock: fastClock(20) })
  await until(async () => (await front.ready()).reasons.join().includes('refuses to open (the KMS refuses)'))
  assert.is(await status(front.put('/bucket/second')), 503)
  kms.failWith(undefined)
  await until(async () => (await front.ready()).ready)
  assert.is(await status(front.put('/bucket/second')), 200)
})

fact('a store that belongs to another KMS stays refused, however often it is looked at', async (system) => {
  const right = await system.startControl()
  const front = await system.startFrontEnd({ clock: fastClock(100) })
  await makeBucket(front)
  await front.put('/bucket/first')
  await right.stop()
  const wrong = await system.startControl({ config: sameName })
  await until(async () => ((await wrong.calls()).Decrypt ?? 0) >= 4)
  assert.match((await front.ready()).reasons.join(), 'does not open')
  assert.is(await status(front.put('/bucket/second')), 503)
})

fact(
  'a key that gives way to another of its name while all runs stops writing, and comes back by itself',
  async (system) => {
    const kms = replaceableKey()
    const clock = fastClock(50)
    const control = await system.startControl({ provider: kms.provider, clock })
    const front = await system.startFrontEnd({ clock })
    await makeBucket(front)
    await front.put('/bucket/first')
    kms.replace()
    await control.flush()
    await until(async () => (await status(front.put('/bucket/second'))) === 503)
    assert.match((await front.ready()).reasons.join(), 'does not open')
    kms.restore()
    await until(async () => (await status(front.put('/bucket/third'))) === 200)
    assert.is((await front.get('/bucket/first')).body, objectText)
  },
)

fact('that is seen, too, where no key of before is held any more', async (system) => {
  const kms = replaceableKey()
  const clock = fastClock(1000)
  await system.startControl({ provider: kms.provider, clock })
  const front = await system.startFrontEnd({ clock })
  await makeBucket(front)
  await front.put('/bucket/first')
  await front.send({ method: 'PUT', target: '/another' })
  const laterMs = clock.steadyMs() + 2_000_000
  await until(() => clock.steadyMs() > laterMs)
  kms.replace()
  assert.is(await status(front.put('/another/object')), 503)
  assert.match((await front.ready()).reasons.join(), 'does not open')
})

fact(
  'what a policy only refuses, of a key that was right before, keeps nobody from writing',
  async (system) => {
    const kms = countCalls()
    const onlyNew: Provider = {
      ...kms,
      decrypt: async (call) => {
        const opened = await kms.decrypt(call)
        if (Buffer.from(opened).toString().startsWith('sealgate/fingerprint')) throw refused
        return opened
      },
    }
    let provider: Provider = kms
    const control = await system.startControl({
      provider: { ...kms, decrypt: (call) => provider.decrypt(call) },
    })
    const front = await system.startFrontEnd()
    await makeBucket(front)
    await front.put('/bucket/first')
    provider = onlyNew
    await control.flush()
    const drawn = kms.calls.generateDataKey
    await until(async () => {
      assert.is(await status(front.put('/bucket/second')), 200)
      return kms.calls.generateDataKey > drawn
    })
  },
)

fact('a key that an operator has disabled is not missing', async (system) => {
  await seal(system)
  const control = await system.startControl()
  await control.disable('my-minio-key')
  const front = await system.startFrontEnd()
  assert.is((await front.ready()).ready, true)
  assert.is(await status(front.get('/bucket/object')), 403)
})

test.run()
