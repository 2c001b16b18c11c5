import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lockFile } from '../../files/file-lock.ts'
import { withDirectory } from '../support/files.ts'

const test = suite('files/file-lock')

const room = new URL('../../files/file-lock.js', import.meta.url).href

/** Whether another process gets the lock, which ends with it. */
function isFree(path: string): boolean {
  const program = `const { lockFile } = await import(${JSON.stringify(room)})
    console.log(lockFile(${JSON.stringify(path)}) === undefined ? 'taken' : 'free')
    process.exit()`
  return execFileSync(process.execPath, ['--input-type=module', '--eval', program]).toString() === 'free\n'
}

test('a lock has one holder among all processes, and is free when it is released', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'lock')
    const lock = lockFile(path)
    assert.ok(lock)
    assert.is(isFree(path), false)
    lock.release()
    assert.is(isFree(path), true)
    assert.is(statSync(path).size, 0)
    assert.is(statSync(path).mode & 0o777, 0o600)
  }))

test('whoever asks for a lock in the process that has it does not take it away', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'lock')
    const lock = lockFile(path)
    assert.ok(lock)
    assert.is(lockFile(path), undefined)
    assert.is(isFree(path), false)
    lock.release()
  }))

test('a lock whose process has ended is free', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'lock')
    assert.is(isFree(path), true)
    assert.is(isFree(path), true)
  }))

test.run()
