import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
/** Names the folder of {@link makeRunFolders} that scratch folders are made in. */
const scratchVariable = 'TEST_SCRATCH'
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A new folder, in memory where the system has such a place: what tests wait for most is a disk's fsync. */
export function makeScratch(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(scratchRoot(), `sealgate-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/**
 * From now on all temporary folders of this process, and of those that it starts, are made below one, or one in memory and one
 * not, which goes with the process, unless that is killed.
 */
export function makeRunFolders(): void {
  const temporary = mkdtempSync(join(tmpdir(), 'sealgate-run-'))
  const root = scratchRoot()
  const scratch = root === tmpdir() ? temporary : mkdtempSync(join(root, 'sealgate-run-'))
  process.env.TMPDIR = temporary
  process.env[scratchVariable] = scratch
  const remove = () => {
    for (const folder of [temporary, scratch]) {
      try {
        rmSync(folder, { recursive: true, force: true })
      } catch {
        // A file system that a test has mounted below it stays, and whoever ends is not to be kept from that.
      }
    }
  }
  process.on('exit', remove)
  for (const signal of endings) {
    process.once(signal, () => {
      remove()
      process.kill(process.pid, signal)
    })
  }
}

function scratchRoot(): string {
  const given = process.env[scratchVariable]
  if (given !== undefined) return given
  if (process.env.TMPDIR !== undefined) return tmpdir()
  try {
    accessSync(memory, constants.W_OK)
    return memory
  } catch {
    // Not a Linux with a shared-memory file system.
    return tmpdir()
  }
}
