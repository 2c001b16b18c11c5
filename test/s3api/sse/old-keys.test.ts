import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ControlConfig, MasterKeyConfig } from '../../../control/config.ts'
import { rewrapStore } from '../../../s3api/sse/rewrap-store.ts'
import { testMasterKey } from '../../support/control.ts'
import {
  type ControlOptions,
  type KeySystem,
  objectText,
  type RunningControl,
  type RunningFrontEnd,
  sseS3,
  withKeySystem,
} from '../../support/key-system.ts'
import { toConfig } from '../../support/vault/fixture.ts'
import { startVaultSimulator } from '../../support/vault-simulator.ts'

/** How a store gets away from a master key. */

const test = suite('s3api/sse/old-keys')

const now = () => 1_700_000_000_000
const objects = ['/a-bucket/1', '/a-bucket/2', '/b-bucket/1']

interface Running {
  readonly control: RunningControl
  readonly front: RunningFrontEnd
  stop(): Promise<void>
}

async function startReady(system: KeySystem, options: ControlOptions): Promise<RunningControl> {
  const control = await system.startControl(options)
  while (!(await control.keys.status()).ready) await new Promise((resolve) => setTimeout(resolve, 20))
  return control
}

async function run(system: KeySystem, options: ControlOptions = {}): Promise<Running> {
  const control = await startReady(system, options)
  const front = await system.startFrontEnd()
  return {
    control,
    front,
    async stop() {
      await front.stop()
      await control.stop()
    },
  }
}

/** A store with objects that were sealed under the test's master key. */
async function withStore(check: (system: KeySystem) => Promise<void>): Promise<void> {
  await withKeySystem(async (system) => {
    const { front, stop } = await run(system)
    for (const bucket of ['a-bucket', 'b-bucket']) await front.send({ method: 'PUT', target: `/${bucket}` })
    for (const target of objects) assert.is((await front.put(target, sseS3)).status, 200)
    await stop()
    await check(system)
  })
}

async function readAll({ front }: Running, targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const { status, body } = await front.get(target)
    assert.equal([status, body], [200, objectText], target)
  }
}

/** The old key is needed until everything is sealed anew, and then no more. */
async function moves(system: KeySystem, config: ControlConfig['provider']): Promise<void> {
  const without = await startReady(system, { config })
  await system.startFrontEnd().then(
    () => assert.unreachable(),
    (error: Error) => {
      assert.is(error.name, 'StoreMismatch')
    },
  )
  await without.stop()
  const both = await run(system, { config, oldKeys: [testMasterKey] })
  await readAll(both, objects)
  assert.is((await both.front.put('/a-bucket/new', sseS3)).status, 200)
  assert.ok((await both.control.metric('sealgate_kms_old_key_opened_total')) > 0)
  const { epochs, fingerprints, failed } = await rewrapStore(both.front.backend.system, both.control.keys, {
    now,
  })
  // Two buckets of before, and what was written since.
  assert.equal([epochs, fingerprints, failed], [3, 1, 0])
  await both.stop()
  const alone = await run(system, { config })
  await readAll(alone, [...objects, '/a-bucket/new'])
  assert.is((await alone.front.put('/b-bucket/new', sseS3)).status, 200)
}

test('a store moves from a master key to a Vault that has a key of the same name', async () => {
  const vault = await startVaultSimulator()
  try {
    const credentials = await vault.setUpSeed({ keyName: testMasterKey.keyId })
    await withStore((system) => moves(system, toConfig(vault.endpoint, credentials)))
  } finally {
    await vault.close()
  }
})

test('a master key is replaced by another with the same id', () =>
  withStore((system) => moves(system, { ...testMasterKey, key: Buffer.alloc(32, 9) })))

test('where the id is another, copies move, the rest stays readable, and a rewrap says what it cannot do', () =>
  withStore(async (system) => {
    const config: MasterKeyConfig = { kind: 'master-key', keyId: 'next-key', key: Buffer.alloc(32, 9) }
    const both = await run(system, { config, oldKeys: [testMasterKey] })
    await readAll(both, objects)
    const [first = ''] = objects
    const copy = { ...sseS3, 'x-amz-copy-source': first, 'x-amz-metadata-directive': 'REPLACE' }
    assert.is((await both.front.send({ method: 'PUT', target: first, headers: copy })).status, 200)
    const report = await rewrapStore(both.front.backend.system, both.control.keys, { now })
    assert.equal([report.epochs, report.fingerprints], [1, 1])
    assert.equal(
      report.failures.map(({ keyId, code }) => [keyId, code]),
      Array.from({ length: 3 }, () => [testMasterKey.keyId, 'key-not-found']),
    )
    await both.control.disable(testMasterKey.keyId)
    assert.equal(
      await Promise.all(objects.map(async (target) => (await both.front.get(target)).status)),
      [200, 403, 403],
    )
  }))

test.run()
