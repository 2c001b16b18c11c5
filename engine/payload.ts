import { createDecipheriv, type DecipherGCM } from 'node:crypto'
import { DareError } from './errors.ts'
import { aadSize, headerSize, tagSize } from './sizes.ts'
import type { Suite } from './suites.ts'

/**
 * The plaintext of a package of either version, whose header has been checked; it belongs to the caller. `nonce` has 12 bytes.
 * Errors: tag-mismatch.
 */
export function openPayload(
  bytes: Uint8Array,
  sequence: number,
  { suite, key, nonce }: { readonly suite: Suite; readonly key: Uint8Array; readonly nonce: Uint8Array },
): Uint8Array {
  const sealed = bytes.subarray(headerSize, -tagSize)
  const decipher = createOpener(suite, key, nonce)
  decipher.setAAD(bytes.subarray(0, aadSize), { plaintextLength: sealed.length })
  decipher.setAuthTag(bytes.subarray(-tagSize))
  const plaintext = decipher.update(sealed)
  try {
    decipher.final()
  } catch (error) {
    throw new DareError('tag-mismatch', `package ${sequence} is not authentic`, { cause: error })
  }
  return plaintext
}

function createOpener(suite: Suite, key: Uint8Array, nonce: Uint8Array): DecipherGCM {
  // One call a cipher: node:crypto's types tell the ciphers apart by literal.
  return suite.cipher === 'aes-256-gcm'
    ? createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagSize })
    : createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagSize })
}
