import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KeptSecret, KeyRing, SealedDataKey } from '../../control/client.ts'
import { KmsError } from '../../control/errors.ts'
import { keyId, sealedKey, withRing } from '../support/key-ring-fixture.ts'
import { until } from '../support/vault/fixture.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

/** Secrets that are kept with a data key of a front-end: no longer than it, and no other use of them than of it. */

const test = suite('control/kept-secrets')

const minuteMs = 60_000
const zeros = new Uint8Array(64)

async function keep(
  ring: KeyRing,
  key: SealedDataKey,
): Promise<{ readonly secret: Uint8Array; readonly kept: KeptSecret }> {
  const opened = await ring.open(key)
  opened.fill(0)
  const secret = new Uint8Array(randomBytes(64))
  const kept = ring.keep(key, secret)
  assert.ok(kept)
  return { secret, kept }
}

test('a secret serves with its data key, and is zeroed when it is released', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const control = await system.startControl()
    const key = await sealedKey(control)
    const [first, second] = [await keep(ring, key), await keep(ring, key)]
    for (let use = 0; use < 3; use++) assert.ok(first.kept.use())
    assert.not.equal(first.secret, zeros)
    first.kept.release()
    assert.equal(first.secret, zeros)
    assert.not(first.kept.use())
    assert.ok(second.kept.use())
    assert.is((await control.calls()).Decrypt, 1)
  }))

test('with a data key that is not held nothing is kept', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const key = await sealedKey(await system.startControl())
    const secret = new Uint8Array(randomBytes(64))
    assert.is(ring.keep(key, secret), undefined)
    assert.equal(secret, zeros)
  }))

test('its uses are uses of the data key, and end with them', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const control = await system.startControl({ limits: { usesMax: 100 } })
    const { kept, secret } = await keep(ring, await sealedKey(control))
    let uses = 1
    while (kept.use()) uses++
    assert.is(uses, 64)
    assert.equal(secret, zeros)
  }))

test('it outlives a renewal of the lease, which comes before the uses have come to an end', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const control = await system.startControl()
    const key = await sealedKey(control)
    const { kept } = await keep(ring, key)
    for (let use = 0; use < 20_000; use++) {
      assert.ok(kept.use(), `use ${use}`)
      if (use % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const { Decrypt = 0 } = await control.calls()
    assert.ok(Decrypt >= 5 && Decrypt <= 8, `${Decrypt} calls`)
  }))

for (const [limit, limits, waitMs] of [
  ['age', { leaseAgeMs: 2 * minuteMs, offlineGraceMs: 0 }, 2 * minuteMs],
  ['idleness', { idleMs: minuteMs }, minuteMs],
] as const) {
  const clock = new ManualClock()
  test(`it ends with the ${limit} of the data key`, () =>
    withRing(['control'], { clock }, async ({ system, ring }) => {
      const { kept, secret } = await keep(ring, await sealedKey(await system.startControl({ limits })))
      assert.ok(kept.use())
      await clock.advance(waitMs)
      assert.not(kept.use())
      assert.equal(secret, zeros)
    }))
}

test('a data key that makes room takes its secrets along', () =>
  withRing(['control'], { entriesMax: 2 }, async ({ system, ring }) => {
    const control = await system.startControl()
    const { kept, secret } = await keep(ring, await sealedKey(control))
    for (let other = 0; other < 2; other++) await ring.open(await sealedKey(control))
    assert.equal(secret, zeros)
    assert.not(kept.use())
  }))

test('a flush zeroes it, and a disabled key refuses it', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const control = await system.startControl()
    await until(async () => (await control.metric('sealgate_kms_watchers')) === 1)
    const key = await sealedKey(control)
    const flushed = await keep(ring, key)
    await control.flush()
    await until(async () => !flushed.kept.use())
    assert.equal(flushed.secret, zeros)
    const disabled = await keep(ring, key)
    await control.disable(keyId)
    await until(async () => disabled.secret.every((byte) => byte === 0))
    assert.throws(
      () => disabled.kept.use(),
      (error: unknown) => error instanceof KmsError && error.code === 'access-denied',
    )
  }))

test('the end of the ring zeroes it', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const { secret } = await keep(ring, await sealedKey(await system.startControl()))
    await ring.close()
    assert.equal(secret, zeros)
  }))

test.run()
