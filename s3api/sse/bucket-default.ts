import { S3Error } from '../errors.ts'
import { parseKmsKeyId } from './headers.ts'

/** A bucket's default encryption, as stored among its settings. */
export interface DefaultEncryption {
  /** Absent: the setting only blocks, and the server's default is the bucket's. */
  readonly algorithm?: 'AES256' | 'aws:kms'
  /** aws:kms only; absent: the KMS's default key. */
  readonly keyId?: string
  readonly bucketKeyEnabled: boolean
  /** Writes with customer keys are refused (S3 user guide, "Blocking or unblocking SSE-C for a general purpose bucket"). */
  readonly blocksCustomerKeys?: true
}

/** The name of that setting. */
export const defaultEncryptionSetting = 'encryption'

/** The stored form: JSON of {@link DefaultEncryption}. */
export function toSetting(value: DefaultEncryption): string {
  return JSON.stringify(value)
}

/** Reads what {@link toSetting} wrote; anything else is an error, never "no encryption". */
export function parseDefaultEncryption(setting: string): DefaultEncryption {
  const value: unknown = JSON.parse(setting)
  if (typeof value !== 'object' || value === null) throw unreadable()
  const { algorithm, keyId, bucketKeyEnabled, blocksCustomerKeys } = value as Record<string, unknown>
  const shared = {
    bucketKeyEnabled: bucketKeyEnabled === true,
    ...(blocksCustomerKeys === true && { blocksCustomerKeys: true as const }),
  }
  if (algorithm === undefined && shared.blocksCustomerKeys === true) return shared
  if (algorithm === 'AES256' && keyId === undefined) return { algorithm, ...shared }
  if (algorithm !== 'aws:kms') throw unreadable()
  if (keyId === undefined) return { algorithm, ...shared }
  if (typeof keyId !== 'string') throw unreadable()
  return { algorithm, keyId: parseKmsKeyId(keyId), ...shared }
}

function unreadable(): S3Error {
  return new S3Error('InternalError', 'The default encryption of the bucket cannot be read')
}
