import { plaintextSizeOf } from '../../../engine/index.ts'
import type { ObjectRecord } from '../backend.ts'
import { clientOwned, metaNames, parseSeal, tellsEncryption } from '../minio/object-meta.ts'

/**
 * What MinIO's gateway stored of a form (POST) with encryption: the sealed bytes under the object's own key, and what seals
 * them as user metadata beside the client's. MinIO itself showed it so; here it is read.
 */

/** The record of such an object, out of one that takes it for plain; undefined: it is plain. Errors: DareError. */
export function formRecord(plain: ObjectRecord): ObjectRecord | undefined {
  const names = metaNames(plain.metadata)
  if (!tellsEncryption(names, '')) return undefined
  // The store's ETag is of the sealed bytes: it must not be taken for the MD5 of the content.
  const etag = plain.etag.includes('-') ? plain.etag : `${plain.etag}-1`
  return {
    ...plain,
    size: plaintextSizeOf(plain.size),
    etag,
    metadata: clientOwned(plain.metadata),
    minio: parseSeal(names, etag),
  }
}
