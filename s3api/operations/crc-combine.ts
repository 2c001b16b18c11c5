import type { ChecksumAlgorithm } from '../backends/backend.ts'

/**
 * The CRC of a whole from the CRCs of its parts, without the data: appending n zero bits to a message is a linear map on
 * the CRC register, so crc(a ‖ b) = zeros(crc(a), |b|) xor crc(b). The map for n bytes is found by squaring.
 * Reflected polynomials: CRC32 (ISO-HDLC), CRC32C (RFC 3720), CRC64NVME (NVM Express, "64b CRC").
 */
const polynomials = {
  CRC32: { width: 32, polynomial: 0xedb88320n },
  CRC32C: { width: 32, polynomial: 0x82f63b78n },
  CRC64NVME: { width: 64, polynomial: 0x9a6c9329ac4bc9b5n },
} as const satisfies Partial<Record<ChecksumAlgorithm, { width: number; polynomial: bigint }>>

export type CombinableChecksum = keyof typeof polynomials

/** Whether a checksum of the whole follows from those of its parts. */
export function isCombinable(algorithm: ChecksumAlgorithm): algorithm is CombinableChecksum {
  return Object.hasOwn(polynomials, algorithm)
}

/** A linear map on the register: what each of its bits becomes, lowest first. */
type Matrix = readonly bigint[]

/** The CRC, big-endian as S3 shows it, of the parts one after the other; sizes in bytes. */
export function combineCrcs(
  algorithm: CombinableChecksum,
  parts: readonly { readonly crc: Uint8Array; readonly size: number }[],
): Uint8Array {
  const { width, polynomial } = polynomials[algorithm]
  const powers: Matrix[] = [zeroByteMatrix(width, polynomial)]
  let combined = 0n
  for (const { crc, size } of parts) {
    combined = appendZeros(combined, size, powers) ^ toNumber(crc)
  }
  return toBytes(combined, width / 8)
}

/** The register after `size` zero bytes; `powers[k]` is the map of 2^k bytes, extended as needed. */
function appendZeros(register: bigint, size: number, powers: Matrix[]): bigint {
  let moved = register
  // Sizes exceed 32 bits, so no bit operators on them.
  for (let rest = size, bit = 0; rest > 0; rest = Math.floor(rest / 2), bit++) {
    const power = powers[bit] ?? square(powers[bit - 1] ?? [])
    powers[bit] = power
    if (rest % 2 === 1) moved = apply(power, moved)
  }
  return moved
}

function zeroByteMatrix(width: number, polynomial: bigint): Matrix {
  const oneBit: Matrix = [polynomial, ...Array.from({ length: width - 1 }, (_, bit) => 1n << BigInt(bit))]
  return square(square(square(oneBit)))
}

function square(matrix: Matrix): Matrix {
  return matrix.map((column) => apply(matrix, column))
}

function apply(matrix: Matrix, vector: bigint): bigint {
  let result = 0n
  for (let rest = vector, bit = 0; rest > 0n; rest >>= 1n, bit++) {
    if ((rest & 1n) === 1n) result ^= matrix[bit] ?? 0n
  }
  return result
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function toBytes(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) =>
    Number((value >> BigInt(8 * (size - 1 - index))) & 0xffn),
  )
}
