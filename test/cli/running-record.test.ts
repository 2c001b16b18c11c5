import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
async function withFolder(check: (folder: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-records-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    check(folder)
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a record is found as long as it is there, and only its owner can read it', () =>
  withFolder((folder) => {
    const remove = writeRunningRecord(folder, { control })
    assert.equal(readRunningRecords(folder), [{ pid: process.pid, control }])
    const [name = ''] = readdirSync(join(folder, '.sealgate'))
    assert.is(statSync(join(folder, '.sealgate', name)).mode & 0o077, 0)
    remove()
    remove()
    assert.equal(readRunningRecords(folder), [])
  }))

test('the record of a process that is gone, a broken one and other files are passed over', () =>
  withFolder((folder) => {
    mkdirSync(join(folder, '.sealgate'))
    const put = (name: string, text: string) => writeFileSync(join(folder, '.sealgate', name), text)
    put(`running-${deadPid}.json`, JSON.stringify({ pid: deadPid, control }))
    put(`running-${process.pid}.json`, '{"pid":')
    put('running-x.json', '{}')
    put('master-key', 'x')
    assert.equal(readRunningRecords(folder), [])
    assert.equal(readRunningRecords(join(folder, 'nothing')), [])
  }))

test('a server without a data folder is found by its user', () =>
  withFolder(() => {
    const remove = writeRunningRecord(undefined, { control })
    assert.equal(readRunningRecords(undefined), [{ pid: process.pid, control }])
    remove()
    assert.equal(readRunningRecords(undefined), [])
  }))

test('a common folder that others can write to is neither believed nor used', () =>
  withFolder((folder) => {
    const common = join(folder, `sealgate-running-${userInfo().uid}`)
    mkdirSync(common)
    chmodSync(common, 0o777)
    writeFileSync(join(common, `running-${process.pid}.json`), JSON.stringify({ control: 'unix:/evil.sock' }))
    assert.equal(readRunningRecords(undefined), [])
    writeRunningRecord(undefined, { control })()
    assert.is(readdirSync(common).length, 1)
  }))

test.run()
