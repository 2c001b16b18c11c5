import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink, realpath } from 'node:fs/promises'
import { BackendError } from '../backend.ts'

/**
 * Files and folders that are reached through no symbolic link: `path` begins with the real path of a folder of ours to read. Node
 * cannot ask for that when it opens a file, so the file that is open is asked where it is.
 */

/** A device or pipe must not be waited for. */
const readPlain = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const missing: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])
const forbidden: ReadonlySet<string> = new Set(['EACCES', 'EPERM'])

/** Undefined: there is nothing, or a link. Errors: BackendError unreadable. */
export async function lookUp(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await lstat(path, { bigint: true })
    if (!stats.isFile() && !stats.isDirectory()) return undefined
    return (await realpath(path)) === path ? stats : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw toReadError(error, path)
  }
}

/** Undefined: there is nothing. Errors: LinkError; BackendError unreadable. */
export async function openPlain(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, readPlain)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw isLink(error) ? new LinkError(path, { cause: error }) : toReadError(error, path)
  }
  let place: string | undefined
  try {
    place = await placeOf(handle, path)
    if (place === path && (await handle.stat()).isFile()) return handle
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  if (place === undefined) return undefined
  throw new LinkError(path)
}

/**
 * Where the file is that was opened as `path`; undefined: it is gone. Linux tells it of the file itself. Elsewhere the path is
 * looked at once more, and whoever swaps a folder for a link and back in between is not noticed.
 */
async function placeOf(handle: FileHandle, path: string): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const place = await readlink(`/proc/self/fd/${handle.fd}`)
    return place === `${path} (deleted)` ? undefined : place
  }
  return realpath(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
}

/** The path leads elsewhere. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  constructor(path: string, options?: ErrorOptions) {
    super(`${path} is no file, or is reached through a symbolic link`, options)
  }
}

/** Errors: BackendError unreadable. */
export async function isEmptyFolder(path: string): Promise<boolean> {
  const folder = await opendir(path).catch((error: unknown) => {
    throw toReadError(error, path)
  })
  try {
    return (await folder.read()) === null
  } finally {
    await folder.close()
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && missing.has(String(error.code))
}

/** The error, or a BackendError unreadable for one that says that the server may not. */
export function toReadError(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'code' in error && forbidden.has(String(error.code)))) return error
  return new BackendError('unreadable', `${path} may not be read`, { cause: error })
}

function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP'
}
