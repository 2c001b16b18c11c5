import { KmsError } from '../../control/errors.ts'
import { deriveKey, openBytes, sealBytes } from '../../engine/index.ts'
import type { DataKeys } from './data-keys.ts'
import { type Completion, envelopeMacKey } from './envelope.ts'
import { type ObjectName, sealNewKey, unsealKey } from './object-keys.ts'

/**
 * What an upload is completed with: the keys of its MACs, derived from the object key, which they do not tell (FORMAT.md §5). S3
 * wants the key of SSE-C with each part, but not with the completion of an upload without a checksum algorithm. So where there is
 * a KMS, its data key keeps these two.
 */
export interface UploadMacKeys {
  /** 32 bytes each, owned by the caller. */
  readonly envelope: Uint8Array
  readonly part: Uint8Array
}

const partMacLabel = 'sealgate/part/1'
const keySize = 32
/** How long an upload, which can do without it, waits for the KMS. */
const completionMsMax = 1_000

/** The key of the MAC of a part's record, 32 bytes, owned by the caller. */
export function partMacKey(objectKey: Uint8Array): Uint8Array {
  return deriveKey(objectKey, partMacLabel)
}

export function uploadMacKeys(objectKey: Uint8Array): UploadMacKeys {
  return { envelope: envelopeMacKey(objectKey), part: partMacKey(objectKey) }
}

export function zeroMacKeys({ envelope, part }: UploadMacKeys): void {
  envelope.fill(0)
  part.fill(0)
}

/** For the envelope of an upload with SSE-C; undefined where no KMS seals soon, so that the client's key will be asked for. */
export async function sealCompletion(
  keys: DataKeys | undefined,
  name: ObjectName,
  objectKey: Uint8Array,
): Promise<Completion | undefined> {
  if (keys === undefined) return undefined
  const sealing = await soon(sealNewKey(keys, { mode: 'SSE-S3' }, name)).catch((error: unknown) => {
    if (error instanceof KmsError) return undefined
    throw error
  })
  if (sealing?.seal.kms === undefined) return undefined
  const { kms, iv, sealedObjectKey: sealedKey } = sealing.seal
  const macKeys = uploadMacKeys(objectKey)
  const plaintext = Buffer.concat([macKeys.envelope, macKeys.part])
  zeroMacKeys(macKeys)
  try {
    return { iv, kms, sealedKey, sealedMacKeys: sealBytes(sealing.objectKey, plaintext) }
  } finally {
    plaintext.fill(0)
    sealing.objectKey.fill(0)
  }
}

/** A key that comes too late is zeroed. */
async function soon(sealing: ReturnType<typeof sealNewKey>): ReturnType<typeof sealNewKey> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // Nobody waits for it any more.
      sealing.then(({ objectKey }) => objectKey.fill(0)).catch(() => {})
      reject(new KmsError('unavailable', `the KMS took longer than ${completionMsMax} ms`))
    }, completionMsMax)
  })
  try {
    return await Promise.race([sealing, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Errors: KmsError; DareError for what {@link sealCompletion} has not made of this name. */
export async function openCompletion(
  keys: DataKeys,
  { iv, kms, sealedKey, sealedMacKeys }: Completion,
  name: ObjectName,
): Promise<UploadMacKeys> {
  const seal = { mode: 'SSE-S3', kms, iv, sealedObjectKey: sealedKey } as const
  const key = await unsealKey(keys, seal, name, undefined)
  try {
    const plaintext = openBytes(key, sealedMacKeys)
    const envelope = new Uint8Array(plaintext.subarray(0, keySize))
    const part = new Uint8Array(plaintext.subarray(keySize))
    plaintext.fill(0)
    return { envelope, part }
  } finally {
    key.fill(0)
  }
}
