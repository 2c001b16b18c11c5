import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Logger } from 'pino'
import type { Credential } from '../config.ts'
import { onlyRoot, parseUsers, type Users } from './users.ts'

/** The users as they are now: those of the environment and of a file that may change at any time. */
export interface UserDirectory {
  current(): Users
  close(): void
}

const pollMs = 2_000

/** Reads the file. Errors: a file that cannot be read, or whose content is not what it has to be. */
export function readUsersFile(path: string, roots: Iterable<Credential>): Users {
  return parseUsers(readFileSync(path, 'utf8'), roots)
}

/**
 * Follows the file. A changed file is taken whole or, when anything is wrong with it, not at all: the users that were known
 * go on. Errors: those of {@link readUsersFile}, for the first reading.
 */
export function openUsers(
  path: string | undefined,
  roots: Iterable<Credential>,
  { log, intervalMs = pollMs }: { readonly log: Logger; readonly intervalMs?: number },
): UserDirectory {
  if (path === undefined) {
    const users = onlyRoot(roots)
    return { current: () => users, close: () => {} }
  }
  let users = readUsersFile(path, roots)
  const reload = () => {
    try {
      users = readUsersFile(path, roots)
      log.info({ users: users.byAccessKey.size }, 'the users file was loaded again')
    } catch (error) {
      // Half-written, most likely: the next change is tried again.
      log.error({ err: error }, 'the changed users file cannot be used, the users stay as they were')
    }
  }
  watchFile(path, { interval: intervalMs, persistent: false }, reload)
  return { current: () => users, close: () => unwatchFile(path, reload) }
}
