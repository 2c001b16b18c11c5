import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AuditConfig, AuditLog } from '../../control/audit/audit.ts'
import { AuditDamage, verifyAudit } from '../../control/audit/audit-verify.ts'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import { KeyRing } from '../../control/connection/key-ring.ts'
import { UseReports } from '../../control/connection/use-reports.ts'
import { type Check, type Control, connectAdmin, startControl } from '../../control/index.ts'
import type { AuditEntry } from '../../control/server/gate.ts'
import { systemClock } from '../../control/session/session-clock.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { testMasterKey } from '../support/control.ts'
import { until } from '../support/vault/fixture.ts'

const test = suite('control/audit')

const keyId = 'my-minio-key'
const fileSizeMax = 1024 * 1024
const entry: AuditEntry = {
  identity: 'unix:1000',
  peer: 'unix',
  operation: 'Decrypt',
  keyId,
  context: { 'photos\u2028"': 'photos/\n' },
  outcome: 'ok',
  cached: false,
}

async function inFolder(use: (folder: string, file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-audit-'))
  try {
    await use(folder, join(folder, 'audit.log'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function write(file: string, count: number, config: Partial<AuditConfig> = {}): Promise<void> {
  const audit = new AuditLog(
    { file, fileSizeMax, sync: 'second', optional: false, ...config },
    { log: pino({ enabled: false }), registry: new Registry() },
  )
  await audit.open()
  for (let line = 0; line < count; line++) await audit.append([{ ...entry, keyId: `key-${line}` }])
  await audit.close()
}

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
const rewrite = (file: string, lines: readonly string[]) => writeFileSync(file, `${lines.join('\n')}\n`)
const audits = (folder: string) => readdirSync(folder).map((name) => join(folder, name))

async function damageOf(files: readonly string[], options: { from?: number } = {}): Promise<string> {
  try {
    await verifyAudit(files, options)
  } catch (error) {
    if (error instanceof AuditDamage) return error.message
    throw error
  }
  return ''
}

test('an audit as it was written is unbroken', async () => {
  await inFolder(async (_, file) => {
    await write(file, 5)
    const { first, end, notes } = await verifyAudit([file])
    assert.equal([first, end.sequence, notes], [1, 5, []])
  })
})

test('any byte that is changed, of the lines or of the head, is found', async () => {
  await inFolder(async (_, file) => {
    await write(file, 2)
    for (const path of [file, `${file}.head`]) {
      const bytes = readFileSync(path)
      for (let offset = 0; offset < bytes.length; offset++) {
        const changed = Buffer.from(bytes)
        changed[offset] = (changed[offset] ?? 0) ^ 1
        writeFileSync(path, changed)
        assert.ok((await damageOf([file])) !== '', `offset ${offset} of ${path}`)
      }
      writeFileSync(path, bytes)
    }
  })
})

const damages: readonly (readonly [string, (lines: string[]) => string[], RegExp])[] = [
  ['a line left out', (lines) => lines.toSpliced(2, 1), /line 3: is number 4: number 3 is missing/],
  ['the first line left out', (lines) => lines.slice(1), /line 1: is number 2: number 1 is missing/],
  ['the last line left out', (lines) => lines.slice(0, -1), /lines 5 to 5 at its end are missing/],
  ['all lines left out', () => [], /lines 1 to 5 at its end are missing|hash is not right/],
  ['two lines moved', ([a, b, c, ...rest]) => [a, c, b, ...rest].map(String), /line 2: is number 3/],
  ['a line twice', ([a, ...rest]) => [a, a, ...rest].map(String), /line 2: is number 1, out of its place/],
  [
    'another line',
    (lines) => lines.with(1, String(lines[1]).replace('key-1', 'key-9')),
    /line 2: was changed/,
  ],
  ['no JSON', (lines) => lines.with(3, 'nothing'), /line 4: was changed/],
]
for (const [title, damage, found] of damages) {
  test(`${title} is found, with its place`, async () => {
    await inFolder(async (_, file) => {
      await write(file, 5)
      rewrite(file, damage(linesOf(file)))
      assert.match(await damageOf([file]), found)
    })
  })
}

test('a line that another chain has made is found', async () => {
  await inFolder(async (folder, file) => {
    await write(file, 5)
    const other = join(folder, 'other.log')
    await write(other, 5)
    rewrite(file, linesOf(file).with(2, String(linesOf(other)[2])))
    assert.match(await damageOf([file]), /line 3: does not follow from the line before/)
  })
})

test('a line that is cut off is found', async () => {
  await inFolder(async (_, file) => {
    await write(file, 5)
    writeFileSync(file, readFileSync(file).subarray(0, -20))
    assert.match(await damageOf([file]), /line 5: is cut off/)
  })
})

test('files that are full are put away, and the chain goes through all of them', async () => {
  await inFolder(async (folder, file) => {
    await write(file, 40, { fileSizeMax: 4096 })
    const files = audits(folder)
    assert.ok(files.length > 3)
    assert.equal((await verifyAudit(files.toReversed())).end.sequence, 40)
    const [, second, third] = files.filter((path) => /\d$/.test(path)).sort()
    assert.ok(second && third)
    assert.match(await damageOf(files.filter((path) => path !== third)), /missing before it/)
    const later = files.filter((path) => path >= second || path === file)
    assert.match(await damageOf(later), /numbers 1 to \d+ are missing/)
    const from = Number(/(\d+)$/.exec(second)?.[1])
    assert.is((await verifyAudit(later, { from })).end.sequence, 40)
    const { notes } = await verifyAudit(files.filter((path) => path !== file && !path.endsWith('.head')))
    assert.match(notes.join(), /goes on to line 40/)
  })
})

test('a new process goes on with the chain', async () => {
  await inFolder(async (folder, file) => {
    for (let start = 0; start < 3; start++) await write(file, 3, { fileSizeMax: 4096 })
    assert.equal((await verifyAudit(audits(folder))).end.sequence, 9)
  })
})

test('what a process left unfinished is cut, and the chain tells it', async () => {
  await inFolder(async (_, file) => {
    await write(file, 3)
    appendFileSync(file, '{"sequence":4,"ti')
    await write(file, 1)
    const { end, notes } = await verifyAudit([file])
    assert.is(end.sequence, 5)
    assert.match(notes.join(), /line 4: unfinished line cut/)
  })
})

test('lines that were taken away while no process ran are found for ever after', async () => {
  await inFolder(async (_, file) => {
    await write(file, 5)
    rewrite(file, linesOf(file).slice(0, 3))
    await write(file, 2)
    assert.match(await damageOf([file]), /line 4: is number 6: numbers 4 to 5 are missing/)
  })
})

test('without its head an audit says so, and so does the chain after the next start', async () => {
  await inFolder(async (_, file) => {
    await write(file, 3)
    rmSync(`${file}.head`)
    assert.match((await verifyAudit([file])).notes.join(), /there is no .*head/)
    await write(file, 1)
    assert.match((await verifyAudit([file])).notes.join(), /line 4: head missing/)
  })
})

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

test('what a front-end does under its leases is counted, for each key and context, by the time it ends', async () => {
  await withControl({}, async ({ file, keys, control }) => {
    const ring = new KeyRing({ service: keys })
    const bucketContext = { photos: 'photos' }
    for (let object = 0; object < 5; object++) {
      const { keyId, sealed, epochId } = await ring.dataKey({ bucketContext, objectContext: {} })
      if (epochId !== undefined) await ring.open({ keyId, sealed, context: bucketContext, epochId })
    }
    await ring.close()
    await control.close()
    const reports = linesOf(file)
      .map((line) => JSON.parse(line))
      .filter(({ operation }) => operation === 'ReportUses')
    assert.equal(
      reports.map(({ keyId, context, uses, outcome }) => [keyId, context, uses, outcome]),
      [[keyId, bucketContext, { sealed: 5, opened: 5 }, 'ok']],
    )
  })
})

test('uses that cannot be told go on with the next ones', async () => {
  const told: unknown[] = []
  let away = true
  const reports = new UseReports(
    {
      async reportUses(items) {
        if (away) throw new Error('control is away')
        told.push(...items)
      },
    },
    systemClock,
  )
  reports.count('sealed', 'a', {})
  await reports.tell()
  reports.count('sealed', 'a', {})
  reports.count('opened', 'a', { b: 'c' })
  away = false
  await reports.close()
  assert.equal(told, [
    { keyId: 'a', context: {}, sealed: 2, opened: 0 },
    { keyId: 'a', context: { b: 'c' }, sealed: 0, opened: 1 },
  ])
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

test('an audit that cannot be opened keeps control from starting', async () => {
  await inFolder(async (folder) => {
    const address = { kind: 'unix', path: join(folder, 'control.sock') } as const
    const audit = {
      file: join(folder, 'missing', 'audit.log'),
      fileSizeMax,
      sync: 'each',
      optional: false,
    } as const
    const starting = startControl(
      { address, provider: testMasterKey, audit },
      { log: pino({ enabled: false }), registry: new Registry(), version: '0' },
    )
    await rejectsWith('unavailable', starting)
    assert.equal(readdirSync(folder), [])
  })
})

test.run()
