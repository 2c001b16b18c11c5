import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readRunningRecords, writeRunningRecord } from '../../cli/running-record.ts'

const test = suite('cli/running-record')

const control = 'unix:/run/sealgate/control.sock'
/** No process has it: it is above what Linux gives out. */
const deadPid = 2 ** 22 + 1

/** A folder for temporary files of its own, so that servers of this machine are not seen. */
async function withFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-records-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    await check(folder)
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    rmSync(folder, { recursive: true, force: true })
  }
}

const recordsIn = (folder: string) =>
  readdirSync(join(folder, '.sealgate')).filter((name) => name.startsWith('running-'))

/** The text of the record that a server would have written which is this process. */
function ownRecord(
  folder: string,
  change: Partial<Record<'control' | 'namespace' | 'started', string>>,
): string {
  const remove = writeRunningRecord(folder, { control: change.control ?? control })
  const record = JSON.parse(readFileSync(join(folder, '.sealgate', `running-${process.pid}.json`), 'utf8'))
  remove()
  const { namespace = record.process.namespace, started = record.process.started } = change
  return JSON.stringify({ ...record, process: { namespace, started } })
}

test('a record is found as long as it is there, and only its owner can read it', () =>
  withFolder(async (folder) => {
    const remove = writeRunningRecord(folder, { control })
    assert.equal(await readRunningRecords(folder), [{ pid: process.pid, control }])
    const [name = ''] = readdirSync(join(folder, '.sealgate'))
    assert.is(statSync(join(folder, '.sealgate', name)).mode & 0o077, 0)
    remove()
    remove()
    assert.equal(await readRunningRecords(folder), [])
  }))

test('a broken record, one of nobody and other files are passed over', () =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, '.sealgate'))
    const put = (name: string, text: string) => writeFileSync(join(folder, '.sealgate', name), text)
    put(`running-${process.pid}.json`, '{"pid":')
    put('running-x.json', '{}')
    put('master-key', 'x')
    assert.equal(await readRunningRecords(folder), [])
    assert.is(readdirSync(join(folder, '.sealgate')).length, 3)
    assert.equal(await readRunningRecords(join(folder, 'nothing')), [])
  }))

test('the record of a process that is gone is taken away, also when its pid is another’s by now', () =>
  withFolder(async (folder) => {
    const other = spawn('sleep', ['60'])
    try {
      const text = ownRecord(folder, {})
      for (const pid of [deadPid, other.pid])
        writeFileSync(join(folder, '.sealgate', `running-${pid}.json`), text)
      assert.is(recordsIn(folder).length, 2)
      assert.equal(await readRunningRecords(folder), [])
      assert.equal(recordsIn(folder), [])
    } finally {
      other.kill()
      await once(other, 'exit')
    }
  }))

test('a record from where other pids are counts as long as its socket is listened on, and stays', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    const listening = createServer().listen(path)
    await once(listening, 'listening')
    const text = ownRecord(folder, { control: `unix:${path}`, namespace: 'pid:[1]' })
    writeFileSync(join(folder, '.sealgate', `running-${deadPid}.json`), text)
    assert.equal(await readRunningRecords(folder), [{ pid: deadPid, control: `unix:${path}` }])
    listening.close()
    await once(listening, 'close')
    assert.equal(await readRunningRecords(folder), [])
    assert.is(recordsIn(folder).length, 1)
  }))

test('a server without a data folder is found by its user', () =>
  withFolder(async () => {
    const remove = writeRunningRecord(undefined, { control })
    assert.equal(await readRunningRecords(undefined), [{ pid: process.pid, control }])
    remove()
    assert.equal(await readRunningRecords(undefined), [])
  }))

test('a common folder that others can write to is neither believed nor used', () =>
  withFolder(async (folder) => {
    const common = join(folder, `sealgate-running-${userInfo().uid}`)
    mkdirSync(common)
    chmodSync(common, 0o777)
    writeFileSync(join(common, `running-${process.pid}.json`), JSON.stringify({ control: 'unix:/evil.sock' }))
    assert.equal(await readRunningRecords(undefined), [])
    writeRunningRecord(undefined, { control })()
    assert.is(readdirSync(common).length, 1)
  }))

test.run()
