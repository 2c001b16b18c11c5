import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { isBucketName } from '../../bucket-name.ts'
import { bucketsFolder, MinioFolder } from './folder.ts'
import { lookUp, openPlain } from './plain-files.ts'

const formatFile = join('.minio.sys', 'format.json')

/** Errors: Error, for a folder that no MinIO in filesystem mode has written. */
export async function openMinioFolder(directory: string, log: Logger): Promise<MinioFolder> {
  const root = await realpath(directory)
  await requireFileSystemMode(root)
  const buckets: string[] = []
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const { name } = entry
    if (name.startsWith('.')) continue
    if (entry.isDirectory() && isBucketName(name)) buckets.push(name)
    else log.warn({ name }, 'not served: beside MinIO’s buckets lies what is no bucket, or a symbolic link')
  }
  return new MinioFolder(root, buckets)
}

async function requireFileSystemMode(root: string): Promise<void> {
  const path = join(root, formatFile)
  const handle = await openPlain(path)
  if (handle === undefined)
    throw new Error(`${root} is not the folder of a MinIO server: there is no ${path}`)
  try {
    const format: unknown = JSON.parse(await handle.readFile('utf8'))
    const named = typeof format === 'object' && format !== null && 'format' in format
    if (!named || format.format !== 'fs') {
      throw new Error(
        `${root} is not the folder of a MinIO server in filesystem mode, the only kind that is read`,
      )
    }
  } finally {
    await handle.close()
  }
  // Without it, what is encrypted would look like plain files.
  if ((await lookUp(join(root, bucketsFolder))) === undefined) {
    throw new Error(`${root} is not complete: there is no ${bucketsFolder}`)
  }
}
