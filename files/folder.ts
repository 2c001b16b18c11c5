import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes the folder where it is missing, and what is missing above it. Errors: those of the file system, as it has them: with
 * `recursive`, Node calls them ENOENT where it is read-only or full, and tries for ever below /proc.
 */
export function makeFolder(path: string, mode: number): void {
  if (isFolder(path)) return
  makeFolder(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process may have been first.
    if (!isFolder(path)) throw error
  }
}

/** Forces the names in a folder to the disk: what is made, renamed or removed there. Errors: those of the file system. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * As {@link syncFolder}, and the name of the folder as well, with those of the folders that it is in, as far as its file system
 * goes: a file that is on the disk is lost when a folder above it, made a moment ago, is not.
 */
export function syncFolderAndAbove(path: string): void {
  const folder = realpathSync(path)
  const { dev } = statSync(folder)
  syncFolder(folder)
  for (let below = folder, at = dirname(below); at !== below; below = at, at = dirname(at)) {
    if (statSync(at).dev !== dev) return
    try {
      syncFolder(at)
    } catch (error) {
      // One that may be passed and not be read is another's: its names are not ours to force.
      if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error
    }
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
