import { createDecipheriv, createHmac } from 'node:crypto'
import * as v from 'valibot'
import { hchacha20 } from './hchacha20.ts'

/**
 * Data keys as MinIO has sealed them under a secret key (`MINIO_KMS_SECRET_KEY`, since May 2021), which is a master key in another
 * spelling (FORMAT.md §3.6). They are opened, and never made.
 */

const ivSize = 16
const nonceSize = 12
const tagSize = 16
const dataKeySize = 32
const binarySize = dataKeySize + tagSize + ivSize + nonceSize

type Aead = 'AES-256-GCM-HMAC-SHA-256' | 'ChaCha20Poly1305'

interface SealedKey {
  readonly aead: Aead
  readonly iv: Uint8Array
  readonly nonce: Uint8Array
  /** With the tag behind. */
  readonly bytes: Uint8Array
}

const base64 = (size: number) =>
  v.pipe(
    v.string(),
    v.base64(),
    v.transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
    v.check(({ length }) => length === size),
  )
const schema = v.object({
  aead: v.picklist(['AES-256-GCM-HMAC-SHA-256', 'ChaCha20Poly1305'] satisfies Aead[]),
  iv: base64(ivSize),
  nonce: base64(nonceSize),
  bytes: base64(dataKeySize + tagSize),
})

/** The data key, owned by the caller; undefined where that key and context have not sealed it, or nothing has in this form. */
export function openSecretKeyForm(
  secretKey: Uint8Array,
  sealed: Uint8Array,
  context: Uint8Array,
): Uint8Array | undefined {
  const parts = parse(sealed)
  if (parts === undefined) return undefined
  const { aead, iv, nonce, bytes } = parts
  const sealingKey =
    aead === 'ChaCha20Poly1305'
      ? hchacha20(secretKey, iv)
      : createHmac('sha256', secretKey).update(iv).digest()
  try {
    const ciphertext = bytes.subarray(0, dataKeySize)
    const decipher =
      aead === 'ChaCha20Poly1305'
        ? createDecipheriv('chacha20-poly1305', sealingKey, nonce, { authTagLength: tagSize })
        : createDecipheriv('aes-256-gcm', sealingKey, nonce, { authTagLength: tagSize })
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
  } finally {
    sealingKey.fill(0)
  }
}

/** JSON until 2024, then the bytes alone, always of AES. */
function parse(sealed: Uint8Array): SealedKey | undefined {
  if (sealed[0] === 0x7b && sealed.at(-1) === 0x7d) return parseJson(sealed)
  if (sealed.length !== binarySize) return undefined
  const iv = sealed.subarray(dataKeySize + tagSize, -nonceSize)
  const bytes = sealed.subarray(0, dataKeySize + tagSize)
  return { aead: 'AES-256-GCM-HMAC-SHA-256', iv, nonce: sealed.subarray(-nonceSize), bytes }
}

function parseJson(sealed: Uint8Array): SealedKey | undefined {
  try {
    return v.parse(schema, JSON.parse(Buffer.from(sealed).toString('utf8')))
  } catch {
    // Not in this form.
    return undefined
  }
}
