import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from './config-error.ts'
import { codeOf } from './error-text.ts'

/** What fits into sockaddr_un on every system, its end included. */
export const socketPathSizeMax = 103

/** Where a private control service listens, in such a folder. */
export const socketIn = (directory: string): string => join(directory, 'control.sock')

/** A folder of our own for its socket. Errors: ConfigError for a temporary folder that cannot hold it. */
export function makeSocketDirectory(): string {
  let directory: string
  try {
    directory = mkdtempSync(join(tmpdir(), 'sealgate-'))
  } catch (error) {
    const reason = codeOf(error) ?? 'an error'
    throw new ConfigError(`TMPDIR names a directory in which nothing can be made (${reason})`, {
      cause: error,
    })
  }
  if (Buffer.byteLength(socketIn(directory)) <= socketPathSizeMax) return directory
  rmSync(directory, { recursive: true })
  throw new ConfigError(
    `TMPDIR is too long for the path of a socket, which has ${socketPathSizeMax} bytes at most`,
  )
}
