import { suite } from 'uvu'
import { CommandExecutor } from '../../../s3api/backends/disk/command-executor.ts'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { Statements } from '../../../s3api/backends/disk/statements.ts'
import { rejectsWith } from '../../contracts/backend/fixture.ts'
import { openDiskStore } from '../../support/disk-store.ts'

const test = suite('s3api/backends/disk-reader')

/** Runs `change`, as another process would, when a first statement about an upload has been answered. */
function afterFirstLook(change: () => void): () => void {
  const { get, all } = Statements.prototype
  let seen = false
  const restore = () => Object.assign(Statements.prototype, { get, all })
  const once = (sql: string) => {
    if (seen || !/FROM (uploads|parts)/.test(sql)) return
    seen = true
    restore()
    change()
  }
  Statements.prototype.get = function (sql, ...values) {
    const row = get.call(this, sql, ...values)
    once(sql)
    return row
  }
  Statements.prototype.all = function (sql, ...values) {
    const rows = all.call(this, sql, ...values)
    once(sql)
    return rows
  }
  return restore
}

test('the parts of an upload that another process ends meanwhile are no empty list', async () => {
  const store = await openDiskStore()
  const database = openDatabase(store.databasePath, { readOnly: false })
  const { backend } = store
  const name = { bucket: 'bucket', key: 'key' }
  let restore = () => {}
  try {
    await backend.createBucket('bucket')
    const initial = { ...name, headers: {}, metadata: {}, storageClass: 'STANDARD', initiatedAtMs: 0 }
    const uploadId = await backend.createUpload(initial)
    const upload = await backend.getUpload('bucket', 'key', uploadId)
    restore = afterFirstLook(() =>
      new CommandExecutor(database).execute({ type: 'abort-upload', uploadId, ...name, atMs: 0 }),
    )
    await rejectsWith('no-such-upload', backend.listParts(upload, { after: 0, limit: 10 }))
  } finally {
    restore()
    database.close()
    await store.close()
  }
})

test.run()
