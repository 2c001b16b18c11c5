import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'

/** A new folder, in memory where the system has such a place: what tests wait for most is a disk's fsync. */
export function makeScratch(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(scratchRoot(), `sealgate-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

function scratchRoot(): string {
  if (process.env.TMPDIR !== undefined) return tmpdir()
  try {
    accessSync(memory, constants.W_OK)
    return memory
  } catch {
    // Not a Linux with a shared-memory file system.
    return tmpdir()
  }
}
