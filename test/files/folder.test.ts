import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder, syncFolderAndAbove } from '../../files/folder.ts'
import { withDirectory } from '../support/files.ts'
import { skip } from '../support/skip.ts'
import { foldersSyncedBy } from '../support/synced-folders.ts'

const test = suite('files/folder')

const mode = 0o700

test('a folder is made with what is missing above it, and one that is there stays', () =>
  withDirectory(async (directory) => {
    const folder = join(directory, 'a', 'b', 'c')
    makeFolder(folder, mode)
    for (const path of [folder, dirname(folder)]) assert.is(statSync(path).mode & 0o777, mode)
    writeFileSync(join(folder, 'file'), '')
    makeFolder(folder, mode)
    assert.ok(existsSync(join(folder, 'file')))
  }))

test('what is no folder is not taken for one', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    assert.throws(() => makeFolder(file, mode), /EEXIST/)
    assert.throws(() => makeFolder(join(file, 'a', 'b'), mode), /ENOTDIR/)
    const link = join(directory, 'link')
    symlinkSync(join(directory, 'nowhere'), link)
    assert.throws(() => makeFolder(join(link, 'a'), mode), /EEXIST/)
  }))

test('where nothing can be made, the error comes at once and says why', () =>
  withDirectory(async (directory) => {
    if (existsSync('/proc/self')) assert.throws(() => makeFolder('/proc/none/a/b', mode), /ENOENT/)
    for (const [options, code] of [
      ['ro', /EROFS/],
      ['nr_inodes=1', /ENOSPC/],
    ] as const) {
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'ignore' })
      } catch {
        return skip('a file system in which nothing can be made: run the tests as root on Linux')
      }
      try {
        assert.throws(() => makeFolder(join(directory, 'a', 'b'), mode), code)
      } finally {
        execFileSync('umount', [directory])
      }
    }
  }))

test('names are forced to the disk up to the root of the file system', () =>
  withDirectory(async (directory) => {
    const folder = join(directory, 'a', 'b')
    mkdirSync(folder, { recursive: true })
    symlinkSync(folder, join(directory, 'link'))
    const expected = [folder, dirname(folder), directory]
    const work = async () => syncFolderAndAbove(join(directory, 'link'))
    assert.equal(await foldersSyncedBy(() => expected, work), expected)
  }))

test.run()
