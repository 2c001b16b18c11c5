import { mkdirSync, mkdtempSync, rmdirSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DataFiles } from '../../../s3api/backends/disk/data-files.ts'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { Janitor, orphanAgeMinMs } from '../../../s3api/backends/disk/janitor.ts'
import { Reader } from '../../../s3api/backends/disk/reader.ts'
import { fromObjectRecord } from '../../../s3api/backends/disk/rows.ts'
import { Writer } from '../../../s3api/backends/disk/writer.ts'
import { recordOf, rejectsWith } from '../../contracts/backend/fixture.ts'
import { makeScratch } from '../../support/scratch.ts'

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
    const writer = new Writer({ databasePath: join(store, 'meta.sqlite'), log })
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

/** The parts of a new store, and its janitor at any time. */
async function withStore(
  work: (store: {
    files: DataFiles
    reader: Reader
    writer: Writer
    janitor(nowMs: number): Janitor
  }) => Promise<void>,
): Promise<void> {
  const scratch = makeScratch('janitor')
  const log = pino({ level: 'silent' })
  await (await openDiskBackend({ directory: scratch.path, log })).close()
  const path = join(scratch.path, '.sealgate', 'meta.sqlite')
  const parts = {
    files: new DataFiles(join(scratch.path, '.sealgate', 'data')),
    reader: new Reader(path),
    writer: new Writer({ databasePath: path, log }),
    log,
  }
  const janitors: Janitor[] = []
  const janitor = (nowMs: number) => {
    const made = new Janitor({ ...parts, now: () => nowMs })
    janitors.push(made)
    return made
  }
  try {
    await work({ ...parts, janitor })
  } finally {
    for (const made of janitors) await made.close()
    await parts.writer.close()
    parts.reader.close()
    scratch.remove()
  }
}

const yearMs = 365 * 24 * 60 * 60 * 1000

test('a file that a jump of the clock makes old while it is written is not answered as stored', async () => {
  await withStore(async ({ files, janitor }) => {
    const staged = await files.create()
    if ('fd' in staged.target) writeSync(staged.target.fd, 'some of it')
    await janitor(Date.now() + yearMs).sweepOrphans()
    await rejectsWith('unavailable', staged.finish())
    await staged.discard()
  })
})

test('files that nothing names go as well when the clock that they are from was ahead', async () => {
  await withStore(async ({ files, janitor }) => {
    const staged = await files.create()
    await staged.finish()
    await janitor(Date.now() - orphanAgeMinMs / 2).sweepOrphans()
    assert.ok(await files.changedAtMs(staged.id))
    await janitor(Date.now() - yearMs).sweepOrphans()
    assert.is(await files.changedAtMs(staged.id), undefined)
  })
})

test('what a clock that was ahead has put into the trash goes, and what waits for its readers stays', async () => {
  await withStore(async ({ files, reader, writer, janitor }) => {
    const bucket = 'bucket'
    const storing = { bucket, owner: null, versioning: 'unversioned', settings: {}, atMs: 0 } as const
    await writer.execute({ type: 'create-bucket', ...storing })
    const replacedAt = async (atMs: number) => {
      const ids: string[] = []
      for (let part = 0; part < 2; part++) {
        const staged = await files.create()
        await staged.finish()
        ids.push(staged.id)
      }
      const name = { bucket, key: 'key', versionId: 'v', attributes: {}, condition: undefined, atMs }
      const columns = fromObjectRecord(recordOf(Buffer.from('12')))
      await writer.execute({ type: 'put-object', ...name, columns, streams: ids.map((file) => ({ file })) })
      const deletion = { ...name, versionId: undefined, owner: null, bypassGovernance: false }
      await writer.execute({ type: 'delete-object', ...deletion })
      return ids
    }
    const nowMs = Date.now()
    const ahead = await replacedAt(nowMs + yearMs)
    const waiting = await replacedAt(nowMs)
    await janitor(nowMs).emptyTrash()
    assert.equal(
      ahead.map((file) => reader.knowsFile(file)),
      [false, false],
    )
    assert.equal(
      waiting.map((file) => reader.knowsFile(file)),
      [true, true],
    )
  })
})

test.run()
