import { mkdirSync, mkdtempSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DataFiles } from '../../../s3api/backends/disk/data-files.ts'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { Janitor } from '../../../s3api/backends/disk/janitor.ts'
import { Reader } from '../../../s3api/backends/disk/reader.ts'
import { Writer } from '../../../s3api/backends/disk/writer.ts'

const test = suite('s3api/backends/disk-janitor')

test('a file that cannot be removed is told once and keeps no other from being removed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-janitor-'))
  const store = join(directory, '.sealgate')
  const lines: string[] = []
  try {
    await (await openDiskBackend({ directory, log: pino({ level: 'silent' }) })).close()
    const files = new DataFiles(join(store, 'data'))
    const path = (id: string) => join(store, 'data', id.slice(0, 2), id)
    const make = async () => {
      const staged = await files.create()
      await staged.finish()
      return staged.id
    }
    // The first that is due is a folder, which no unlink removes.
    const stuck = await make()
    unlinkSync(path(stuck))
    mkdirSync(path(stuck))
    const ids = [stuck, await make(), await make()]
    const database = openDatabase(join(store, 'meta.sqlite'), { readOnly: false })
    const rows = () =>
      database
        .prepare('SELECT file FROM trash')
        .all()
        .map(({ file }) => file)
    for (const [dueAtMs, id] of ids.entries()) {
      database.prepare('INSERT INTO trash VALUES (?, ?)').run(id, dueAtMs)
    }
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) })
    const reader = new Reader(join(store, 'meta.sqlite'))
    const writer = new Writer(join(store, 'meta.sqlite'))
    const janitor = () => new Janitor({ files, reader, writer, log, now: Date.now })
    const first = janitor()
    await first.emptyTrash()
    await first.emptyTrash()
    assert.equal(rows(), [stuck])
    assert.is(await files.changedAtMs(ids[2] ?? ''), undefined)
    assert.is(lines.length, 1)
    assert.ok(lines[0]?.includes(stuck))
    await first.close()
    rmdirSync(path(stuck))
    const second = janitor()
    await second.emptyTrash()
    assert.equal(rows(), [])
    await second.close()
    await writer.close()
    reader.close()
    database.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test.run()
