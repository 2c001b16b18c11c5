import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../../control/errors.ts'
import { verifyAudit } from '../../../control/index.ts'
import type { SystemRecords } from '../../../s3api/backends/backend.ts'
import { openGatewayBackend } from '../../../s3api/backends/gateway/index.ts'
import { rewrapStore } from '../../../s3api/sse/rewrap-store.ts'
import { epochRecord, fingerprintRecord } from '../../../s3api/sse/system-messages.ts'
import { testMasterKey } from '../../support/control.ts'
import { type CountingProvider, countCalls } from '../../support/counting-provider.ts'
import {
  type KeySystem,
  objectText,
  type RunningControl,
  type RunningFrontEnd,
  withKeySystem,
} from '../../support/key-system.ts'
import { runProgram, startProgram } from '../../support/program.ts'
import { startUpstreamStore, type UpstreamStore } from '../../support/upstream-store.ts'
import { toConfig } from '../../support/vault/fixture.ts'
import { seedPolicy } from '../../support/vault/seed.ts'
import { startVaultSimulator, type VaultSimulator } from '../../support/vault-simulator.ts'

const test = suite('s3api/sse/rewrap')

const keyId = 'my-minio-key'
const hexKey = Buffer.from(testMasterKey.key).toString('hex')
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

/** A store with the epochs of many buckets: that of a front-end unless given. */
async function makeEpochs(system: KeySystem, count: number, given?: SystemRecords): Promise<SystemRecords> {
  const control = await system.startControl()
  const records = given ?? (await system.startFrontEnd()).backend.system
  for (let index = 0; index < count; index++) {
    const context = { [`bucket-${index}`]: `bucket-${index}` }
    const key = await control.keys.generateDataKey({ context })
    const record = {
      keyId,
      sealedDataKey: Buffer.from(key.sealed),
      context,
      createdAtMs: 1,
      rewrappedAtMs: 0,
    }
    await records.put(`epochs/${String(index).padStart(6, '0')}`, epochRecord.encode(record))
  }
  await control.stop()
  return records
}

/** A KMS that is away after so many payloads were sealed. */
function awayAfter(count: number): CountingProvider {
  const kms = countCalls()
  const encrypt = async (request: Parameters<CountingProvider['encrypt']>[0]) => {
    if (kms.calls.encrypt === count) throw new KmsError('unavailable', 'the KMS is away')
    return kms.encrypt(request)
  }
  return { ...kms, encrypt }
}

test('an interrupted rewrap goes on behind the last batch', () =>
  withKeySystem(async (system) => {
    const records = await makeEpochs(system, 120)
    const broken = await system.startControl({ provider: awayAfter(110) })
    const error = await rewrapStore(records, broken.keys, { now }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.instance(error, KmsError)
    await broken.stop()
    const kms = countCalls()
    const control = await system.startControl({ provider: kms })
    const report = await rewrapStore(records, control.keys, { now })
    assert.is(report.resumed, true)
    assert.is(report.epochs, 120)
    assert.is(kms.calls.encrypt, 20)
    const again = await rewrapStore(records, control.keys, { now })
    assert.is(again.resumed, false)
    assert.is(again.epochs, 120)
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

test('`sealgate rewrap` does it for a store, with a control service of its own', () =>
  withKeySystem(async (system) => {
    await makeEpochs(system, 3)
    const env = { SEALGATE_KMS_MASTER_KEY: `${keyId}:${hexKey}` }
    const store = join(system.directory, 'store')
    const done = await runProgram(['rewrap', store], env)
    assert.is(done.stdout, '3 epochs and 0 fingerprints sealed anew, 0 failed\n')
    assert.is(done.status, 0)
    const without = await runProgram(['rewrap', store], {})
    assert.is(without.status, 2)
    assert.match(without.stderr, 'no server runs on')
    const mistyped = join(system.directory, 'stroe')
    const nothing = await runProgram(['rewrap', mistyped], env)
    assert.equal([nothing.status, nothing.stdout], [2, ''])
    assert.is(nothing.stderr, `sealgate: there is no store in ${mistyped}\n`)
    assert.not.ok(existsSync(mistyped))
  }))

test('a key that was disabled at the server of a store is not used by a rewrap without it', () =>
  withKeySystem(async (system) => {
    await makeEpochs(system, 2)
    const store = join(system.directory, 'store')
    writeFileSync(join(store, '.sealgate', 'disabled-keys.json'), JSON.stringify({ disabled: [keyId] }))
    const env = { SEALGATE_KMS_MASTER_KEY: `${keyId}:${hexKey}` }
    const { status, stdout } = await runProgram(['rewrap', store], env)
    assert.is(status, 1)
    assert.match(stdout, /^0 epochs and 0 fingerprints sealed anew, 2 failed\n/)
  }))

interface GatewayScene {
  readonly upstream: UpstreamStore
  /** Of the gateway, without its KMS. */
  readonly env: Readonly<Record<string, string>>
}

/** A store behind a gateway, with two epochs. */
async function withGatewayStore(check: (scene: GatewayScene) => Promise<void>): Promise<void> {
  await withKeySystem(async (system) => {
    const upstream = await startUpstreamStore()
    try {
      const config = upstream.config()
      const backend = await openGatewayBackend(config, { log: pino({ level: 'silent' }) })
      await makeEpochs(system, 2, backend.system)
      await backend.close()
      assert.is(config.credentials.kind, 'static')
      const keys = config.credentials.kind === 'static' ? config.credentials.credential : undefined
      const env = {
        SEALGATE_ACCESS_KEY: 'access-key',
        SEALGATE_SECRET_KEY: 'secret-access-key',
        SEALGATE_BACKEND_ACCESS_KEY: keys?.accessKey ?? '',
        SEALGATE_BACKEND_SECRET_KEY: keys?.secretKey ?? '',
        // What runs on this machine besides is not to be found.
        TMPDIR: system.directory,
      }
      await check({ upstream, env })
    } finally {
      await upstream.close()
    }
  })
}

test('`sealgate rewrap --gateway` does it for the store behind a gateway', () =>
  withGatewayStore(async ({ upstream, env }) => {
    const kms = { SEALGATE_KMS_MASTER_KEY: `${keyId}:${hexKey}` }
    const done = await runProgram(['rewrap', '--gateway', upstream.url], { ...env, ...kms })
    assert.is(done.stdout, '2 epochs and 0 fingerprints sealed anew, 0 failed\n')
    const without = await runProgram(['rewrap', '--gateway', upstream.url], env)
    assert.is(without.status, 2)
    assert.match(without.stderr, 'without a KMS')
  }))

test('`sealgate rewrap --gateway` asks the control service of the gateway that runs, which keeps its audit', () =>
  withGatewayStore(async ({ upstream, env }) => {
    const audit = join(env.TMPDIR ?? '', 'audit.log')
    const all = { ...env, SEALGATE_KMS_MASTER_KEY: `${keyId}:${hexKey}`, SEALGATE_AUDIT_FILE: audit }
    const off = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']
    const gateway = startProgram(['gateway', 's3', upstream.url, ...off], all)
    try {
      await gateway.output(/the front-end is listening/)
      const done = await runProgram(['rewrap', '--gateway', upstream.url], all)
      assert.is(done.stdout, '2 epochs and 0 fingerprints sealed anew, 0 failed\n', done.stderr)
    } finally {
      await gateway.end()
    }
    assert.is(readFileSync(audit, 'utf8').match(/"operation":"Rewrap"/g)?.length, 2)
    await verifyAudit([audit])
  }))

test.run()
