import { S3Error } from '../errors.ts'
import { parseKmsKeyId } from './headers.ts'

/** A bucket's default encryption, as stored in its `encryption` setting. */
export interface DefaultEncryption {
  readonly algorithm: 'AES256' | 'aws:kms'
  /** aws:kms only; absent: the KMS's default key. */
  readonly keyId?: string
  readonly bucketKeyEnabled: boolean
}

/** The stored form: JSON of {@link DefaultEncryption}. */
export function toSetting(value: DefaultEncryption): string {
  return JSON.stringify(value)
}

/** Reads what {@link toSetting} wrote; anything else is an error, never "no encryption". */
export function parseDefaultEncryption(setting: string): DefaultEncryption {
  const value: unknown = JSON.parse(setting)
  if (typeof value !== 'object' || value === null || !('algorithm' in value)) throw unreadable()
  const keyId = 'keyId' in value ? value.keyId : undefined
  const bucketKeyEnabled = 'bucketKeyEnabled' in value && value.bucketKeyEnabled === true
  if (value.algorithm === 'AES256' && keyId === undefined) return { algorithm: 'AES256', bucketKeyEnabled }
  if (value.algorithm !== 'aws:kms') throw unreadable()
  if (keyId === undefined) return { algorithm: 'aws:kms', bucketKeyEnabled }
  if (typeof keyId !== 'string') throw unreadable()
  return { algorithm: 'aws:kms', keyId: parseKmsKeyId(keyId), bucketKeyEnabled }
}

function unreadable(): S3Error {
  return new S3Error('InternalError', 'The default encryption of the bucket cannot be read')
}
