import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { type Followed, followFiles } from '../../files/followed-files.ts'
import type { Credential } from '../config.ts'
import { onlyRoot, parseUsers, type Users } from './users.ts'

/** The users as they are now: those of the environment and of a file that may change at any time. */
export type UserDirectory = Followed<Users>

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
  const credentials = [...roots]
  if (path === undefined) {
    const users = onlyRoot(credentials)
    return { current: () => users, close: () => {} }
  }
  return followFiles(
    [path],
    (contents) => parseUsers(Buffer.concat(contents).toString('utf8'), credentials),
    {
      intervalMs,
      changed: (users) => log.info({ users: users.byAccessKey.size }, 'the users file was loaded again'),
      refused: (error) =>
        log.error({ err: error }, 'the changed users file cannot be used, the users stay as they were'),
    },
  )
}
