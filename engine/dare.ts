import { type CipherGCM, createCipheriv } from 'node:crypto'
import { openPackageV1, version1 } from './dare-v1.ts'
import { DareError } from './errors.ts'
import {
  createOpenState,
  nonceSize,
  type OpenState,
  type OpenStateOptions,
  requireNonce,
  requireSuite,
} from './open-state.ts'
import { openPayload } from './payload.ts'
import { takeRandom } from './random.ts'
import {
  aadSize,
  headerSize,
  lengthOffset,
  packageOverhead,
  packageSizeMax,
  packagesMax,
  payloadSizeMax,
  payloadSizeOf,
  sealedSizeOf,
  tagSize,
} from './sizes.ts'
import { free } from './spent-buffers.ts'
import { type CipherName, type Suite, suiteNamed, suiteOf } from './suites.ts'

/** DARE streams: sealed, always as 2.0, and opened package by package (FORMAT.md §2). */

const version2 = 0x20
/** Offset in a header. */
const nonceOffset = 4
const finalFlag = 0x80
const keySize = 32

/** The 12 random bytes of a stream; the top bit of the first is the final flag's place and clear. */
export function createStreamNonce(): Uint8Array {
  const nonce = takeRandom(nonceSize)
  nonce[0] = (nonce[0] ?? 0) & ~finalFlag
  return nonce
}

export interface SealOptions {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Of {@link createStreamNonce}, the same for the whole stream. */
  readonly nonce: Uint8Array
  /** Sequence number of the first package. */
  readonly firstSequence: number
  /** The plaintext ends the stream. */
  readonly final: boolean
  readonly cipher?: CipherName
}

/**
 * Seals a run of packages: whole payloads, or, at the stream's end, any number of bytes but none. The vector
 * [header, ciphertext, tag, …] belongs to the caller; it is not joined, so that writev can take it as it is.
 */
export function sealPackages(plaintext: Uint8Array, options: SealOptions): Uint8Array[] {
  const { key, nonce, firstSequence, final } = options
  const suite = suiteNamed(options.cipher ?? 'aes-256-gcm')
  const count = Math.ceil(plaintext.length / payloadSizeMax)
  if (key.length !== keySize || nonce.length !== nonceSize)
    throw new RangeError('a key has 32 bytes, a nonce 12')
  if (!final && plaintext.length % payloadSizeMax !== 0)
    throw new RangeError('only a stream ends within a payload')
  if (firstSequence + count > packagesMax)
    throw new DareError('too-large', 'a stream has at most 2^32 packages')
  const vector: Uint8Array[] = []
  for (let index = 0; index < count; index++) {
    const payload = plaintext.subarray(index * payloadSizeMax, (index + 1) * payloadSizeMax)
    const header = makeHeader(suite, nonce, {
      payloadSize: payload.length,
      final: final && index === count - 1,
    })
    const cipher = createSealer(suite, key, header, firstSequence + index)
    cipher.setAAD(header.subarray(0, aadSize), { plaintextLength: payload.length })
    const ciphertext = cipher.update(payload)
    cipher.final()
    vector.push(header, ciphertext, cipher.getAuthTag())
  }
  return vector
}

export interface OpenOptions {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Sequence number of the first package of the run. */
  readonly firstSequence: number
  /** The run ends with the stream's last package; otherwise the last package is not in it. */
  readonly final: boolean
  /** Carried from run to run of one stream. */
  readonly expected: OpenState
}

/** Opens a run of whole packages one by one, in FORMAT.md §2.4's order of checks. The plaintexts belong to the caller. Errors: any DareError. */
export function* openEach(sealed: Uint8Array, options: OpenOptions): Generator<Uint8Array, void, undefined> {
  let sequence = options.firstSequence
  for (let offset = 0; offset < sealed.length; offset += packageSizeMax, sequence++) {
    const isLast = offset + packageSizeMax >= sealed.length
    yield openPackage(sealed.subarray(offset, offset + packageSizeMax), sequence, isLast, options)
  }
}

/**
 * Opens a run of whole packages into `target`, which must have room for their plaintext; resolves to its size. Nothing of a run
 * that fails stays in `target`. Errors: any DareError.
 */
export function openPackages(sealed: Uint8Array, target: Uint8Array, options: OpenOptions): number {
  let size = 0
  try {
    for (const plaintext of openEach(sealed, options)) {
      target.set(plaintext, size)
      size += plaintext.length
      free(plaintext)
    }
    return size
  } catch (error) {
    target.fill(0, 0, size)
    throw error
  }
}

function openPackage(
  bytes: Uint8Array,
  sequence: number,
  isLast: boolean,
  { key, final, expected }: OpenOptions,
): Uint8Array {
  if (bytes.length <= packageOverhead) {
    throw new DareError('invalid-payload-size', `package ${sequence} has ${bytes.length} bytes`)
  }
  const version = bytes[0] === version1 && expected.acceptsVersion1 ? 1 : 2
  if (version === 2 && bytes[0] !== version2)
    throw new DareError('unsupported-version', `package ${sequence} is not of DARE 2.0`)
  expected.version ??= version
  if (version !== expected.version)
    throw new DareError('unsupported-version', `package ${sequence} changes the version of its stream`)
  if (version === 1) return openPackageV1(bytes, sequence, { key, isLast: final && isLast, expected })
  const header = bytes.subarray(0, headerSize)
  const suite = suiteOf(header[1] ?? 0)
  requireSuite(expected, suite, sequence)
  const payloadSize = payloadSizeOf(header)
  const flagged = ((header[nonceOffset] ?? 0) & finalFlag) !== 0
  if (payloadSize + packageOverhead !== bytes.length || (!flagged && payloadSize !== payloadSizeMax)) {
    throw new DareError(
      'invalid-payload-size',
      `package ${sequence} does not have the size that its header says`,
    )
  }
  requireNonce(expected, streamNonce(header), sequence)
  const nonce = packageNonce(header, sequence)
  const plaintext = openPayload(bytes, sequence, { suite, key, nonce })
  if (flagged && !(final && isLast)) {
    throw new DareError('unexpected-data', `data follows the final package, ${sequence}`)
  }
  if (!flagged && final && isLast) {
    throw new DareError('unexpected-eof', `the stream ends before its final package, after ${sequence}`)
  }
  expected.suite = suite
  return plaintext
}

/** Seals a whole stream; no bytes give no bytes. The result belongs to the caller. */
export function sealBytes(
  key: Uint8Array,
  plaintext: Uint8Array,
  options: { readonly nonce?: Uint8Array; readonly cipher?: CipherName } = {},
): Uint8Array {
  const sealed = new Uint8Array(sealedSizeOf(plaintext.length))
  const nonce = options.nonce ?? createStreamNonce()
  let offset = 0
  for (const piece of sealPackages(plaintext, { key, nonce, firstSequence: 0, final: true, ...options })) {
    sealed.set(piece, offset)
    offset += piece.length
    free(piece)
  }
  return sealed
}

/** Opens a whole stream, final package included; no bytes give no bytes. Errors: any DareError. */
export function openBytes(key: Uint8Array, sealed: Uint8Array, options: OpenStateOptions = {}): Uint8Array {
  const expected = createOpenState(options)
  return joined([...openEach(sealed, { key, firstSequence: 0, final: true, expected })])
}

/** One after the other; a single one is not copied. */
export function joined(plaintexts: readonly Uint8Array[]): Uint8Array {
  const [first, ...more] = plaintexts
  if (first === undefined) return new Uint8Array(0)
  return more.length === 0 ? first : Buffer.concat(plaintexts)
}

function makeHeader(
  suite: Suite,
  nonce: Uint8Array,
  { payloadSize, final }: { readonly payloadSize: number; readonly final: boolean },
): Uint8Array {
  const header = new Uint8Array(headerSize)
  header[0] = version2
  header[1] = suite.id
  header[lengthOffset] = (payloadSize - 1) & 0xff
  header[lengthOffset + 1] = (payloadSize - 1) >> 8
  header.set(nonce, nonceOffset)
  const first = (nonce[0] ?? 0) & ~finalFlag
  header[nonceOffset] = final ? first | finalFlag : first
  return header
}

/** The header's nonce without the final flag. */
function streamNonce(header: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(header.subarray(nonceOffset, nonceOffset + nonceSize))
  nonce[0] = (nonce[0] ?? 0) & ~finalFlag
  return nonce
}

/** The header's nonce, final flag included, with the sequence number in its last four bytes (little-endian, XOR). */
function packageNonce(header: Uint8Array, sequence: number): Uint8Array {
  // A copy: `slice` of a Buffer would be a view.
  const nonce = new Uint8Array(header.subarray(nonceOffset, nonceOffset + nonceSize))
  for (let index = 0; index < 4; index++) {
    nonce[8 + index] = (nonce[8 + index] ?? 0) ^ ((sequence >>> (8 * index)) & 0xff)
  }
  return nonce
}

function createSealer(suite: Suite, key: Uint8Array, header: Uint8Array, sequence: number): CipherGCM {
  const nonce = packageNonce(header, sequence)
  // One call a cipher: node:crypto's types tell the ciphers apart by literal.
  return suite.cipher === 'aes-256-gcm'
    ? createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagSize })
    : createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagSize })
}
