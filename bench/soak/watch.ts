import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../s3api/backends/disk/database.ts'
import { descendantsOf } from '../support/processes.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** What can be seen of a server from outside. */

export type Role = 'supervisor' | 'control' | 'front-end'

export interface ProcessSample {
  readonly pid: number
  readonly role: Role
  readonly residentMib: number
  readonly descriptors: number
}

/** Of all processes of the server that live. */
export function sampleProcesses(server: RunningSealgate): readonly ProcessSample[] {
  return [server.pid, ...descendantsOf(server.pid)].flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const residentMib = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
      const descriptors = readdirSync(`/proc/${pid}/fd`).length
      return [{ pid, role: roleOf(server, pid), residentMib, descriptors }]
    } catch {
      // It has ended meanwhile.
      return []
    }
  })
}

function roleOf(server: RunningSealgate, pid: number): Role {
  if (pid === server.pid) return 'supervisor'
  // Front-ends are told how to allocate (cli/front-end-runtime.ts).
  return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('MALLOC_TOP_PAD_') ? 'front-end' : 'control'
}

/** Files of data on the disk, and how many of them the metadata names. */
export function countFiles({ directory }: RunningSealgate): {
  readonly files: number
  readonly named: number
  readonly trash: number
} {
  const files = readdirSync(join(directory, '.sealgate', 'data'), {
    recursive: true,
    withFileTypes: true,
  }).filter((entry) => entry.isFile()).length
  const database = openDatabase(join(directory, '.sealgate', 'meta.sqlite'), { readOnly: true })
  try {
    const count = (from: string) =>
      Number(database.prepare(`SELECT count(*) AS count FROM ${from}`).get()?.count)
    const named = count('streams WHERE file IS NOT NULL') + count('parts WHERE file IS NOT NULL')
    return { files, named, trash: count('trash') }
  } finally {
    database.close()
  }
}
