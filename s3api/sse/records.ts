import { DareError } from '../../engine/index.ts'
import type { ObjectPart, ObjectRecord, StoredObject, UploadRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { ReadServices } from '../operation.ts'
import { requirePlainAllowed } from './encrypted-periods.ts'
import { type Envelope, type EnvelopePart, envelopeMacKey, sealEnvelope } from './envelope.ts'
import type { CustomerKey } from './headers.ts'
import { openMinioRecord } from './minio-records.ts'
import type { KeySeal, ObjectName } from './object-keys.ts'
import { openEnvelope } from './open-envelope.ts'
import type { OpenedEnvelope } from './opened-envelopes.ts'

/** A stored object whose metadata was found authentic. */
export interface OpenedObject {
  readonly stored: StoredObject
  readonly record: ObjectRecord
  /** Absent: the object is stored in plaintext. */
  readonly encryption?: OpenedEnvelope
}

/** The record with its envelope: what an encrypted object is stored with. `nonces` are those of its parts, where they are known. */
export function sealRecord(
  record: Omit<ObjectRecord, 'envelope'>,
  { objectKey, ...sealing }: Omit<RecordSealing, 'macKey'> & { readonly objectKey: Uint8Array },
  name: ObjectName,
): ObjectRecord {
  const macKey = envelopeMacKey(objectKey)
  try {
    return sealRecordWith(record, { ...sealing, macKey }, name)
  } finally {
    macKey.fill(0)
  }
}

interface RecordSealing {
  readonly seal: KeySeal
  /** Of {@link envelopeMacKey}. */
  readonly macKey: Uint8Array
  readonly nonces?: readonly (Uint8Array | undefined)[]
}

/** The same for who knows no more than the MAC's key. */
export function sealRecordWith(
  record: Omit<ObjectRecord, 'envelope'>,
  { seal, macKey, nonces = [] }: RecordSealing,
  { bucket, key }: ObjectName,
): ObjectRecord {
  const { size, etag, modifiedAtMs, headers, metadata, storageClass, owner, checksum, parts } = record
  // Of a seal that is an upload's envelope no more than the seal: layout, size and parts are the object's.
  const { mode, kms, iv, sealedObjectKey } = seal
  const envelope: Envelope = {
    mode,
    iv,
    sealedObjectKey,
    layout: parts === undefined ? 'single' : 'parts',
    size,
    parts: (parts ?? []).map((part, index) => toEnvelopePart(part, nonces[index])),
    ...(kms !== undefined && { kms }),
  }
  return {
    size,
    etag,
    modifiedAtMs,
    headers,
    metadata,
    storageClass,
    envelope: sealEnvelope(envelope, { macKey, bucket, key, facts: record }),
    ...(owner !== undefined && { owner }),
    ...(checksum !== undefined && { checksum }),
    ...(parts !== undefined && { parts }),
  }
}

function toEnvelopePart({ number, size }: ObjectPart, nonce: Uint8Array | undefined): EnvelopePart {
  return nonce === undefined ? { number, size } : { number, size, nonce }
}

/**
 * Finds the keys of a stored object and checks its metadata against them, before anything of it is given out.
 * Errors: S3Error for the customer key, KmsError, DareError `tag-mismatch` for anything that was changed.
 */
export async function openRecord(
  services: Pick<ReadServices, 'backend' | 'keys'>,
  stored: StoredObject,
  customerKey: CustomerKey | undefined,
): Promise<OpenedObject> {
  const { record, bucket, key } = stored
  if (record.minio !== undefined) return openMinioRecord(services, stored, record.minio, customerKey)
  if (record.envelope === undefined) {
    if (customerKey !== undefined) {
      throw new S3Error('InvalidRequest', 'The encryption parameters are not applicable to this object.')
    }
    await requirePlainAllowed(services, bucket, record.modifiedAtMs)
    return { stored, record }
  }
  const opened = await openEnvelope(
    services.keys,
    { stored: record.envelope, bucket, key, facts: record },
    customerKey,
  )
  try {
    requireSameShape(opened.envelope, record)
  } catch (error) {
    opened.objectKey.fill(0)
    throw error
  }
  return { stored, record, encryption: opened }
}

/**
 * The record repeats size and part table for backends to list; the envelope's are the authentic ones. An upload's envelope is that
 * of an object without bytes, and authentic, too: but it goes with no ETag, which every object has.
 */
function requireSameShape(envelope: Envelope, record: ObjectRecord): void {
  const parts = record.parts ?? []
  const same =
    record.etag !== '' &&
    envelope.size === record.size &&
    (envelope.layout === 'parts') === (record.parts !== undefined) &&
    envelope.parts.length === parts.length &&
    envelope.parts.every(
      (part, index) => part.number === parts[index]?.number && part.size === parts[index]?.size,
    )
  if (!same)
    throw new DareError(
      'tag-mismatch',
      'size, parts or ETag of the object are not those of one that was completed',
    )
}

/** What an upload starts with, for its envelope's MAC. */
export function uploadFacts(
  upload: Pick<UploadRecord, 'initiatedAtMs' | 'headers' | 'metadata' | 'storageClass' | 'checksum'>,
) {
  return {
    etag: '',
    modifiedAtMs: upload.initiatedAtMs,
    headers: upload.headers,
    metadata: upload.metadata,
    storageClass: upload.storageClass,
    ...(upload.checksum !== undefined && { checksum: { ...upload.checksum, value: '' } }),
  }
}
