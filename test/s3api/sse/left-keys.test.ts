import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService } from '../../../control/client.ts'
import type { MasterKeyConfig } from '../../../control/config.ts'
import { BackendError, type SystemRecords } from '../../../s3api/backends/backend.ts'
import { openDataKeys } from '../../../s3api/sse/data-keys.ts'
import { type RewrapReport, rewrapStore } from '../../../s3api/sse/rewrap-store.ts'
import { epochRecord, fingerprintRecord } from '../../../s3api/sse/system-messages.ts'
import { testMasterKey } from '../../support/control.ts'
import {
  type ControlOptions,
  type KeySystem,
  objectText,
  type RunningControl,
  sseS3,
  withKeySystem,
} from '../../support/key-system.ts'

import { until } from '../../support/served.ts'

/** How a store leaves a master key for one of another name. */

const test = suite('s3api/sse/left-keys')

const log = pino({ level: 'silent' })
const oldId = testMasterKey.keyId
const next: MasterKeyConfig = { kind: 'master-key', keyId: 'next-key', key: Buffer.alloc(32, 9) }
const both: ControlOptions = { config: next, oldKeys: [testMasterKey] }
const objects = ['/a-bucket/1', '/a-bucket/2', '/b-bucket/1']

/** A store with objects of two buckets under the key that is to be left. */
async function withStore(check: (system: KeySystem) => Promise<void>): Promise<void> {
  await withKeySystem(async (system) => {
    await during(system, {}, async ({ front }) => {
      for (const bucket of ['a-bucket', 'b-bucket']) await front.send({ method: 'PUT', target: `/${bucket}` })
      for (const target of objects) assert.is((await front.put(target, sseS3)).status, 200)
    })
    await check(system)
  })
}

interface Running {
  readonly control: RunningControl
  readonly front: Awaited<ReturnType<KeySystem['startFrontEnd']>>
}

async function during(
  system: KeySystem,
  options: ControlOptions,
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const control = await system.startControl(options)
  try {
    const front = await system.startFrontEnd()
    try {
      await work({ control, front })
    } finally {
      await front.stop()
    }
  } finally {
    await control.stop()
  }
}

function leave({ control, front }: Running, records?: SystemRecords): Promise<RewrapReport> {
  const leaving = { keyIds: [oldId], to: next.keyId, log }
  return rewrapStore(records ?? front.backend.system, control.keys, { now: () => 1, leaving })
}

/** All is there under the next key alone. */
async function hasLeft(system: KeySystem, targets: readonly string[] = objects): Promise<void> {
  await during(system, { config: next }, async ({ front }) => {
    for (const target of targets) {
      const { status, body } = await front.get(target)
      assert.equal([status, body], [200, objectText], target)
    }
    assert.is((await front.put('/b-bucket/later', sseS3)).status, 200)
  })
}

async function refuses(system: KeySystem, options: ControlOptions): Promise<void> {
  const error = await during(system, options, async () => {}).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Error)
  assert.is(error.name, 'StoreMismatch')
}

async function keyIdsOf(records: SystemRecords, prefix: string): Promise<readonly string[]> {
  const names = await records.list(prefix, { after: '', limit: 100 })
  const found = await Promise.all(names.map(async (name) => (await records.get(name)) ?? new Uint8Array()))
  const { decode } = prefix === 'epochs/' ? epochRecord : fingerprintRecord
  return found.map((record) => decode(record).keyId)
}

test('a store that has left its first key needs it no more, and no other key is taken for the next', () =>
  withStore(async (system) => {
    await refuses(system, { config: next })
    await during(system, both, async (running) => {
      assert.is((await running.front.put('/a-bucket/new', sseS3)).status, 200)
      const report = await leave(running)
      assert.equal([report.epochs, report.failed], [3, 0])
      assert.equal(report.leaving, [{ keyId: oldId, to: next.keyId, left: true }])
      const { system: records } = running.front.backend
      assert.equal(await keyIdsOf(records, 'fingerprints/'), [next.keyId, next.keyId])
      assert.equal([...new Set(await keyIdsOf(records, 'epochs/'))], [next.keyId])
      assert.is((await running.front.put('/a-bucket/newer', sseS3)).status, 200)
      assert.equal((await leave(running)).leaving, report.leaving)
    })
    await hasLeft(system, [...objects, '/a-bucket/new', '/a-bucket/newer'])
    for (const config of [testMasterKey, { ...next, key: Buffer.alloc(32, 8) }])
      await refuses(system, { config })
  }))

test('what the object names is disabled, and what its data key is under: each stops it', () =>
  withStore(async (system) => {
    await during(system, both, async ({ control, front }) => {
      await leave({ control, front })
      const [target = ''] = objects
      for (const keyId of [oldId, next.keyId]) {
        assert.is((await front.get(target)).status, 200)
        const answers = (status: number) => until(async () => (await front.get(target)).status === status)
        await control.disable(keyId)
        await answers(403)
        await control.enable(keyId)
        await answers(200)
      }
    })
  }))

/** Records of which one change, the n-th, fails, as when the process ends before it. */
function failingAt(records: SystemRecords, count: number): SystemRecords {
  let changes = 0
  const change = () => {
    if (++changes >= count) throw new Error('the process has ended')
  }
  return {
    get: (name) => records.get(name),
    list: (prefix, page) => records.list(prefix, page),
    async put(name, value, options) {
      change()
      return records.put(name, value, options)
    },
    async delete(name) {
      change()
      return records.delete(name)
    },
  }
}

test('wherever it is interrupted, all stays readable with both keys, and another run ends it', async () => {
  for (let count = 1, interrupted = true; interrupted; count++) {
    await withStore(async (system) => {
      await during(system, both, async (running) => {
        await running.front.put('/a-bucket/new', sseS3)
        const records = failingAt(running.front.backend.system, count)
        interrupted = await leave(running, records).then(
          () => false,
          (error: Error) => error.message === 'the process has ended',
        )
      })
      await during(system, both, async (running) => {
        for (const target of objects) assert.is((await running.front.get(target)).body, objectText, target)
        assert.is((await running.front.put('/b-bucket/new', sseS3)).status, 200)
        assert.equal((await leave(running)).leaving[0]?.left, true, `after change ${count}`)
      })
      await hasLeft(system)
    })
  }
})

test('a key under which an epoch still is, or may be, is not left', async () => {
  for (const change of ['disabled', 'unreadable', 'another epoch’s'] as const) {
    await withStore(async (system) => {
      await during(system, both, async (running) => {
        const { system: records } = running.front.backend
        const [first = '', second = ''] = await records.list('epochs/', { after: '', limit: 2 })
        const other = await records.get(second)
        if (change === 'disabled') await running.control.disable(oldId)
        else if (change === 'unreadable') await records.put(first, Buffer.from('nonsense'))
        else await records.put(first, other ?? new Uint8Array())
        const report = await leave(running)
        assert.equal(report.leaving[0]?.left, false, change)
        assert.ok(report.failed > 0)
        assert.ok((await keyIdsOf(records, 'fingerprints/')).includes(oldId))
        await running.control.enable(oldId)
      })
      await refuses(system, { config: next })
    })
  }
})

test('nothing is left in a store of another KMS', () =>
  withStore(async (system) => {
    await during(system, both, async (running) => {
      await running.front.put('/a-bucket/new', sseS3)
      const wrong = { ...next, key: Buffer.alloc(32, 8) }
      const other = await system.startControl({ ...both, config: wrong, name: 'other' })
      const error = await leave({ ...running, control: other }).catch((thrown: Error) => thrown)
      assert.is(error instanceof Error && error.name, 'StoreMismatch')
      assert.ok((await keyIdsOf(running.front.backend.system, 'fingerprints/')).includes(oldId))
    })
  }))

/** Records that do something once before an epoch is written down. */
function beforeEpoch(records: SystemRecords, work: () => Promise<void>): SystemRecords {
  let done = false
  return {
    get: (name) => records.get(name),
    list: (prefix, page) => records.list(prefix, page),
    delete: (name) => records.delete(name),
    async put(name, value, options) {
      if (name.startsWith('epochs/') && !done) {
        done = true
        await work()
      }
      return records.put(name, value, options)
    },
  }
}

for (const [title, restart] of [
  ['while an epoch is being written down', false],
  ['while a front-end holds a lease that it has not used', true],
] as const) {
  test(`a store leaves a key ${title}: the object is sealed under the next one`, () =>
    withStore(async (system) => {
      let control = await system.startControl()
      const path = join(system.directory, 'control.sock')
      const service = connectKeyService({ kind: 'unix', path }, { deadlineMs: 10_000 })
      const { backend } = await system.startFrontEnd({ control: 'control' })
      const leaveNow = async () => {
        await control.stop()
        control = await system.startControl(both)
        const leaving = { keyIds: [oldId], to: next.keyId, log }
        const report = await rewrapStore(backend.system, control.keys, { now: () => 1, leaving })
        assert.is(report.leaving[0]?.left, true)
      }
      const broken = async () => {
        throw new BackendError('unavailable', 'the store is away')
      }
      const keys = await openDataKeys(service, {
        system: beforeEpoch(backend.system, restart ? broken : leaveNow),
        log,
        registry: new Registry(),
        now: Date.now,
      })
      assert.ok(keys)
      const create = () =>
        keys.create({ keyId: undefined, clientContext: {} }, { bucket: 'c-bucket', key: '1' })
      if (restart) {
        assert.instance(await create().catch((error: unknown) => error), BackendError)
        await leaveNow()
      }
      let kms: Awaited<ReturnType<typeof create>>['kms'] | undefined
      await until(async () => {
        const made = await create().catch(() => undefined)
        kms = made?.kms
        return made !== undefined
      })
      assert.is(kms?.keyId, next.keyId)
      const opened = kms && (await keys.open(kms, { bucket: 'c-bucket', key: '1' }))
      assert.is(opened?.length, 32)
      await keys.close()
      await service.close()
    }))
}

test.run()
