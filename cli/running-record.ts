import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { makeFolder } from '../files/folder.ts'
import type { GatewayConfig } from '../s3api/settings.ts'
import { ownFolder } from './data-folder.ts'
import { codeOf } from './error-text.ts'

/**
 * What a running server writes, so that the operator's commands find its private control service: into its data folder, or, if
 * it has none, as a gateway, into a folder of its user.
 */
export interface RunningRecord {
  readonly pid: number
  /** As SEALGATE_CONTROL would name it. */
  readonly control: string
  /** Of a gateway: the store that it stands before. */
  readonly store?: string
}

/** What tells a process from a later one with its pid; `namespace`: whose pids are meant. Linux only. */
interface ProcessMark {
  readonly namespace: string
  readonly started: string
}

const fileMode = 0o600
const directoryMode = 0o700
/** Of a folder's mode. */
const othersWrite = 0o022
const namePattern = /^running-(\d+)\.json$/
/** Of /proc/PID/stat, counted behind the name, which may have blanks. */
const startedField = 19

const recordSchema = v.object({
  control: v.string(),
  store: v.optional(v.string()),
  process: v.optional(v.object({ namespace: v.string(), started: v.string() })),
})

/** The store of a gateway, as its record names it. */
export function storeName({ endpoint: { host, port }, systemBucket }: GatewayConfig): string {
  return `${host}:${port}/${systemBucket}`
}

/**
 * Writes the record of this process; returns how to take it away. `directory`: the data folder, if there is one. Errors: those of the
 * file system; nothing is left then.
 */
export function writeRunningRecord(
  directory: string | undefined,
  record: Omit<RunningRecord, 'pid'>,
): () => void {
  const folder = folderOf(directory)
  makeFolder(folder, directoryMode)
  // Another user could have made the common one first; then this server is found by its address only.
  if (directory === undefined && !isOurs(folder)) return () => {}
  const path = join(folder, `running-${process.pid}.json`)
  const text = JSON.stringify({ pid: process.pid, process: markOf(process.pid), ...record })
  const remove = () => rmSync(path, { force: true })
  try {
    writeFileSync(path, `${text}\n`, { mode: fileMode })
  } catch (error) {
    remove()
    throw error
  }
  return remove
}

/** The servers that run on the data folder, or without one. What a killed one left behind is taken away. */
export async function readRunningRecords(directory: string | undefined): Promise<readonly RunningRecord[]> {
  const folder = folderOf(directory)
  if (directory === undefined && !isOurs(folder)) return []
  const found = await Promise.all(listNames(folder).map((name) => readRecord(folder, name)))
  return found.filter((record) => record !== undefined)
}

async function readRecord(folder: string, name: string): Promise<RunningRecord | undefined> {
  const pid = Number(namePattern.exec(name)?.[1])
  if (!(pid > 0)) return undefined
  const path = join(folder, name)
  const record = parseRecord(path)
  if (record === undefined) return undefined
  const { control, store, process: mark } = record
  // A server whose control service is being started again is one all the same.
  if (isRunning(pid, mark) || (await listens(control))) {
    return { pid, control, ...(store !== undefined && { store }) }
  }
  // In a container, say, of which we see the folder and not the processes, it may run.
  if (mark === undefined || mark.namespace === markOf(process.pid)?.namespace) removeStale(path)
  return undefined
}

function folderOf(directory: string | undefined): string {
  return directory === undefined ? join(tmpdir(), `sealgate-running-${userInfo().uid}`) : ownFolder(directory)
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

/** One that is being written at this moment is none yet, and one that was taken away is none any more. */
function parseRecord(path: string) {
  try {
    return v.parse(recordSchema, JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** It is the process that wrote the record, as far as the system can tell. */
function isRunning(pid: number, mark: ProcessMark | undefined): boolean {
  if (mark === undefined) return isAlive(pid)
  const now = markOf(pid)
  return now?.namespace === mark.namespace && now.started === mark.started
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[startedField]
    return started === undefined ? undefined : { namespace: readlinkSync('/proc/self/ns/pid'), started }
  } catch {
    // No such process, or a system without /proc.
    return undefined
  }
}

function listens(control: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(control.replace(/^unix:/, ''))
    const settle = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

function removeStale(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Its folder is another user's: it is passed over.
  }
}
