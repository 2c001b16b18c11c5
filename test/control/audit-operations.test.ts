import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AuditConfig } from '../../control/audit/audit.ts'
import { verifyAudit } from '../../control/audit/audit-verify.ts'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import { KeyRing } from '../../control/connection/key-ring.ts'
import { KmsError } from '../../control/errors.ts'
import { type Check, type Control, connectAdmin, startControl } from '../../control/index.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { audits, fileSizeMax, inFolder, linesOf } from '../support/audit-files.ts'
import { testMasterKey } from '../support/control.ts'
import { policyOf, withTcpControl } from '../support/tcp-control.ts'
import { until } from '../support/vault/fixture.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

const test = suite('control/audit-operations')

const keyId = 'my-minio-key'

/** A control service with an audit, and a client of it. */
async function withControl(
  config: Partial<AuditConfig>,
  use: (parts: {
    folder: string
    file: string
    keys: KeyService
    control: Control
    registry: Registry
  }) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const audits = mkdtempSync(join(folder, 'audits-'))
    const file = join(audits, 'audit.log')
    const address = { kind: 'unix', path: join(folder, 'control.sock') } as const
    const registry = new Registry()
    const control = await startControl(
      {
        address,
        provider: testMasterKey,
        audit: { file, fileSizeMax, sync: 'each', optional: false, ...config },
      },
      { log: pino({ enabled: false }), registry, version: '0' },
    )
    const keys = connectKeyService(address)
    try {
      await use({ folder: audits, file, keys, control, registry })
    } finally {
      await keys.close()
      await control.close()
    }
  })
}

test('every key operation is a line, refused ones and items of batches too, and none holds a key', async () => {
  await withControl({}, async ({ file, keys, control }) => {
    const context = { photos: 'photos/cat' }
    const { sealed, plaintext } = await keys.generateDataKey({ context })
    await keys.decrypt({ keyId, sealed, context })
    await rejectsWith('invalid-ciphertext', keys.decrypt({ keyId, sealed, context: {} }))
    await rejectsWith('key-not-found', keys.generateDataKey({ keyId: 'other', context }))
    await keys.decryptBatch([
      { keyId, sealed, context },
      { keyId, sealed, context: { other: '' } },
    ])
    await keys.encrypt({ plaintext: Buffer.from('a secret of another service'), context })
    await keys.status()
    await control.close()
    const records = linesOf(file).map((line) => JSON.parse(line))
    assert.equal(
      records.map(({ operation, keyId, outcome, context }) => [
        operation,
        keyId,
        outcome,
        Object.keys(context)[0],
      ]),
      [
        ['GenerateDataKey', keyId, 'ok', 'photos'],
        ['Decrypt', keyId, 'ok', 'photos'],
        ['Decrypt', keyId, 'invalid-ciphertext', undefined],
        ['GenerateDataKey', 'other', 'key-not-found', 'photos'],
        ['DecryptBatch', keyId, 'ok', 'photos'],
        ['DecryptBatch', keyId, 'invalid-ciphertext', 'other'],
        ['Encrypt', keyId, 'ok', 'photos'],
      ],
    )
    for (const { time, identity, peer, cached } of records) {
      assert.match(time, /^\d{4}-\d\d-\d\dT/)
      assert.equal([identity, peer, typeof cached], [`unix:${process.getuid?.()}`, 'unix', 'boolean'])
    }
    const text = readFileSync(file)
    for (const secret of [plaintext, sealed, testMasterKey.kind === 'master-key' ? testMasterKey.key : '']) {
      for (const encoding of ['hex', 'base64'] as const) {
        assert.not(text.includes(Buffer.from(secret).toString(encoding)))
      }
    }
    assert.not(text.includes('a secret'))
    assert.is((await verifyAudit([file])).end.sequence, 7)
  })
})

for (const [code, caller, rules] of [
  ['too-large', 'who may do everything', [{}]],
  ['access-denied', 'without any rule', []],
] as const) {
  test(`a batch of too many items of a caller ${caller} is one line`, () =>
    inFolder(async (_, file) => {
      const audit = { file, fileSizeMax, sync: 'each', optional: false } as const
      await withTcpControl(
        (identity) => policyOf(identity, ...rules),
        async ({ connect, registry }) => {
          const keys = connect()
          const many = <Item>(item: Item) => Array.from({ length: 1_001 }, () => item)
          await rejectsWith(code, keys.decryptBatch(many({ keyId, sealed: new Uint8Array(), context: {} })))
          await rejectsWith(code, keys.reportUses(many({ keyId, context: {}, sealed: 1, opened: 0 })))
          const metrics = await registry.metrics()
          for (const operation of ['DecryptBatch', 'ReportUses'])
            assert.match(metrics, `sealgate_kms_requests_total{operation="${operation}",code="${code}"} 1`)
        },
        { audit },
      )
      const lines = linesOf(file).map((line) => JSON.parse(line))
      assert.equal(
        lines.map(({ operation, keyId, context, outcome }) => [operation, keyId, context, outcome]),
        [
          ['DecryptBatch', '', {}, code],
          ['ReportUses', '', {}, code],
        ],
      )
    }))
}

test('what a front-end does under its leases is counted, for each key and context, by the time it ends', async () => {
  await withControl({}, async ({ file, keys, control }) => {
    const ring = new KeyRing({ service: keys })
    const bucketContext = { photos: 'photos' }
    for (let object = 0; object < 5; object++) {
      const { keyId, sealed, epochId } = await ring.dataKey({ bucketContext, objectContext: () => ({}) })
      assert.ok(epochId)
      const key = { keyId, sealed, context: bucketContext, epochId }
      await ring.open(key)
      const kept = ring.keep(key, new Uint8Array(32))
      if (object === 0) for (let time = 0; time < 2; time++) assert.ok(kept?.use())
    }
    await ring.close()
    await control.close()
    const reports = linesOf(file)
      .map((line) => JSON.parse(line))
      .filter(({ operation }) => operation === 'ReportUses')
    assert.equal(
      reports.map(({ keyId, context, uses, outcome }) => [keyId, context, uses, outcome]),
      [[keyId, bucketContext, { sealed: 5, opened: 7 }, 'ok']],
    )
  })
})

/** What doctor says of the audit. */
async function auditCheck(folder: string): Promise<Check | undefined> {
  const admin = connectAdmin({ kind: 'unix', path: join(folder, '..', 'control.sock') })
  try {
    return (await admin.doctor()).find(({ name }) => name === 'audit')
  } finally {
    admin.close()
  }
}

test('when the audit cannot be written no key is used, until it can', async () => {
  await withControl({}, async ({ folder, file, keys, control, registry }) => {
    await keys.generateDataKey({ context: {} })
    renameSync(folder, `${folder}-away`)
    await rejectsWith('unavailable', keys.generateDataKey({ context: {} }))
    assert.match(await registry.metrics(), /sealgate_audit_writable 0/)
    const { ready, reason, audit } = await keys.status()
    assert.equal(
      [ready, reason, audit],
      [
        false,
        'the audit cannot be written (ENOENT), and no key is used without it',
        'the audit cannot be written (ENOENT)',
      ],
    )
    assert.is(control.ready().ready, false)
    assert.is((await auditCheck(folder))?.result, 'failed')
    renameSync(`${folder}-away`, folder)
    // Nobody calls: it finds out by itself, and writes down what is missing.
    await until(async () => (await keys.status()).ready)
    assert.is((await keys.status()).audit, 'written')
    assert.is((await auditCheck(folder))?.result, 'ok')
    assert.match(await registry.metrics(), /sealgate_audit_writable 1/)
    const last = JSON.parse(linesOf(file).at(-1) ?? '')
    assert.equal([last.event, last.lost], ['written again', 1])
    await keys.generateDataKey({ context: {} })
    await control.close()
    assert.match((await verifyAudit([file])).notes.join(), /written again/)
  })
})

test('while the audit cannot be written a front-end uses no key beyond its age, grace or not', async () => {
  await withControl({}, async ({ folder, keys }) => {
    let away = true
    const decryptLeased: KeyService['decryptLeased'] = async (key) => {
      if (away) throw new KmsError('unavailable', 'control is away')
      return keys.decryptLeased(key)
    }
    const clock = new ManualClock()
    const ring = new KeyRing({ service: { ...keys, decryptLeased }, clock })
    try {
      const context = { photos: 'photos' }
      const key = { ...(await ring.dataKey({ bucketContext: context, objectContext: () => ({}) })), context }
      const outcome = () =>
        ring.open(key).then(
          () => 'ok',
          (error: unknown) => error instanceof KmsError && error.code,
        )
      renameSync(folder, `${folder}-away`)
      await clock.advance(301_000)
      assert.is(await outcome(), 'ok')
      away = false
      await clock.advance(2_000)
      await until(async () => (await outcome()) === 'unavailable')
      await clock.advance(2_000)
      assert.is(await outcome(), 'unavailable')
      renameSync(`${folder}-away`, folder)
      await until(async () => {
        await clock.advance(2_000)
        return (await outcome()) === 'ok'
      })
    } finally {
      await ring.close()
    }
  })
})

test('an audit that is optional is missing lines, and says how many', async () => {
  await withControl({ optional: true }, async ({ folder, keys, registry }) => {
    renameSync(folder, `${folder}-away`)
    for (let call = 0; call < 3; call++) await keys.generateDataKey({ context: {} })
    assert.match(await registry.metrics(), /sealgate_audit_lost_total 3/)
    const { ready, reason } = await keys.status()
    assert.equal([ready, reason], [true, 'the audit cannot be written (ENOENT), and lines are missing'])
    rmSync(`${folder}-away`, { recursive: true })
  })
})

test('a file that somebody else has moved away is followed by a new one', async () => {
  await withControl({}, async ({ file, keys, control }) => {
    await keys.generateDataKey({ context: {} })
    renameSync(file, `${file}.1`)
    await keys.generateDataKey({ context: {} })
    await control.close()
    assert.is((await verifyAudit([`${file}.1`, file])).end.sequence, 2)
  })
})

test('operations at the same time have a line each, in one chain', async () => {
  await withControl({ sync: 'second', fileSizeMax: 16 * 1024 }, async ({ folder, keys, control }) => {
    await Promise.all(Array.from({ length: 300 }, () => keys.generateDataKey({ context: {} })))
    await control.close()
    assert.is((await verifyAudit(audits(folder))).end.sequence, 300)
  })
})

/** A control service on a socket in the folder, whose audit is in a folder that is missing. */
const startWithoutFolder = (folder: string, optional: boolean) =>
  startControl(
    {
      address: { kind: 'unix', path: join(folder, 'control.sock') },
      provider: testMasterKey,
      audit: { file: join(folder, 'missing', 'audit.log'), fileSizeMax, sync: 'each', optional },
    },
    { log: pino({ enabled: false }), registry: new Registry(), version: '0' },
  )

test('an audit that cannot be opened keeps control from starting', async () => {
  await inFolder(async (folder) => {
    await rejectsWith('unavailable', startWithoutFolder(folder, false))
    assert.equal(readdirSync(folder), [])
  })
})

test('an optional audit that cannot be opened is written as soon as it can be', async () => {
  await inFolder(async (folder) => {
    const control = await startWithoutFolder(folder, true)
    const keys = connectKeyService({ kind: 'unix', path: join(folder, 'control.sock') })
    try {
      await keys.generateDataKey({ context: {} })
      const { ready, reason } = await keys.status()
      assert.equal([ready, reason], [true, 'the audit cannot be written (ENOENT), and lines are missing'])
      mkdirSync(join(folder, 'missing'))
      await until(async () => (await keys.status()).audit === 'written')
      await keys.generateDataKey({ context: {} })
    } finally {
      await keys.close()
      await control.close()
    }
    const events = linesOf(join(folder, 'missing', 'audit.log')).map((line) => JSON.parse(line))
    assert.equal(
      [events[0].event, events[0].lost, events[1].operation],
      ['written again', 1, 'GenerateDataKey'],
    )
  })
})

test.run()
