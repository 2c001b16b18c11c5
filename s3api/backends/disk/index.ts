import { join } from 'node:path'
import type { Logger } from 'pino'
import { makeFolder, syncFolderAndAbove } from '../../../files/folder.ts'
import type { Backend } from '../backend.ts'
import { openMinioFolder } from '../minio/open-folder.ts'
import { DiskBesideMinio } from './beside-minio.ts'
import { DataFiles } from './data-files.ts'
import { openDatabase } from './database.ts'
import { DiskBackend } from './disk-backend.ts'
import type { FsyncPolicy } from './fsync-policy.ts'
import { Reader } from './reader.ts'
import { prepareSchema } from './schema.ts'
import { Writer } from './writer.ts'

/** Our folder in the data directory; nothing outside of it is touched. */
const systemDirectory = '.sealgate'
const directoryMode = 0o700

/**
 * Opens the store in a directory, which is made where there is none. Several processes of one host may have it open.
 * Errors: those of the file system; a store of a later format.
 */
export async function openDiskBackend(options: {
  readonly directory: string
  readonly log: Logger
  readonly now?: () => number
  readonly fsync?: FsyncPolicy
  /** The directory is that of a MinIO server, whose objects are shown beside ours. Errors: Error, where it is not. */
  readonly readMinio?: boolean
}): Promise<Backend> {
  const { log, now = Date.now, fsync = 'always' } = options
  // Before anything is made in a folder that is another.
  const minio = options.readMinio === true ? await openMinioFolder(options.directory, log) : undefined
  const directory = join(options.directory, systemDirectory)
  makeFolder(directory, directoryMode)
  const files = new DataFiles(join(directory, 'data'), fsync)
  await files.prepare()
  syncFolderAndAbove(directory)
  const databasePath = join(directory, 'meta.sqlite')
  const database = openDatabase(databasePath, { readOnly: false })
  try {
    prepareSchema(database)
  } finally {
    database.close()
  }
  const parts = {
    directory,
    files,
    reader: new Reader(databasePath),
    writer: new Writer({ databasePath, log, fsync }),
    log,
    now,
  }
  if (minio === undefined) return new DiskBackend(parts)
  const backend = new DiskBesideMinio({ ...parts, minio })
  try {
    await backend.adoptBuckets()
    return backend
  } catch (error) {
    await backend.close()
    throw error
  }
}
