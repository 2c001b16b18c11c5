import { createDecipheriv } from 'node:crypto'
import { payloadSizeOf } from './dare.ts'
import { DareError } from './errors.ts'
import { headerSize, packageOverhead, tagSize } from './sizes.ts'
import { suiteOf } from './suites.ts'

/** Reading DARE 1.0, which MinIO wrote before July 2018 (FORMAT.md §2.5). It has no final package: a cut at a package's end cannot be seen. */

const version1 = 0x10
const aadSize = 4
const nonceOffset = 4

/** Opens a whole DARE 1.0 stream; the result belongs to the caller. Errors: DareError. */
export function openBytesV1(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  const state: { cipher?: number; nonce?: Uint8Array } = {}
  for (let offset = 0, sequence = 0; offset < sealed.length; sequence++) {
    const header = sealed.subarray(offset, offset + headerSize)
    if (sealed.length - offset <= packageOverhead) {
      throw new DareError('invalid-payload-size', `package ${sequence} has ${sealed.length - offset} bytes`)
    }
    if (header[0] !== version1)
      throw new DareError('unsupported-version', `package ${sequence} is not of DARE 1.0`)
    const { cipher } = suiteOf(header[1] ?? 0)
    state.cipher ??= header[1] ?? 0
    if (header[1] !== state.cipher)
      throw new DareError('unsupported-cipher', `package ${sequence} changes the cipher`)
    const size = payloadSizeOf(header)
    const bytes = sealed.subarray(offset, offset + size + packageOverhead)
    if (bytes.length !== size + packageOverhead) {
      throw new DareError('invalid-payload-size', `package ${sequence} is cut short`)
    }
    const view = new DataView(header.buffer, header.byteOffset)
    if (view.getUint32(nonceOffset, true) !== sequence) {
      throw new DareError('sequence-mismatch', `package ${sequence} is not the one expected`)
    }
    const nonce = header.subarray(nonceOffset + 4)
    state.nonce ??= nonce
    if (Buffer.compare(nonce, state.nonce) !== 0) {
      throw new DareError('nonce-mismatch', `package ${sequence} is of another stream`)
    }
    const options = { authTagLength: tagSize }
    const iv = header.subarray(nonceOffset)
    const decipher =
      cipher === 'aes-256-gcm'
        ? createDecipheriv('aes-256-gcm', key, iv, options)
        : createDecipheriv('chacha20-poly1305', key, iv, options)
    decipher.setAAD(header.subarray(0, aadSize), { plaintextLength: size })
    decipher.setAuthTag(bytes.subarray(-tagSize))
    const plaintext = decipher.update(bytes.subarray(headerSize, -tagSize))
    try {
      decipher.final()
    } catch (error) {
      throw new DareError('tag-mismatch', `package ${sequence} is not authentic`, { cause: error })
    }
    pieces.push(plaintext)
    offset += bytes.length
  }
  return Buffer.concat(pieces)
}
