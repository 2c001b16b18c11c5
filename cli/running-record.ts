import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a running server writes into its folder, so that the operator's commands find its private control service. */
export interface RunningRecord {
  readonly pid: number
  /** As SEALGATE_CONTROL would name it. */
  readonly control: string
}

const fileMode = 0o600
const directoryMode = 0o700
const namePattern = /^running-(\d+)\.json$/

/** Writes the record of this process; returns how to take it away. */
export function writeRunningRecord(directory: string, record: Omit<RunningRecord, 'pid'>): () => void {
  const folder = folderOf(directory)
  mkdirSync(folder, { recursive: true, mode: directoryMode })
  const path = join(folder, `running-${process.pid}.json`)
  writeFileSync(path, `${JSON.stringify({ pid: process.pid, ...record })}\n`, { mode: fileMode })
  return () => rmSync(path, { force: true })
}

/** The servers that run on the folder. What a killed one left behind is passed over. */
export function readRunningRecords(directory: string): readonly RunningRecord[] {
  const folder = folderOf(directory)
  return listNames(folder).flatMap((name) => {
    const pid = Number(namePattern.exec(name)?.[1])
    if (!(pid > 0 && isAlive(pid))) return []
    const control = parseControl(readFileSync(join(folder, name), 'utf8'))
    return control === undefined ? [] : [{ pid, control }]
  })
}

function folderOf(directory: string): string {
  return join(directory, '.sealgate')
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
