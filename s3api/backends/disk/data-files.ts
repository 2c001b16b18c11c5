import { randomBytes } from 'node:crypto'
import { constants, type Dirent } from 'node:fs'
import {
  access,
  copyFile,
  type FileHandle,
  link,
  open,
  opendir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ByteSource, DareError, type WriteTarget } from '../../../engine/index.ts'
import { makeFolder } from '../../../files/folder.ts'
import { BackendError, type StagedData } from '../backend.ts'
import type { FsyncPolicy } from './fsync-policy.ts'
import { ofFile } from './store-errors.ts'

/**
 * The files of stored bytes: `<first two hex digits of the id>/<id>`, the id 32 random hex digits, mode 0600. A file is
 * written where it stays, once; it counts when a row names it. What no row names is removed by the janitor.
 */

const idSize = 16
const idPattern = /^[0-9a-f]{32}$/
const fileMode = 0o600
const directoryMode = 0o700
const fanOut = 256
const copyBufferSize = 1024 * 1024
/** The file system cannot make one more link to that file, or none at all. */
const cannotLink: ReadonlySet<string> = new Set([
  'EMLINK',
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EXDEV',
  'ENOSYS',
])

/** A data file, open for reading. */
export interface OpenFile {
  readonly source: ByteSource
  close(): Promise<void>
}

/** A new file, open for writing until it is finished or discarded. */
export class StagedFile implements StagedData {
  readonly id: string
  readonly #handle: FileHandle
  readonly #path: string
  readonly #fsync: FsyncPolicy
  #state: 'open' | 'finished' | 'discarded' = 'open'

  constructor(parts: {
    readonly id: string
    readonly path: string
    readonly handle: FileHandle
    readonly fsync: FsyncPolicy
  }) {
    this.id = parts.id
    this.#path = parts.path
    this.#handle = parts.handle
    this.#fsync = parts.fsync
  }

  get target(): WriteTarget {
    return { fd: this.#handle.fd }
  }

  /** Errors: BackendError no-space, unavailable; Error where the other file ends before. */
  async copyFrom(source: FileHandle, { start, size }: { readonly start: number; readonly size: number }) {
    const buffer = Buffer.allocUnsafe(Math.min(size, copyBufferSize))
    for (let done = 0; done < size; ) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, size - done), start + done)
      if (bytesRead === 0) throw new Error(`the file to copy ends after ${start + done} bytes`)
      await this.#handle.writeFile(buffer.subarray(0, bytesRead)).catch(explain)
      done += bytesRead
    }
  }

  /** Makes the file durable, its name included, as the policy has it, and closes it. Errors: BackendError no-space, unavailable. */
  async finish(): Promise<void> {
    if (this.#state !== 'open') throw new Error(`the file was ${this.#state} before`)
    await this.#finish().catch(explain)
    this.#state = 'finished'
  }

  async discard(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'discarded'
    await this.#handle.close()
    await unlink(this.#path).catch(ignoreMissing)
  }

  async #finish(): Promise<void> {
    const durable = this.#fsync === 'always'
    if (durable) await this.#handle.datasync()
    // After a jump of the clock the janitor takes a file for an old one while it is written.
    await access(this.#path).catch((error: unknown) => {
      throw new BackendError('unavailable', 'the new file was removed', { cause: error })
    })
    await this.#handle.close()
    if (durable) await syncDirectory(dirname(this.#path))
  }
}

export class DataFiles {
  readonly #directory: string

  readonly #fsync: FsyncPolicy

  constructor(directory: string, fsync: FsyncPolicy = 'always') {
    this.#directory = directory
    this.#fsync = fsync
  }

  /** Makes the directories. Errors: those of the file system. */
  async prepare(): Promise<void> {
    makeFolder(this.#directory, directoryMode)
    for (let index = 0; index < fanOut; index++) {
      makeFolder(join(this.#directory, fanOutName(index)), directoryMode)
    }
    await syncDirectory(this.#directory)
  }

  /** Errors: BackendError no-space, unavailable. */
  async create(): Promise<StagedFile> {
    const id = newId()
    const path = this.#pathOf(id)
    const handle = await open(path, 'wx', fileMode).catch(explain)
    return new StagedFile({ id, path, handle, fsync: this.#fsync })
  }

  /**
   * A further file of the same bytes, durable: a hard link where the file system can. Undefined when there is no such file.
   * Errors: BackendError no-space, unavailable.
   */
  async duplicate(id: string): Promise<string | undefined> {
    const copy = newId()
    const [from, to] = [this.#pathOf(id), this.#pathOf(copy)]
    try {
      await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
        if (!cannotLink.has(error.code ?? '')) throw error
        await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
        if (this.#fsync === 'always') await syncFile(to)
      })
    } catch (error) {
      if (isMissing(error)) return undefined
      await unlink(to).catch(ignoreMissing)
      return explain(error)
    }
    if (this.#fsync === 'always') await syncDirectory(dirname(to)).catch(explain)
    return copy
  }

  /** A new file, durable, of the bytes [start, start + size) of another. Errors: BackendError no-space, unavailable. */
  async copyOf(
    source: FileHandle,
    place: { readonly start: number; readonly size: number },
  ): Promise<string> {
    const staged = await this.create()
    try {
      await staged.copyFrom(source, place)
      await staged.finish()
      return staged.id
    } catch (error) {
      await staged.discard()
      throw error
    }
  }

  /** Undefined when there is no such file. */
  async open(id: string): Promise<OpenFile | undefined> {
    try {
      const handle = await open(this.#pathOf(id), 'r')
      const { size } = await handle.stat()
      return { source: { kind: 'file', fd: handle.fd, size }, close: () => handle.close() }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Errors: BackendError unavailable, where there is no folder for such a file: the file system is not mounted, for instance. */
  async requireFolderOf(id: string): Promise<void> {
    await access(dirname(this.#pathOf(id))).catch(explain)
  }

  /** What is free of the file system, 0 to 1. */
  async freeShare(): Promise<number> {
    const { bavail, blocks } = await statfs(this.#directory)
    return blocks === 0 ? 1 : bavail / blocks
  }

  /** No such file is no error. */
  async remove(id: string): Promise<void> {
    await unlink(this.#pathOf(id)).catch(ignoreMissing)
  }

  /** All files, in no order. */
  async *list(): AsyncGenerator<string> {
    for (let index = 0; index < fanOut; index++) {
      const directory = await opendir(join(this.#directory, fanOutName(index)))
      for await (const entry of directory) if (isDataFile(entry)) yield entry.name
    }
  }

  /** When the file was last written or linked to; undefined when there is none. */
  async changedAtMs(id: string): Promise<number | undefined> {
    try {
      return (await stat(this.#pathOf(id))).ctimeMs
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Errors: DareError unexpected-eof for what is no id: a row that was changed must not lead out of the store. */
  #pathOf(id: string): string {
    if (!idPattern.test(id)) {
      throw new DareError('unexpected-eof', `${JSON.stringify(id)}, which a row names, is no data file`)
    }
    return join(this.#directory, id.slice(0, 2), id)
  }
}

function newId(): string {
  return randomBytes(idSize).toString('hex')
}

function fanOutName(index: number): string {
  return index.toString(16).padStart(2, '0')
}

function isDataFile(entry: Dirent): boolean {
  return entry.isFile() && idPattern.test(entry.name)
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}

function explain(error: unknown): never {
  throw ofFile(error)
}
