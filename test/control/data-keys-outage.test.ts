import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DataKeys } from '../../control/keys/data-keys.ts'
import { defaultKeyLimits } from '../../control/keys/key-limits.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { away } from '../support/counting-provider.ts'
import { bucket, log, minuteMs, signal, withDataKeys } from '../support/data-keys-fixture.ts'

const test = suite('control/data-keys-outage')

const fact = (title: string, ...given: Parameters<typeof withDataKeys>) =>
  test(title, () => withDataKeys(...given))

fact('while the KMS is away a cold key asks it once in a second', {}, async ({ kms, clock, seal, open }) => {
  const sealed = await seal()
  kms.failWith(away)
  for (let time = 0; time < 5; time++) await rejectsWith('unavailable', open(sealed))
  assert.is(kms.calls.decrypt, 1)
  kms.failWith(undefined)
  await clock.advance(1_000)
  await open(sealed)
  assert.is(kms.calls.decrypt, 2)
})

fact(
  'with the KMS away keys open for the grace, which counts down, and then no more',
  { ageMs: 5 * minuteMs, offlineGraceMs: 15 * minuteMs },
  async ({ keys, kms, clock, evicted, seal, open }) => {
    const sealed = await seal()
    const key = await open(sealed)
    kms.failWith(away)
    await clock.advance(5 * minuteMs)
    assert.equal(await open(sealed), key)
    assert.is(keys.status.offlineGraceRemainingMs, 15 * minuteMs)
    await clock.advance(10 * minuteMs)
    assert.is(keys.status.offlineGraceRemainingMs, 5 * minuteMs)
    assert.equal(await open(sealed), key)
    await clock.advance(5 * minuteMs)
    assert.is(keys.status.offlineGraceRemainingMs, 0)
    await rejectsWith('unavailable', open(sealed))
    assert.is(keys.status.openedKeys, 0)
    assert.equal(evicted, ['grace'])
    kms.failWith(undefined)
    await clock.advance(1_000)
    assert.equal(await open(sealed), key)
    assert.is(keys.status.offlineGraceRemainingMs, 15 * minuteMs)
  },
)

fact(
  'nothing is sealed beyond an epoch’s age, grace or not',
  { epochAgeMs: 10 * minuteMs },
  async (fixture) => {
    const { kms, clock, lease } = fixture
    const key = await lease()
    kms.failWith(away)
    await clock.advance(9 * minuteMs)
    assert.equal(await lease(), key)
    await clock.advance(minuteMs)
    await rejectsWith('unavailable', lease())
  },
)

fact(
  'with the KMS away an epoch’s key seals for as long as it opens: its age, and the grace',
  { ageMs: 5 * minuteMs, offlineGraceMs: 15 * minuteMs, epochAgeMs: 60 * minuteMs },
  async ({ kms, clock, lease }) => {
    const key = await lease()
    kms.failWith(away)
    await clock.advance(5 * minuteMs)
    assert.equal(await lease(), key)
    await clock.advance(14 * minuteMs)
    assert.equal(await lease(), key)
    await clock.advance(minuteMs)
    await rejectsWith('unavailable', lease())
    kms.failWith(undefined)
    await clock.advance(1_000)
    assert.equal(await lease(), key)
  },
)

fact(
  'without a grace an epoch’s key seals for as long as an opened one lasts, whatever fails meanwhile',
  { ageMs: 5 * minuteMs, offlineGraceMs: 0, epochAgeMs: 60 * minuteMs },
  async ({ kms, clock, lease }) => {
    const key = await lease()
    kms.failWith(away)
    await rejectsWith('unavailable', lease('other'))
    await clock.advance(4 * minuteMs)
    assert.equal(await lease(), key)
    await clock.advance(minuteMs)
    await rejectsWith('unavailable', lease())
  },
)

fact(
  'what is leased while the KMS is away is leased for 30 seconds, without a grace',
  {},
  async (fixture) => {
    const { keys, kms, clock, seal, open } = fixture
    const sealed = await seal()
    await open(sealed)
    kms.failWith(away)
    await clock.advance(6 * minuteMs)
    const { terms } = await keys.open({ ...bucket(), sealed, leased: true }, { signal: signal() })
    assert.is(terms?.ageMs, 30_000)
    assert.is(terms?.offlineGraceMs, 0)
  },
)

fact('a call that its client gave up is no outage', {}, async ({ keys, kms }) => {
  const calls = [
    (own: AbortSignal) => keys.generate(bucket(), own),
    (own: AbortSignal) => keys.encrypt({ ...bucket(), plaintext: new Uint8Array(1) }, own),
    (own: AbortSignal) =>
      keys.open({ ...bucket(), sealed: new Uint8Array(5_000), leased: false }, { signal: own }),
  ]
  for (const call of calls) {
    kms.failWith(away)
    await rejectsWith('unavailable', call(AbortSignal.abort()))
    assert.is(keys.status.offlineSinceMs, 0)
    await rejectsWith('unavailable', call(signal()))
    assert.ok(keys.status.offlineSinceMs > 0)
    kms.failWith(undefined)
    await keys.generate(bucket(), signal())
  }
})

fact('a restart does not extend the grace', {}, async ({ keys, kms, seal, open }) => {
  const sealed = await seal()
  await open(sealed)
  kms.failWith(away)
  const restarted = new DataKeys({ provider: kms, limits: defaultKeyLimits, log })
  try {
    const request = { ...bucket(), sealed, leased: false }
    await rejectsWith('unavailable', restarted.open(request, { signal: signal() }))
    assert.is(keys.status.openedKeys, 1)
  } finally {
    restarted.close()
  }
})

test.run()
