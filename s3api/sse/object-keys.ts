import { KmsError } from '../../control/errors.ts'
import {
  createIv,
  createObjectKey,
  DareError,
  type SealAlgorithm,
  type SealDomain,
  sealObjectKey,
  unsealObjectKey,
} from '../../engine/index.ts'
import { S3Error } from '../errors.ts'
import type { DataKeys } from './data-keys.ts'
import type { Envelope } from './envelope.ts'
import type { CustomerKey, RequestedEncryption } from './headers.ts'

/** What an object is called: part of every key that is derived for it. */
export interface ObjectName {
  readonly bucket: string
  readonly key: string
}

/** How an object's key is sealed: the envelope without what is known only when the data has been written. */
export type KeySeal = Pick<Envelope, 'mode' | 'kms' | 'iv' | 'sealedObjectKey'>

/** Seals an object key, a new one unless one is given, as the encryption asks. The caller zeroes `objectKey`. */
export async function sealNewKey(
  keys: DataKeys | undefined,
  encryption: RequestedEncryption,
  name: ObjectName,
  objectKey: Uint8Array = createObjectKey(),
): Promise<{ readonly objectKey: Uint8Array; readonly seal: KeySeal }> {
  if (encryption.mode === 'SSE-C') {
    return { objectKey, seal: sealUnder(encryption.key, 'SSE-C', name, objectKey) }
  }
  const clientContext = encryption.mode === 'SSE-KMS' ? encryption.context : {}
  const keyId = encryption.mode === 'SSE-KMS' ? encryption.keyId : undefined
  const { plaintext, kms } = await requireKeys(keys).create({ keyId, clientContext }, name)
  try {
    return { objectKey, seal: { kms, ...sealUnder(plaintext, encryption.mode, name, objectKey) } }
  } finally {
    plaintext.fill(0)
  }
}

/**
 * The object key, 32 bytes, owned by the caller. Errors: S3Error InvalidArgument (a wrong or missing customer key), KmsError,
 * DareError where a KMS-held key does not open what it sealed.
 */
export async function unsealKey(
  keys: DataKeys | undefined,
  seal: KeySeal,
  name: ObjectName,
  customerKey: CustomerKey | undefined,
  algorithm?: SealAlgorithm,
): Promise<Uint8Array> {
  const unseal = (externalKey: Uint8Array) =>
    unsealObjectKey({
      sealedKey: seal.sealedObjectKey,
      externalKey,
      iv: seal.iv,
      domain: seal.mode,
      bucket: name.bucket,
      key: name.key,
      ...(algorithm !== undefined && { algorithm }),
    })
  if (seal.kms === undefined) {
    try {
      return unseal(requireCustomerKey(customerKey).key)
    } catch (error) {
      if (!(error instanceof DareError)) throw error
      throw new S3Error(
        'InvalidArgument',
        'The encryption parameters provided do not match the ones used originally.',
        { cause: error },
      )
    }
  }
  if (customerKey !== undefined) {
    throw new S3Error('InvalidRequest', 'The encryption parameters are not applicable to this object.')
  }
  const dataKey = await requireKeys(keys).open(seal.kms, name)
  try {
    return unseal(dataKey)
  } finally {
    dataKey.fill(0)
  }
}

/** Errors: KmsError `not-configured`. */
export function requireKeys(keys: DataKeys | undefined): DataKeys {
  if (keys === undefined) {
    throw new KmsError('not-configured', 'Server side encryption specified but KMS is not configured')
  }
  return keys
}

function requireCustomerKey(customerKey: CustomerKey | undefined): CustomerKey {
  if (customerKey === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
  }
  return customerKey
}

function sealUnder(
  externalKey: Uint8Array,
  mode: SealDomain,
  name: ObjectName,
  objectKey: Uint8Array,
): Pick<Envelope, 'mode' | 'iv' | 'sealedObjectKey'> {
  const iv = createIv()
  const { bucket, key } = name
  return {
    mode,
    iv,
    sealedObjectKey: sealObjectKey({ objectKey, externalKey, iv, domain: mode, bucket, key }),
  }
}
