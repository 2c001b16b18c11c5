import { closeSync, openSync } from 'node:fs'
import { loadSqlite } from './sqlite.ts'

/** What one holder on a machine has at a time, until it releases it or its process ends, in whatever way. */
export interface FileLock {
  release(): void
}

/** Whoever may read it could lock it. */
const fileMode = 0o600
/** SQLITE_BUSY. */
const busy = 5

/**
 * Locks the file, which holds nothing and stays: were it removed, two could each lock one of that name. Node has no locks
 * that end with their process; SQLite's are those of the system. `undefined` while another holds it, in this process too.
 * Errors: those of the file system.
 */
export function lockFile(path: string): FileLock | undefined {
  makeEmpty(path)
  const { DatabaseSync } = loadSqlite()
  const database = new DatabaseSync(path)
  try {
    // The file is empty before and after: there is nothing to roll back.
    database.exec('PRAGMA journal_mode = OFF')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return undefined
    throw error
  }
  return { release: () => database.close() }
}

/** Where it is there it is not opened: to close it again would end the locks that this process has on it (POSIX, fcntl). */
function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, 'ax', fileMode))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}
