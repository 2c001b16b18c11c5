import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../../control/errors.ts'
import type { SystemRecords } from '../../../s3api/backends/backend.ts'
import { rewrapStore } from '../../../s3api/sse/rewrap-store.ts'
import { epochRecord, fingerprintRecord } from '../../../s3api/sse/system-messages.ts'
import { type CountingProvider, countCalls } from '../../support/counting-provider.ts'
import { makeEpochs } from '../../support/epochs.ts'
import {
  objectText,
  type RunningControl,
  type RunningFrontEnd,
  withKeySystem,
} from '../../support/key-system.ts'
import { toConfig } from '../../support/vault/fixture.ts'
import { seedPolicy } from '../../support/vault/seed.ts'
import { startVaultSimulator, type VaultSimulator } from '../../support/vault-simulator.ts'

const test = suite('s3api/sse/rewrap')

const keyId = 'my-minio-key'
const buckets = ['a-bucket', 'b-bucket', 'c-bucket']
const now = () => 1_700_000_000_000

interface Scene {
  readonly vault: VaultSimulator
  readonly control: RunningControl
  readonly front: RunningFrontEnd
}

/** Two objects in each of three buckets, sealed by the first version of a key of Vault. */
async function withVault(policy: string, check: (scene: Scene) => Promise<void>): Promise<void> {
  const vault = await startVaultSimulator()
  try {
    const credentials = await vault.setUpSeed({ policy })
    await withKeySystem(async (system) => {
      const control = await system.startControl({ config: toConfig(vault.endpoint, credentials) })
      while (!(await control.keys.status()).ready) await new Promise((resolve) => setTimeout(resolve, 20))
      const front = await system.startFrontEnd()
      for (const bucket of buckets) {
        await front.send({ method: 'PUT', target: `/${bucket}` })
        for (const key of ['1', '2']) assert.is((await front.put(`/${bucket}/${key}`)).status, 200)
      }
      await check({ vault, control, front })
    })
  } finally {
    await vault.close()
  }
}

async function sealedKeys({ system }: RunningFrontEnd['backend']): Promise<string[]> {
  const names = [
    ...(await system.list('epochs/', { after: '', limit: 100 })),
    ...(await system.list('fingerprints/', { after: '', limit: 100 })),
  ]
  const records = await Promise.all(names.map(async (name) => ({ name, record: await system.get(name) })))
  return records.map(({ name, record }) => {
    assert.ok(record)
    const sealed = name.startsWith('epochs/')
      ? epochRecord.decode(record).sealedDataKey
      : fingerprintRecord.decode(record).sealed
    return Buffer.from(sealed).toString('latin1')
  })
}

for (const [title, policy, path] of [
  ['the policy of the quickstart', seedPolicy(keyId), 'transit/encrypt'],
  [
    'transit/rewrap granted',
    `${seedPolicy(keyId)}path "transit/rewrap/${keyId}" {\n  capabilities = [ "update"]\n}\n`,
    'transit/rewrap',
  ],
] as const) {
  test(`after a rotation and a rewrap the old version is not needed any more: ${title}`, () =>
    withVault(policy, async ({ vault, control, front }) => {
      assert.ok((await sealedKeys(front.backend)).every((sealed) => sealed.startsWith('vault:v1:')))
      await vault.admin()('PUT', `transit/keys/${keyId}/rotate`)
      const before = vault.count(path)
      const report = await rewrapStore(front.backend.system, control.keys, { now })
      assert.equal(report, {
        startedAtMs: now(),
        resumed: false,
        epochs: buckets.length,
        fingerprints: 1,
        failed: 0,
        failures: [],
        leaving: [],
      })
      assert.is(vault.count(path) - before, buckets.length + 1)
      assert.ok((await sealedKeys(front.backend)).every((sealed) => sealed.startsWith('vault:v2:')))
      await vault.admin()('PUT', `transit/keys/${keyId}/config`, { min_decryption_version: 2 })
      await control.flush()
      for (const bucket of buckets) {
        for (const key of ['1', '2']) assert.is((await front.get(`/${bucket}/${key}`)).body, objectText)
      }
    }))
}

test('without a rewrap an old version that Vault refuses is refused to clients', () =>
  withVault(seedPolicy(keyId), async ({ vault, control, front }) => {
    await vault.admin()('PUT', `transit/keys/${keyId}/rotate`)
    await vault.admin()('PUT', `transit/keys/${keyId}/config`, { min_decryption_version: 2 })
    await control.flush()
    assert.is((await front.get('/a-bucket/1')).status, 403)
  }))

test('an object’s own copy of the data key opens where the record does not', () =>
  withVault(seedPolicy(keyId), async ({ control, front }) => {
    const { system } = front.backend
    for (const [index, name] of (await system.list('epochs/', { after: '', limit: 10 })).entries()) {
      const record = await system.get(name)
      assert.ok(record)
      const sealedDataKey = Buffer.from('vault:v1:bm90aGluZw==')
      if (index === 0)
        await system.put(name, epochRecord.encode({ ...epochRecord.decode(record), sealedDataKey }))
      else if (index === 1) await system.put(name, Buffer.from('nonsense'))
      else await system.delete(name)
    }
    await control.flush()
    for (const bucket of buckets) assert.is((await front.get(`/${bucket}/1`)).body, objectText)
  }))

test('the record of another epoch is not taken for the object’s', () =>
  withVault(seedPolicy(keyId), async ({ control, front }) => {
    const { system } = front.backend
    const names = await system.list('epochs/', { after: '', limit: 10 })
    const records = await Promise.all(names.map((name) => system.get(name)))
    for (const [index, name] of names.entries()) {
      await system.put(name, records[(index + 1) % names.length] ?? new Uint8Array())
    }
    await control.flush()
    for (const bucket of buckets) assert.is((await front.get(`/${bucket}/1`)).body, objectText)
  }))

/** A KMS that is away after so many payloads were sealed. */
function awayAfter(count: number): CountingProvider {
  const kms = countCalls()
  const encrypt = async (request: Parameters<CountingProvider['encrypt']>[0]) => {
    if (kms.calls.encrypt === count) throw new KmsError('unavailable', 'the KMS is away')
    return kms.encrypt(request)
  }
  return { ...kms, encrypt }
}

/** When each epoch was sealed anew, in the order of their names. */
async function rewrapTimes(records: SystemRecords): Promise<readonly number[]> {
  const names = await records.list('epochs/', { after: '', limit: 1000 })
  const all = await Promise.all(names.map((name) => records.get(name)))
  return all.map((record) => Number(epochRecord.decode(record ?? new Uint8Array()).rewrappedAtMs))
}

test('an interrupted rewrap goes on behind the last batch, then does anew what was done before it', () =>
  withKeySystem(async (system) => {
    const records = await makeEpochs(system, 220)
    for (const [run, { calls, done }] of [
      { calls: 110, done: [...Array(100).fill(1), ...Array(120).fill(0)] },
      // The other two batches, and not the first one a second time.
      { calls: 130, done: [...Array(100).fill(1), ...Array(120).fill(2)] },
    ].entries()) {
      const broken = await system.startControl({ provider: awayAfter(calls) })
      const error = await rewrapStore(records, broken.keys, { now: () => run + 1 }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      assert.instance(error, KmsError)
      await broken.stop()
      assert.equal(await rewrapTimes(records), done)
    }
    const control = await system.startControl()
    const report = await rewrapStore(records, control.keys, { now: () => 3 })
    assert.equal([report.resumed, report.epochs], [true, 220])
    assert.equal([...new Set(await rewrapTimes(records))], [3])
    const again = await rewrapStore(records, control.keys, { now: () => 4 })
    assert.equal([again.resumed, again.epochs], [false, 220])
  }))

test('what cannot be sealed anew is reported, and does not stop the rest', () =>
  withKeySystem(async (system) => {
    const records = await makeEpochs(system, 5)
    await records.put('epochs/000001', Buffer.from('nonsense'))
    const record = epochRecord.decode((await records.get('epochs/000003')) ?? new Uint8Array())
    await records.put('epochs/000003', epochRecord.encode({ ...record, context: { other: 'other' } }))
    const control = await system.startControl()
    const report = await rewrapStore(records, control.keys, { now })
    assert.is(report.epochs, 3)
    assert.equal(report.failures, [
      { name: 'epochs/000001', keyId: '', code: 'unreadable' },
      { name: 'epochs/000003', keyId, code: 'invalid-ciphertext' },
    ])
  }))

test.run()
