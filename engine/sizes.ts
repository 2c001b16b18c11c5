import { DareError } from './errors.ts'

/** Sizes of DARE streams, all in bytes (FORMAT.md §2). */

export const headerSize = 16
export const tagSize = 16
/** Version, cipher and length: what the tag authenticates besides the payload. */
export const aadSize = 4
/** Plaintext bytes of every package but the last. */
export const payloadSizeMax = 65_536
export const packageOverhead = headerSize + tagSize
export const packageSizeMax = payloadSizeMax + packageOverhead
/** The sequence number has 32 bits. */
export const packagesMax = 2 ** 32
export const plaintextSizeMax = packagesMax * payloadSizeMax

/** How large a stream of `plaintextSize` bytes is when sealed. Inverse of {@link plaintextSizeOf}. Errors: too-large. */
export function sealedSizeOf(plaintextSize: number): number {
  if (plaintextSize > plaintextSizeMax)
    throw new DareError('too-large', `${plaintextSize} bytes exceed a stream`)
  return plaintextSize + Math.ceil(plaintextSize / payloadSizeMax) * packageOverhead
}

/** How much plaintext a sealed stream of that size holds. Errors: too-large; invalid-payload-size where none has that size. */
export function plaintextSizeOf(sealedSize: number): number {
  if (sealedSize > packagesMax * packageSizeMax) {
    throw new DareError('too-large', `${sealedSize} sealed bytes exceed a stream`)
  }
  const rest = sealedSize % packageSizeMax
  const whole = Math.floor(sealedSize / packageSizeMax) * payloadSizeMax
  if (rest === 0) return whole
  if (rest <= packageOverhead) {
    throw new DareError('invalid-payload-size', `no stream has ${sealedSize} sealed bytes`)
  }
  return whole + rest - packageOverhead
}

/** Where a header has the payload's size less one, LE16. */
export const lengthOffset = 2

/** Bytes of the payload that belongs to a header, 1..65,536. */
export function payloadSizeOf(header: Uint8Array): number {
  return ((header[lengthOffset] ?? 0) | ((header[lengthOffset + 1] ?? 0) << 8)) + 1
}

/** The whole packages that a plaintext range lies in. */
export interface PackageRange {
  /** Where the first of them begins in the sealed stream. */
  readonly sealedOffset: number
  readonly sealedSize: number
  /** Sequence number of the first. */
  readonly firstSequence: number
  /** Plaintext bytes before the range in the first package. */
  readonly skip: number
  /** The last package of the stream is among them. */
  readonly reachesEnd: boolean
}

/** The packages to open for plaintext [offset, offset + size) of a stream of `plaintextSize` bytes (FORMAT.md §2.3). */
export function packageRange({
  offset,
  size,
  plaintextSize,
}: {
  readonly offset: number
  readonly size: number
  readonly plaintextSize: number
}): PackageRange {
  if (offset < 0 || size < 0 || offset + size > plaintextSize) {
    throw new RangeError(`range ${offset}+${size} is outside of ${plaintextSize} bytes`)
  }
  const firstSequence = Math.floor(offset / payloadSizeMax)
  const skip = offset % payloadSizeMax
  const sealedOffset = firstSequence * packageSizeMax
  if (size === 0) return { sealedOffset, sealedSize: 0, firstSequence, skip, reachesEnd: false }
  const lastSequence = Math.floor((offset + size - 1) / payloadSizeMax)
  const sealedEnd = Math.min((lastSequence + 1) * packageSizeMax, sealedSizeOf(plaintextSize))
  return {
    sealedOffset,
    sealedSize: sealedEnd - sealedOffset,
    firstSequence,
    skip,
    reachesEnd: (lastSequence + 1) * payloadSizeMax >= plaintextSize,
  }
}
