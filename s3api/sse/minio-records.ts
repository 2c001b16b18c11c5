import { DareError, isOwnIv, openEtag } from '../../engine/index.ts'
import type { MinioSeal, StoredObject } from '../backends/backend.ts'
import { emptyMd5, isSealedEtag, opaqueEtag } from '../backends/minio/object-meta.ts'
import type { ReadServices } from '../operation.ts'
import { toHex } from '../text.ts'
import type { Envelope } from './envelope.ts'
import type { CustomerKey } from './headers.ts'
import { unsealKey } from './object-keys.ts'
import type { OpenedObject } from './records.ts'

/** Objects as MinIO has sealed them. Their keys are bound to their names; their metadata is bound to nothing. */

/** Finds the keys of the object, and the ETag that MinIO showed. Errors: those of openRecord. */
export async function openMinioRecord(
  services: Pick<ReadServices, 'keys'>,
  stored: StoredObject,
  seal: MinioSeal,
  customerKey: CustomerKey | undefined,
): Promise<OpenedObject> {
  const { bucket, key, record } = stored
  const { mode, iv, sealedObjectKey, algorithm, storedEtag } = seal
  // The same sealing, but of ours metadata and part table are authentic in an envelope only, which would be missing here.
  if (isOwnIv(iv)) throw new DareError('tag-mismatch', 'the object was not sealed by MinIO')
  const kms = seal.kms && ({ ...seal.kms, contextForm: 'object' } as const)
  const keySeal = { mode, iv, sealedObjectKey, ...(kms !== undefined && { kms }) }
  const objectKey = await unsealKey(services.keys, keySeal, { bucket, key }, customerKey, algorithm)
  try {
    if (record.size === 0) requireEmpty(record, openedEtag(storedEtag, objectKey))
    const envelope: Envelope = {
      ...keySeal,
      layout: record.parts === undefined ? 'single' : 'parts',
      size: record.size,
      parts: (record.parts ?? []).map(({ number, size }) => ({ number, size })),
    }
    const etag = mode === 'SSE-S3' ? openedEtag(storedEtag, objectKey) : opaqueEtag(storedEtag)
    return { stored, record: { ...record, etag }, encryption: { envelope, objectKey } }
  } catch (error) {
    objectKey.fill(0)
    throw error
  }
}

/**
 * An empty object has no package that could tell its end, as one has that was cut off: but its ETag tells the MD5, or that it
 * was put together from parts, which then are known.
 */
function requireEmpty({ parts }: StoredObject['record'], etag: string): void {
  if (etag === emptyMd5 || (parts !== undefined && etag.includes('-'))) return
  throw new DareError('unexpected-eof', 'nothing is stored of an object that was not empty')
}

function openedEtag(storedEtag: string, objectKey: Uint8Array): string {
  return isSealedEtag(storedEtag) ? toHex(openEtag(objectKey, Buffer.from(storedEtag, 'hex'))) : storedEtag
}
