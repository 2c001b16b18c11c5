import { DareError } from './errors.ts'
import { nonceSize, type OpenState, requireNonce, requireSuite } from './open-state.ts'
import { openPayload } from './payload.ts'
import { headerSize, packageOverhead, payloadSizeMax, payloadSizeOf } from './sizes.ts'
import { suiteOf } from './suites.ts'

/** A package of DARE 1.0, which MinIO wrote before July 2018 (FORMAT.md §2.5): read only. */

export const version1 = 0x10
const sequenceOffset = 4
/** The random part of the nonce, behind the sequence number. */
const randomOffset = 8

/**
 * The plaintext of one package, at least 33 bytes. All but the last of a stream are full, as every writer had it. Errors: DareError,
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
  const plaintext = openPayload(bytes, sequence, { suite, key, nonce: header.subarray(sequenceOffset) })
  expected.suite = suite
  return plaintext
}
