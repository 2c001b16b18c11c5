import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'
import { loadSqlite } from '../../../files/sqlite.ts'
import type { FsyncPolicy } from './fsync-policy.ts'

/** The embedded metadata store. */

export type Database = DatabaseSyncInstance
export type Statement = StatementSyncInstance

/** How long a writer waits for another process's transaction. */
const busyTimeoutMs = 10_000

export function openDatabase(
  path: string,
  { readOnly, fsync = 'always' }: { readonly readOnly: boolean; readonly fsync?: FsyncPolicy },
): Database {
  const { DatabaseSync } = loadSqlite()
  const database = new DatabaseSync(path, { readOnly })
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  if (!readOnly) {
    database.exec('PRAGMA journal_mode = WAL')
    // FULL: a commit is on the disk before it is answered. NORMAL: the database stays whole, its last commits may be lost.
    database.exec(`PRAGMA synchronous = ${fsync === 'always' ? 'FULL' : 'NORMAL'}`)
    database.exec('PRAGMA foreign_keys = ON')
  }
  return database
}

/** The values, of which no text has a U+0000: the binding would end it there, and another row would be meant. */
export function bindable<Value>(values: readonly Value[]): readonly Value[] {
  const cut = values.some((value) => typeof value === 'string' && value.includes('\0'))
  if (cut) throw new Error('a text with U+0000 cannot be bound')
  return values
}
