import { DareError, plaintextSizeOf } from '../../../engine/index.ts'
import { S3Error } from '../../errors.ts'
import type { ListedRecord } from '../backend.ts'
import { parseTime, unquoted } from './native-headers.ts'
import type { XmlEntry } from './xml-list.ts'

export type Unopened = DareError | S3Error

/**
 * An object that nobody can open, or only with a key that a listing has not, or when it is restored from an archive, must not hide
 * the others.
 */
export function isUnopened(error: unknown): error is Unopened {
  return error instanceof DareError || error instanceof S3Error
}

/** Whether an object that the store keeps to itself is sealed, nobody knows. */
export function storesOwn(entry: XmlEntry, { sealed }: { readonly sealed: boolean }): ListedRecord {
  const stored = entry.number('Size')
  let size = stored
  try {
    if (sealed) size = plaintextSizeOf(stored)
  } catch (error) {
    if (!(error instanceof DareError)) throw error
  }
  return {
    size,
    etag: unquoted(entry.find('ETag')),
    modifiedAtMs: parseTime(entry.find('LastModified')),
    storageClass: entry.find('StorageClass') ?? 'STANDARD',
  }
}
