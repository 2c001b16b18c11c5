import { createDecipheriv, type DecipherGCM } from 'node:crypto'
import { DareError } from './errors.ts'
import { nonceSize, type OpenState, requireNonce, requireSuite } from './open-state.ts'
import { headerSize, packageOverhead, payloadSizeMax, payloadSizeOf, tagSize } from './sizes.ts'
import { suiteOf } from './suites.ts'

/** A package of DARE 1.0, which MinIO wrote before July 2018 (FORMAT.md §2.5): read only. */

export const version1 = 0x10
const aadSize = 4
const sequenceOffset = 4
/** The random part of the nonce, behind the sequence number. */
const randomOffset = 8

/**
 * The plaintext of one package, at least 33 bytes. All but the last of a run are full, as every writer had it. Errors: DareError,
 * in the order of FORMAT.md §2.5.
 */
export function openPackageV1(
  bytes: Uint8Array,
  sequence: number,
  {
    key,
    isLast,
    expected,
  }: { readonly key: Uint8Array; readonly isLast: boolean; readonly expected: OpenState },
): Uint8Array {
  const header = bytes.subarray(0, headerSize)
  const suite = suiteOf(header[1] ?? 0)
  requireSuite(expected, suite, sequence)
  const size = payloadSizeOf(header)
  if (size + packageOverhead !== bytes.length || (!isLast && size !== payloadSizeMax)) {
    throw new DareError(
      'invalid-payload-size',
      `package ${sequence} does not have the size that its header says`,
    )
  }
  const view = new DataView(header.buffer, header.byteOffset)
  if (view.getUint32(sequenceOffset, true) !== sequence) {
    throw new DareError('sequence-mismatch', `package ${sequence} is not the one expected`)
  }
  const nonce = new Uint8Array(nonceSize)
  nonce.set(header.subarray(randomOffset), randomOffset - sequenceOffset)
  requireNonce(expected, nonce, sequence)
  const decipher = createOpener(suite.cipher, key, header.subarray(sequenceOffset))
  decipher.setAAD(header.subarray(0, aadSize), { plaintextLength: size })
  decipher.setAuthTag(bytes.subarray(-tagSize))
  const plaintext = decipher.update(bytes.subarray(headerSize, -tagSize))
  try {
    decipher.final()
  } catch (error) {
    throw new DareError('tag-mismatch', `package ${sequence} is not authentic`, { cause: error })
  }
  expected.suite = suite
  return plaintext
}

function createOpener(
  cipher: 'aes-256-gcm' | 'chacha20-poly1305',
  key: Uint8Array,
  iv: Uint8Array,
): DecipherGCM {
  const options = { authTagLength: tagSize }
  return cipher === 'aes-256-gcm'
    ? createDecipheriv('aes-256-gcm', key, iv, options)
    : createDecipheriv('chacha20-poly1305', key, iv, options)
}
