import { messageOf } from '../../errors.ts'
import { BackendError, type BackendErrorCode } from '../backend.ts'

/** What the disk and the database on it refuse, as errors of the interface. */

/** SQLite's primary result codes (sqlite.org/rescode.html): BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN. */
const codeOfSqlite: Readonly<Record<number, BackendErrorCode>> = {
  5: 'unavailable',
  6: 'unavailable',
  8: 'unavailable',
  10: 'unavailable',
  13: 'no-space',
  14: 'unavailable',
}

const noSpace: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** SQLite's primary result code, also of an error that {@link ofDatabase} has explained; 0 for any other. */
export function primaryCode(error: unknown): number {
  const own = error instanceof BackendError ? error.cause : error
  const resultCode = own instanceof Error && 'errcode' in own ? Number(own.errcode) : 0
  // The lowest byte is the primary result code.
  return resultCode & 0xff
}

/** The error of a query: BackendError no-space or unavailable, where the disk or another program is why; else as it is. */
export function ofDatabase(error: unknown): unknown {
  const code = error instanceof BackendError ? undefined : codeOfSqlite[primaryCode(error)]
  if (code === undefined) return error
  return new BackendError(code, `the metadata cannot be had: ${messageOf(error)}`, { cause: error })
}

/** As {@link ofDatabase}, for what a file system refuses. */
export function ofFile(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && 'syscall' in error)) return error
  if (noSpace.has(String(error.code)))
    return new BackendError('no-space', 'the disk is full', { cause: error })
  return new BackendError('unavailable', `the disk cannot be used: ${error.message}`, { cause: error })
}
