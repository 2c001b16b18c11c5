import { existsSync, readFileSync } from 'node:fs'
import type { Logger } from 'pino'

/** What a front-end has open besides, of libraries, databases and control. */
const ownFiles = 64
/** A connection, and the file, or the connection to the store, that it is about. */
const filesPerConnection = 2

/** Linux's, where its file system of processes is mounted. */
const limitsFile = '/proc/self/limits'

/** How many files and connections the system lets this process have open; Node has asked for all that it may. Absent where that is not told. */
export function openFilesMax(): number | undefined {
  if (!existsSync(limitsFile)) return undefined
  const found = /^Max open files +(\d+)/m.exec(readFileSync(limitsFile, 'utf8'))
  return found === null ? undefined : Number(found[1])
}

/**
 * As many connections as there can be files for. With more, the system would close connections that nobody counts, and refuse files to
 * those that are served.
 */
export function connectionsWithin(
  connectionsMax: number,
  filesMax: number | undefined,
  log: Pick<Logger, 'warn'>,
): number {
  if (filesMax === undefined) return connectionsMax
  const room = Math.max(1, Math.floor((filesMax - ownFiles) / filesPerConnection))
  if (room >= connectionsMax) return connectionsMax
  const needed = ownFiles + connectionsMax * filesPerConnection
  log.warn(
    { openFilesMax: filesMax, connectionsMax: room },
    `the limit of open files leaves room for ${room} of ${connectionsMax} connections: raise it to ${needed} (LimitNOFILE, ulimit -n) or lower SEALGATE_CONNECTIONS_MAX`,
  )
  return room
}
