import { createCipheriv } from 'node:crypto'
import type { CipherName } from '../../engine/suites.ts'

const payloadSize = 65_536
const defaultRandom = Buffer.from('0001020304050607', 'hex')

/** A stream as MinIO sealed one before July 2018 (FORMAT.md §2.5); Sealgate only reads such. */
export function sealVersion1(
  key: Uint8Array,
  plaintext: Uint8Array,
  {
    cipher = 'aes-256-gcm',
    random = defaultRandom,
  }: { readonly cipher?: CipherName; readonly random?: Uint8Array } = {},
): Buffer {
  const packages: Uint8Array[] = []
  for (let offset = 0, sequence = 0; offset < plaintext.length; offset += payloadSize, sequence++) {
    const payload = plaintext.subarray(offset, offset + payloadSize)
    const header = Buffer.alloc(16)
    header[0] = 0x10
    header[1] = cipher === 'aes-256-gcm' ? 0 : 1
    header.writeUInt16LE(payload.length - 1, 2)
    header.writeUInt32LE(sequence, 4)
    header.set(random, 8)
    const options = { authTagLength: 16 }
    const [iv, plaintextLength] = [header.subarray(4), payload.length]
    const sealer =
      cipher === 'aes-256-gcm'
        ? createCipheriv('aes-256-gcm', key, iv, options)
        : createCipheriv('chacha20-poly1305', key, iv, options)
    sealer.setAAD(header.subarray(0, 4), { plaintextLength })
    packages.push(header, sealer.update(payload), sealer.final(), sealer.getAuthTag())
  }
  return Buffer.concat(packages)
}
