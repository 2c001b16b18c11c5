import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AuditConfig, AuditLog } from '../../control/audit/audit.ts'
import { AuditFile, AuditInUse } from '../../control/audit/audit-file.ts'
import { verifyAudit } from '../../control/audit/audit-verify.ts'
import type { AuditEntry } from '../../control/server/gate.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { audits, damageOf, fileSizeMax, inFolder, linesOf } from '../support/audit-files.ts'
import { until } from '../support/served.ts'
import { foldersSyncedBy } from '../support/synced-folders.ts'

const test = suite('control/audit')

const keyId = 'my-minio-key'
const entry: AuditEntry = {
  identity: 'unix:1000',
  peer: 'unix',
  operation: 'Decrypt',
  keyId,
  context: { 'photos\u2028"': 'photos/\n' },
  outcome: 'ok',
  cached: false,
}

const create = (file: string, config: Partial<AuditConfig> = {}) =>
  new AuditLog(
    { file, fileSizeMax, sync: 'second', optional: false, ...config },
    { log: pino({ enabled: false }), registry: new Registry() },
  )

async function write(file: string, count: number, config: Partial<AuditConfig> = {}): Promise<void> {
  const audit = create(file, config)
  await audit.open()
  for (let line = 0; line < count; line++) await audit.append([{ ...entry, keyId: `key-${line}` }])
  await audit.close()
}

const rewrite = (file: string, lines: readonly string[]) => writeFileSync(file, `${lines.join('\n')}\n`)

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

test('a file that was put away is not overwritten by a chain that begins anew', async () => {
  await inFolder(async (folder, file) => {
    await write(file, 40, { fileSizeMax: 4096 })
    const old = audits(folder).filter((path) => /\d$/.test(path))
    const texts = old.map((path) => readFileSync(path, 'utf8'))
    rmSync(file)
    rmSync(`${file}.head`)
    const audit = create(file, { fileSizeMax: 4096 })
    await audit.open()
    const fill = async () => {
      for (let line = 0; line < 40; line++) await audit.append([entry])
    }
    await rejectsWith('unavailable', fill())
    assert.ok(audit.state().trouble.includes(`${old[0]} is there already and is not overwritten`))
    assert.equal(
      old.map((path) => readFileSync(path, 'utf8')),
      texts,
    )
    for (const path of old) renameSync(path, join(folder, `old-${basename(path)}`))
    await until(() => audit.state().trouble === '')
    await fill()
    await audit.close()
    await verifyAudit(audits(folder))
  })
})

test('a new process goes on with the chain', async () => {
  await inFolder(async (folder, file) => {
    for (let start = 0; start < 3; start++) await write(file, 3, { fileSizeMax: 4096 })
    assert.equal((await verifyAudit(audits(folder))).end.sequence, 9)
  })
})

test('who is to write an audit next waits for the one that ends', async () => {
  await inFolder(async (_, file) => {
    const [ending, next] = [create(file), create(file)]
    await ending.open()
    const other = await AuditFile.open(file, { sizeMax: fileSizeMax }).catch((error: unknown) => error)
    assert.instance(other, AuditInUse)
    let opened = false
    const opening = next.open().then(() => {
      opened = true
    })
    await ending.append([entry])
    assert.is(opened, false)
    await ending.close()
    await opening
    await next.append([entry])
    await next.close()
    assert.equal((await verifyAudit([file])).end.sequence, 2)
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

test('the names of a new audit are on the disk before a line is in it', async () => {
  await inFolder(async (folder, file) => {
    assert.equal(
      await foldersSyncedBy(
        () => [folder],
        () => write(file, 1),
      ),
      [folder],
    )
  })
})

test.run()
