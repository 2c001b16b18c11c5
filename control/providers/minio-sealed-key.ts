import { createDecipheriv, createHash, createHmac } from 'node:crypto'
import { hchacha20 } from './hchacha20.ts'
import { dataKeySize, type MinioAead, parseMinioSealedKey, tagSize } from './minio-sealed-forms.ts'

/** Of the SHA-256 of a key, that KES calls its id; in bytes. */
const idSize = 16

/**
 * Opens a data key that MinIO has sealed under a secret key (`MINIO_KMS_SECRET_KEY`, since May 2021), or KES under a key of its store: a
 * master key in another spelling (FORMAT.md §3.6). The data key is the caller's; undefined where that key and context have not
 * sealed it, or nothing has in any of these forms.
 */
export function openMinioSealedKey(
  masterKey: Uint8Array,
  sealed: Uint8Array,
  context: Uint8Array,
): Uint8Array | undefined {
  const parts = parseMinioSealedKey(sealed)
  if (parts === undefined || (parts.id !== undefined && parts.id !== idOf(masterKey))) return undefined
  const { iv, nonce, bytes } = parts
  for (const aead of parts.aeads) {
    const sealingKey = sealingKeyOf(aead, masterKey, iv)
    const dataKey = openAead(aead, sealingKey, { nonce, bytes, context })
    sealingKey.fill(0)
    if (dataKey !== undefined) return dataKey
  }
  return undefined
}

function idOf(masterKey: Uint8Array): string {
  return createHash('sha256').update(masterKey).digest().subarray(0, idSize).toString('hex')
}

function sealingKeyOf(aead: MinioAead, masterKey: Uint8Array, iv: Uint8Array): Uint8Array {
  return aead === 'chacha20-poly1305'
    ? hchacha20(masterKey, iv)
    : createHmac('sha256', masterKey).update(iv).digest()
}

function openAead(
  aead: MinioAead,
  key: Uint8Array,
  {
    nonce,
    bytes,
    context,
  }: { readonly nonce: Uint8Array; readonly bytes: Uint8Array; readonly context: Uint8Array },
): Uint8Array | undefined {
  const ciphertext = bytes.subarray(0, dataKeySize)
  // The two have one signature each.
  const decipher =
    aead === 'chacha20-poly1305'
      ? createDecipheriv(aead, key, nonce, { authTagLength: tagSize })
      : createDecipheriv(aead, key, nonce, { authTagLength: tagSize })
  decipher.setAuthTag(bytes.subarray(dataKeySize))
  decipher.setAAD(context, { plaintextLength: ciphertext.length })
  const plaintext = new Uint8Array(decipher.update(ciphertext))
  try {
    decipher.final()
    return plaintext
  } catch {
    // Another key or context: which, nobody can tell.
    plaintext.fill(0)
    return undefined
  }
}
