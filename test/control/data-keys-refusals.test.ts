import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../control/errors.ts'
import { DataKeys } from '../../control/keys/data-keys.ts'
import { defaultKeyLimits } from '../../control/keys/key-limits.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { away, countCalls, refused } from '../support/counting-provider.ts'
import { bucket, keyId, log, minuteMs, signal, withDataKeys } from '../support/data-keys-fixture.ts'
import { until } from '../support/vault/fixture.ts'

const test = suite('control/data-keys-refusals')

const fact = (title: string, ...given: Parameters<typeof withDataKeys>) =>
  test(title, () => withDataKeys(...given))

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

fact(
  'a request that is too large for the KMS ends no lease',
  {},
  async ({ keys, kms, lease, evicted, clock }) => {
    await lease()
    await clock.advance(6 * minuteMs)
    kms.failWith(new KmsError('too-large', 'too large'))
    await rejectsWith('too-large', keys.lease(bucket(), { signal: signal() }))
    assert.not.ok(evicted.includes('refused'))
    assert.is(keys.status.epochs, 1)
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
