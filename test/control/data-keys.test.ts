import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KmsError } from '../../control/errors.ts'
import { DataKeys } from '../../control/keys/data-keys.ts'
import { defaultKeyLimits, type KeyLimits } from '../../control/keys/key-limits.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { away, type CountingProvider, countCalls, refused } from '../support/counting-provider.ts'
import { until } from '../support/vault/fixture.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

const test = suite('control/data-keys')

const keyId = 'my-minio-key'
const minuteMs = 60_000
const bucket = (name = 'bucket') => ({ keyId, context: { [name]: name } })
const signal = () => AbortSignal.timeout(10_000)
const log = pino({ level: 'silent' })

interface Fixture {
  readonly keys: DataKeys
  readonly kms: CountingProvider
  readonly clock: ManualClock
  /** Evictions of opened keys, by their reasons. */
  readonly evicted: string[]
  lease(name?: string): Promise<Uint8Array>
  /** A sealed key of its own, that control does not know. */
  seal(): Promise<Uint8Array>
  open(sealed: Uint8Array): Promise<Uint8Array>
}

function fact(
  title: string,
  limits: Partial<KeyLimits> & { readonly disabledKeysFile?: string; readonly chance?: number },
  check: (fixture: Fixture) => Promise<void>,
): void {
  test(title, async () => {
    const { disabledKeysFile, chance, ...changed } = limits
    const kms = countCalls()
    const clock = new ManualClock(chance)
    const evicted: string[] = []
    const ignore = () => {}
    const keys = new DataKeys({
      provider: kms,
      limits: { ...defaultKeyLimits, ...changed },
      log,
      clock,
      openedEvents: { hit: ignore, miss: ignore, stale: ignore, evicted: (reason) => evicted.push(reason) },
      ...(disabledKeysFile !== undefined && { disabledKeysFile }),
    })
    try {
      await check({
        keys,
        kms,
        clock,
        evicted,
        lease: async (name) => {
          const key = await keys.lease(bucket(name), { signal: signal() })
          assert.ok(key)
          return key.plaintext
        },
        seal: async () => (await keys.generate(bucket(), signal())).sealed,
        open: async (sealed) =>
          (await keys.open({ ...bucket(), sealed, leased: false }, { signal: signal() })).plaintext,
      })
    } finally {
      keys.close()
      await kms.close()
    }
  })
}

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

fact(
  'what the KMS refuses to do with the default key is told until it does it again',
  {},
  async (fixture) => {
    const { keys, kms, seal, open, clock } = fixture
    const sealed = await seal()
    assert.is(keys.status.trouble, '')
    kms.failWith(refused)
    await rejectsWith('access-denied', keys.lease(bucket('other'), { signal: signal() }))
    const at = new Date(clock.wallMs()).toISOString()
    assert.is(keys.status.trouble, `the KMS refuses the default key: the KMS refuses (${at})`)
    // Another key's refusal says nothing, nor does an outage end one.
    kms.failWith(away)
    await rejectsWith('unavailable', keys.generate(bucket(), signal()))
    assert.is.not(keys.status.trouble, '')
    kms.failWith(undefined)
    await open(sealed)
    assert.is.not(keys.status.trouble, '')
    await clock.advance(minuteMs)
    await keys.lease(bucket('other'), { signal: signal() })
    assert.is(keys.status.trouble, '')
  },
)

fact(
  'a refusal of what is never asked for again is told for ten minutes',
  {},
  async ({ keys, kms, clock }) => {
    kms.failWith(refused)
    const encryption = { ...bucket(), plaintext: new Uint8Array(1) }
    await rejectsWith('access-denied', keys.encrypt(encryption, signal()))
    kms.failWith(undefined)
    await keys.generate(bucket(), signal())
    await clock.advance(10 * minuteMs)
    assert.match(keys.status.trouble, 'the KMS refuses')
    await clock.advance(1)
    assert.is(keys.status.trouble, '')
  },
)

fact('a disabled key seals and opens nothing, and an enabled one does again', {}, async (fixture) => {
  const { keys, kms, lease, seal, open } = fixture
  const sealed = await seal()
  await lease()
  await open(sealed)
  assert.is(keys.setDisabled(keyId, true), false)
  assert.is(keys.status.openedKeys + keys.status.epochs, 0)
  const { calls } = kms
  const before = { ...calls }
  await rejectsWith('access-denied', lease())
  await rejectsWith('access-denied', open(sealed))
  await rejectsWith('access-denied', seal())
  await rejectsWith('access-denied', keys.encrypt({ ...bucket(), plaintext: new Uint8Array(1) }, signal()))
  await rejectsWith('access-denied', keys.rewrap({ ...bucket(), sealed }, signal()))
  assert.equal(calls, before)
  keys.setDisabled(keyId, false)
  await open(sealed)
  await lease()
})

fact('a key that is disabled while it is fetched is not kept', {}, async ({ keys, kms, lease }) => {
  const held = kms.hold()
  const leasing = lease()
  leasing.catch(() => {})
  keys.setDisabled(keyId, true)
  held.release()
  await rejectsWith('access-denied', leasing)
  assert.is(keys.status.epochs, 0)
})

fact('a key that the KMS refuses at its refresh loses all leases', {}, async (fixture) => {
  const { keys, kms, clock, lease, seal, open } = fixture
  await lease()
  await open(await seal())
  kms.failWith(refused)
  await clock.advance(4 * minuteMs)
  // The lease is served, and finds out that the KMS has changed its mind.
  await lease()
  await until(() => keys.status.epochs === 0 && keys.status.openedKeys === 0)
  await rejectsWith('access-denied', lease())
})

fact('one refusal of another call is looked into', {}, async ({ keys, kms, lease, seal, open }) => {
  await lease()
  const sealed = await seal()
  kms.failWith(refused)
  await rejectsWith('access-denied', open(sealed))
  await until(() => keys.status.epochs === 0 && keys.status.openedKeys === 0)
})

fact('a flush ends everything that is held', {}, async ({ keys, kms, lease, seal, open }) => {
  const sealed = await seal()
  await open(sealed)
  await lease()
  assert.is(keys.flush(), 3)
  await open(sealed)
  assert.is(kms.calls.decrypt, 1 + 1)
})

test('keys stay disabled over a restart, and a change of their file is heard by others', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-disabled-'))
  const disabledKeysFile = join(directory, 'disabled.json')
  const provider = countCalls()
  const lines: string[] = []
  const heard = (text: string) => until(() => lines.some((line) => line.includes(text)))
  const listening = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
  const make = () => new DataKeys({ provider, limits: defaultKeyLimits, log: listening, disabledKeysFile })
  const opened: DataKeys[] = []
  try {
    const [first, second] = [make(), make()]
    opened.push(first, second)
    assert.is(first.setDisabled(keyId, true), true)
    assert.equal(JSON.parse(readFileSync(disabledKeysFile, 'utf8')), { disabled: [keyId] })
    assert.is(statSync(disabledKeysFile).mode & 0o777, 0o600)
    await until(() => second.status.disabledKeyIds.includes(keyId))
    const restarted = make()
    opened.push(restarted)
    await rejectsWith('access-denied', restarted.lease(bucket(), { signal: signal() }))
    writeFileSync(disabledKeysFile, '{"disabled":[]}')
    await until(() => [first, second, restarted].every((keys) => keys.status.disabledKeyIds.length === 0))
    writeFileSync(disabledKeysFile, '{"disabled":["other"]}')
    await until(() => first.status.disabledKeyIds.includes('other'))
    rmSync(disabledKeysFile)
    await heard('the list of disabled keys is gone')
    assert.equal(first.status.disabledKeyIds, ['other'])
    writeFileSync(disabledKeysFile, 'nonsense')
    await heard('the list of disabled keys cannot be read')
    assert.equal(first.status.disabledKeyIds, ['other'])
    assert.throws(make, (error: KmsError) => error.code === 'internal')
  } finally {
    for (const keys of opened) keys.close()
    await provider.close()
    rmSync(directory, { recursive: true, force: true })
  }
})

test('closing zeroes every key', async () => {
  const plaintexts: Uint8Array[] = []
  const kms = countCalls()
  const generateDataKey = async (request: Parameters<typeof kms.generateDataKey>[0]) => {
    const key = await kms.generateDataKey(request)
    plaintexts.push(key.plaintext)
    return key
  }
  const keys = new DataKeys({ provider: { ...kms, generateDataKey }, limits: defaultKeyLimits, log })
  await keys.lease(bucket('a'), { signal: signal() })
  await keys.lease(bucket('b'), { signal: signal() })
  keys.flush()
  await keys.lease(bucket('c'), { signal: signal() })
  keys.close()
  await kms.close()
  assert.is(plaintexts.length, 3)
  for (const plaintext of plaintexts) assert.equal(plaintext, new Uint8Array(32))
})

test.run()
