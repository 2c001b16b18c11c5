import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** Runs `work`; gives the paths, of those named, of folders whose entries were forced to the disk meanwhile. */
export async function foldersSyncedBy(
  paths: () => readonly string[],
  work: () => Promise<unknown>,
): Promise<readonly string[]> {
  const { fsyncSync } = fs
  const synced = new Set<string>()
  fs.fsyncSync = (fd) => {
    synced.add(identityOf(fs.fstatSync(fd)))
    fsyncSync(fd)
  }
  syncBuiltinESMExports()
  try {
    await work()
  } finally {
    fs.fsyncSync = fsyncSync
    syncBuiltinESMExports()
  }
  return paths().filter((path) => synced.has(identityOf(fs.statSync(path))))
}

const identityOf = ({ dev, ino }: fs.Stats): string => `${dev}:${ino}`
