import { join } from 'node:path'
import { pino } from 'pino'
import { type Backend, BackendError } from '../../s3api/backends/backend.ts'
import { DataFiles } from '../../s3api/backends/disk/data-files.ts'
import { DiskBackend } from '../../s3api/backends/disk/disk-backend.ts'
import { openDiskBackend } from '../../s3api/backends/disk/index.ts'
import { Janitor, orphanAgeMinMs } from '../../s3api/backends/disk/janitor.ts'
import { Reader } from '../../s3api/backends/disk/reader.ts'
import { Writer } from '../../s3api/backends/disk/writer.ts'
import type { BackendUnderTest } from '../contracts/backend.ts'
import { makeScratch } from './scratch.ts'

const silentLog = pino({ level: 'silent' })
const hourMs = 60 * 60 * 1000

/** A disk store in a folder of its own. */
export interface DiskStore extends BackendUnderTest {
  readonly directory: string
  readonly databasePath: string
  readonly dataDirectory: string
  /** Does what the janitor does by the day: empties the trash, removes orphans. */
  sweep(): Promise<void>
}

/** Several processes' worth of instances on one store. */
export async function openDiskStore(
  openFirst: (directory: string) => Promise<Backend> = (directory) =>
    openDiskBackend({ directory, log: silentLog }),
): Promise<DiskStore> {
  const scratch = makeScratch('disk')
  const directory = scratch.path
  const open = () => openDiskBackend({ directory, log: silentLog })
  const opened = [await openFirst(directory)]
  const closeAll = async () => {
    for (const backend of opened.splice(0)) await backend.close()
  }
  const kept = async () => {
    const backend = await open()
    opened.push(backend)
    return backend
  }
  const store = {
    directory,
    databasePath: join(directory, '.sealgate', 'meta.sqlite'),
    dataDirectory: join(directory, '.sealgate', 'data'),
  }
  const [backend] = opened
  if (backend === undefined) throw new Error('a store was opened')
  return {
    ...store,
    backend,
    another: kept,
    async reopen() {
      await closeAll()
      return kept()
    },
    garbage: () => withJanitor(store, { laterMs: hourMs, sweep: false }),
    async sweep() {
      await withJanitor(store, { laterMs: orphanAgeMinMs + hourMs, sweep: true })
    },
    async close() {
      await closeAll()
      scratch.remove()
    },
  }
}

/** A store whose n-th write fails: before it is done, or, of a commit, also after it was done. */
export async function openFailingDiskStore(nth: number): Promise<DiskStore & { failed(): boolean }> {
  let writes = 0
  const isDue = () => ++writes === nth
  const failIfDue = () => {
    if (isDue()) throw new BackendError('no-space', 'injected: the disk is full')
  }
  class FailingFiles extends DataFiles {
    override async create() {
      failIfDue()
      const staged = await super.create()
      const finish = staged.finish.bind(staged)
      staged.finish = async () => {
        failIfDue()
        await finish()
      }
      return staged
    }
    override async duplicate(id: string) {
      failIfDue()
      return super.duplicate(id)
    }
  }
  class FailingWriter extends Writer {
    override async execute(...command: Parameters<Writer['execute']>) {
      failIfDue()
      const result = await super.execute(...command)
      if (isDue()) throw new BackendError('unavailable', 'injected: the answer to a commit is lost')
      return result
    }
  }
  const store = await openDiskStore(async (directory) => {
    const first = await openDiskBackend({ directory, log: silentLog })
    await first.close()
    const databasePath = join(directory, '.sealgate', 'meta.sqlite')
    return new DiskBackend({
      directory,
      files: new FailingFiles(join(directory, '.sealgate', 'data')),
      reader: new Reader(databasePath),
      writer: new FailingWriter({ databasePath, log: silentLog }),
      log: silentLog,
      now: Date.now,
    })
  })
  return {
    ...store,
    // A lost answer leaves it open whether a row names the file: such files wait for the janitor's sweep.
    async garbage() {
      await store.sweep()
      return store.garbage()
    },
    failed: () => writes >= nth,
  }
}

/** Runs the janitor as at a later time; gives the files that no row names. */
async function withJanitor(
  { databasePath, dataDirectory }: Pick<DiskStore, 'databasePath' | 'dataDirectory'>,
  { laterMs, sweep }: { readonly laterMs: number; readonly sweep: boolean },
): Promise<string[]> {
  const parts = {
    files: new DataFiles(dataDirectory),
    reader: new Reader(databasePath),
    writer: new Writer({ databasePath, log: silentLog }),
    log: silentLog,
    now: () => Date.now() + laterMs,
  }
  const janitor = new Janitor(parts)
  try {
    await janitor.emptyTrash()
    if (sweep) await janitor.sweepOrphans()
    const unnamed: string[] = []
    for await (const file of parts.files.list()) if (!parts.reader.knowsFile(file)) unnamed.push(file)
    return unnamed
  } finally {
    await janitor.close()
    await parts.writer.close()
    parts.reader.close()
  }
}
