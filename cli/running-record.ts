import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/**
 * What a running server writes, so that the operator's commands find its private control service: into its data folder, or, if
 * it has none, as a gateway, into a folder of its user.
 */
export interface RunningRecord {
  readonly pid: number
  /** As SEALGATE_CONTROL would name it. */
  readonly control: string
}

const fileMode = 0o600
const directoryMode = 0o700
/** Of a folder's mode. */
const othersWrite = 0o022
const namePattern = /^running-(\d+)\.json$/

/** Writes the record of this process; returns how to take it away. `directory`: the data folder, if there is one. */
export function writeRunningRecord(
  directory: string | undefined,
  record: Omit<RunningRecord, 'pid'>,
): () => void {
  const folder = folderOf(directory)
  mkdirSync(folder, { recursive: true, mode: directoryMode })
  // Another user could have made the common one first; then this server is found by its address only.
  if (directory === undefined && !isOurs(folder)) return () => {}
  const path = join(folder, `running-${process.pid}.json`)
  writeFileSync(path, `${JSON.stringify({ pid: process.pid, ...record })}\n`, { mode: fileMode })
  return () => rmSync(path, { force: true })
}

/** The servers that run on the data folder, or without one. What a killed one left behind is passed over. */
export function readRunningRecords(directory: string | undefined): readonly RunningRecord[] {
  const folder = folderOf(directory)
  if (directory === undefined && !isOurs(folder)) return []
  return listNames(folder).flatMap((name) => {
    const pid = Number(namePattern.exec(name)?.[1])
    if (!(pid > 0 && isAlive(pid))) return []
    const control = parseControl(readFileSync(join(folder, name), 'utf8'))
    return control === undefined ? [] : [{ pid, control }]
  })
}

function folderOf(directory: string | undefined): string {
  return directory === undefined
    ? join(tmpdir(), `sealgate-running-${userInfo().uid}`)
    : join(directory, '.sealgate')
}

/** Nobody else could have put a record there. */
function isOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && stats.uid === userInfo().uid && (stats.mode & othersWrite) === 0
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // No folder, no server.
    return []
  }
}

/** A record that is being written at this moment is none yet. */
function parseControl(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const known = typeof value === 'object' && value !== null && 'control' in value ? value.control : undefined
  return typeof known === 'string' ? known : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
