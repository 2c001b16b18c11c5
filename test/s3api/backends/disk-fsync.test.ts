import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { fsyncPolicies } from '../../../s3api/backends/disk/fsync-policy.ts'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { withDirectory } from '../../support/files.ts'
import { foldersSyncedBy } from '../../support/synced-folders.ts'

const test = suite('s3api/backends/disk-fsync')
const log = pino({ level: 'silent' })
/** SQLite's names for them: sqlite.org/pragma.html#pragma_synchronous */
const synchronous = { never: 1, always: 2 } as const

for (const fsync of fsyncPolicies) {
  test(`fsync ${fsync}: commits are synced so, and a store works`, () =>
    withDirectory(async (directory) => {
      const backend = await openDiskBackend({ directory, log, fsync })
      await backend.createBucket('bucket')
      await backend.close()
      const reopened = await openDiskBackend({ directory, log, fsync })
      assert.is((await reopened.getBucket('bucket')).name, 'bucket')
      await reopened.close()
      const path = join(directory, '.sealgate', 'meta.sqlite')
      const database = openDatabase(path, { readOnly: false, fsync })
      const row = database.prepare('PRAGMA synchronous').get()
      database.close()
      assert.is(Number(row?.synchronous), synchronous[fsync])
    }))
}

test('the names of a new store, and of the folders that were made for it, are on the disk before it is open', () =>
  withDirectory(async (above) => {
    const directory = join(above, 'srv', 'store')
    const folders = [join(directory, '.sealgate'), directory, dirname(directory), above]
    const open = async () => (await openDiskBackend({ directory, log })).close()
    assert.equal(await foldersSyncedBy(() => folders, open), folders)
    // Whoever made them last may have been killed before.
    assert.equal(await foldersSyncedBy(() => folders, open), folders)
  }))

test.run()
