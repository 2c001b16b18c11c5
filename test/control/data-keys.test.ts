import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultKeyLimits } from '../../control/keys/key-limits.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { bucket, keyId, minuteMs, signal, withDataKeys } from '../support/data-keys-fixture.ts'

const test = suite('control/data-keys')

const fact = (title: string, ...given: Parameters<typeof withDataKeys>) =>
  test(title, () => withDataKeys(...given))

fact('a thousand leases of a cold bucket at once are one call to the KMS', {}, async ({ kms, lease }) => {
  const held = kms.hold()
  const leases = Array.from({ length: 1000 }, () => lease())
  held.release()
  const all = await Promise.all(leases)
  assert.is(kms.calls.generateDataKey, 1)
  assert.is(new Set(all.map((key) => Buffer.from(key).toString('hex'))).size, 1)
})

fact('buckets, key contexts and key ids have epochs of their own', {}, async ({ keys, kms, lease }) => {
  const first = await lease('a')
  assert.not.equal(await lease('b'), first)
  const context = { a: 'a', project: 'x' }
  const other = await keys.lease({ keyId, context }, { signal: signal() })
  assert.not.equal(other?.plaintext, first)
  assert.is(kms.calls.generateDataKey, 3)
  assert.equal(await lease('a'), first)
  assert.is(kms.calls.generateDataKey, 3)
})

fact('where keys are not reused there is no lease', { reuse: 'object' }, async ({ keys, kms }) => {
  assert.is(await keys.lease(bucket(), { signal: signal() }), undefined)
  assert.is(kms.calls.generateDataKey, 0)
})

fact('an epoch ends by its age', { epochAgeMs: 10 * minuteMs }, async ({ kms, clock, lease }) => {
  const first = await lease()
  await clock.advance(7 * minuteMs)
  assert.equal(await lease(), first)
  await clock.advance(3 * minuteMs)
  assert.not.equal(await lease(), first)
  assert.is(kms.calls.generateDataKey, 2)
})

fact('an epoch ends by its uses, leases taken together', { epochUsesMax: 150 }, async ({ keys, kms }) => {
  const uses: number[] = []
  for (let index = 0; index < 4; index++) {
    uses.push((await keys.lease(bucket(), { signal: signal() }))?.terms.uses ?? 0)
  }
  assert.equal(uses, [64, 64, 22, 64])
  assert.is(kms.calls.generateDataKey, 2)
})

fact('a lease is no longer than what is left of the epoch', {}, async ({ keys, clock }) => {
  await keys.lease(bucket(), { signal: signal() })
  await clock.advance(minuteMs)
  const young = await keys.lease(bucket(), { signal: signal() })
  assert.is(young?.terms.ageMs, defaultKeyLimits.leaseAgeMs)
  for (let minute = 0; minute < 5; minute++) {
    await clock.advance(9 * minuteMs)
    await keys.lease(bucket(), { signal: signal() })
  }
  const old = await keys.lease(bucket(), { signal: signal() })
  assert.ok((old?.terms.ageMs ?? 0) <= defaultKeyLimits.leaseAgeMs)
})

fact(
  'an epoch that nobody uses is dropped',
  { idleMs: 5 * minuteMs },
  async ({ keys, kms, clock, lease }) => {
    await lease()
    assert.is(keys.status.epochs, 1)
    await clock.advance(5 * minuteMs)
    assert.is(keys.status.epochs, 0)
    await lease()
    assert.is(kms.calls.generateDataKey, 2)
  },
)

fact('what an epoch has sealed opens without the KMS', {}, async ({ keys, kms, open }) => {
  const key = await keys.lease(bucket(), { signal: signal() })
  assert.ok(key)
  assert.equal(await open(key.sealed), key.plaintext)
  assert.is(kms.calls.decrypt, 0)
})

fact('a key is opened by one call, however many ask for it', {}, async ({ kms, seal, open }) => {
  const sealed = await seal()
  const held = kms.hold()
  const all = Array.from({ length: 100 }, () => open(sealed))
  held.release()
  await Promise.all(all)
  await open(sealed)
  assert.is(kms.calls.decrypt, 1)
})

fact('the key that was used least recently makes room', { entriesMax: 2 }, async (fixture) => {
  const { kms, evicted, seal, open } = fixture
  const [a, b, c] = [await seal(), await seal(), await seal()]
  for (const sealed of [a, b, a, c]) await open(sealed)
  assert.is(kms.calls.decrypt, 3)
  assert.equal(evicted, ['entries'])
  await open(a)
  assert.is(kms.calls.decrypt, 3)
  await open(b)
  assert.is(kms.calls.decrypt, 4)
})

fact(
  'a key is asked for again after its age',
  { ageMs: 10 * minuteMs },
  async ({ kms, clock, seal, open }) => {
    const sealed = await seal()
    await open(sealed)
    await clock.advance(10 * minuteMs - 1)
    assert.is(kms.calls.decrypt, 1)
    await clock.advance(1)
    await open(sealed)
    assert.is(kms.calls.decrypt, 2)
  },
)

fact('ages are jittered by up to a tenth', { ageMs: 10 * minuteMs, chance: 0.999 }, async (fixture) => {
  const { kms, clock, seal, open } = fixture
  const sealed = await seal()
  await open(sealed)
  await clock.advance(9.1 * minuteMs)
  await open(sealed)
  assert.is(kms.calls.decrypt, 2)
})

fact('a key in use is fetched anew ahead of its age, one call', { ageMs: 10 * minuteMs }, async (fixture) => {
  const { kms, clock, seal, open } = fixture
  const sealed = await seal()
  const key = await open(sealed)
  await clock.advance(8 * minuteMs)
  const held = kms.hold()
  for (let index = 0; index < 10; index++) assert.equal(await open(sealed), key)
  assert.is(kms.calls.decrypt, 2)
  held.release()
  await clock.advance(5 * minuteMs)
  assert.equal(await open(sealed), key)
  assert.is(kms.calls.decrypt, 2)
})

fact('a key that nobody uses is zeroed', { idleMs: 2 * minuteMs }, async (fixture) => {
  const { keys, kms, clock, evicted, seal, open } = fixture
  const sealed = await seal()
  await open(sealed)
  await clock.advance(2 * minuteMs)
  assert.is(keys.status.openedKeys, 0)
  assert.equal(evicted, ['idle'])
  await open(sealed)
  assert.is(kms.calls.decrypt, 2)
})

fact('a key is asked for again after its uses', { usesMax: 3 }, async ({ kms, evicted, seal, open }) => {
  const sealed = await seal()
  for (let use = 0; use < 3; use++) await open(sealed)
  assert.is(kms.calls.decrypt, 1)
  await open(sealed)
  assert.is(kms.calls.decrypt, 2)
  assert.equal(evicted, ['uses'])
})

fact('a key that does not open is asked for once in 30 seconds', {}, async ({ kms, clock, seal, open }) => {
  const sealed = await seal()
  const tampered = Uint8Array.from(sealed, (byte, index) => (index === 20 ? byte ^ 1 : byte))
  for (let time = 0; time < 5; time++) await rejectsWith('invalid-ciphertext', open(tampered))
  assert.is(kms.calls.decrypt, 1)
  await clock.advance(30_000)
  await rejectsWith('invalid-ciphertext', open(tampered))
  assert.is(kms.calls.decrypt, 2)
})

test.run()
