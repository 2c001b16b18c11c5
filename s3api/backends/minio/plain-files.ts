import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir, realpath } from 'node:fs/promises'

/**
 * Files and folders that are reached through no symbolic link: `path` begins with the real path of a folder of ours to read. The
 * file systems know no way to ask for that in one step, so a link is looked for after the file was opened.
 */

/** A device or pipe must not be waited for. */
const readPlain = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const missing: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])

/** Undefined: there is nothing, or a link. */
export async function lookUp(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await lstat(path, { bigint: true })
    if (!stats.isFile() && !stats.isDirectory()) return undefined
    return (await realpath(path)) === path ? stats : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Undefined: there is nothing. Errors: LinkError, and those of the file system. */
export async function openPlain(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, readPlain)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw isLink(error) ? new LinkError(path, { cause: error }) : error
  }
  try {
    if ((await realpath(path)) !== path || !(await handle.stat()).isFile()) throw new LinkError(path)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The path leads elsewhere. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  constructor(path: string, options?: ErrorOptions) {
    super(`${path} is no file, or is reached through a symbolic link`, options)
  }
}

export async function isEmptyFolder(path: string): Promise<boolean> {
  const folder = await opendir(path)
  try {
    return (await folder.read()) === null
  } finally {
    await folder.close()
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && missing.has(String(error.code))
}

function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP'
}
