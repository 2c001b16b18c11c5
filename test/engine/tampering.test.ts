import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBytes, openPackages, sealBytes } from '../../engine/dare.ts'
import { DareError, type DareErrorCode } from '../../engine/errors.ts'
import { partKey } from '../../engine/keys.ts'
import { createOpenState } from '../../engine/open-state.ts'
import { headerSize, packageSizeMax, payloadSizeMax, tagSize } from '../../engine/sizes.ts'
import { equalBytes, patternBytes } from '../support/bytes.ts'

const test = suite('engine/tampering')
const key = patternBytes(32, 3)
/** Three packages: two full, a short final one. */
const plaintext = patternBytes(2 * payloadSizeMax + 1000)
const sealed = sealBytes(key, plaintext)
const packages = [0, 1, 2].map((index) =>
  sealed.subarray(index * packageSizeMax, (index + 1) * packageSizeMax),
)
const fullFinal = sealBytes(key, patternBytes(2 * payloadSizeMax))

function refused(bytes: Uint8Array, codes: readonly DareErrorCode[], what: string, with_ = key): void {
  assert.throws(
    () => openBytes(with_, bytes),
    (error: unknown) => {
      if (!(error instanceof DareError)) throw error
      assert.ok(codes.includes(error.code), `${what}: ${error.code}`)
      return true
    },
    what,
  )
}

function joined(...order: readonly number[]): Uint8Array {
  return Buffer.concat(order.map((index) => packages[index] ?? new Uint8Array(0)))
}

function flipped(offset: number, mask: number): Uint8Array {
  const bytes = sealed.slice()
  bytes[offset] = (bytes[offset] ?? 0) ^ mask
  return bytes
}

/** What a change of this header byte is found out by; FORMAT.md §2.4. */
function codesOf(byte: number): readonly DareErrorCode[] {
  if (byte === 0) return ['unsupported-version']
  if (byte === 1) return ['unsupported-cipher', 'tag-mismatch']
  if (byte < 4) return ['invalid-payload-size']
  if (byte === 4) return ['nonce-mismatch', 'tag-mismatch', 'invalid-payload-size']
  return ['nonce-mismatch', 'tag-mismatch']
}

test('every bit of every header is authenticated', () => {
  for (let index = 0; index < packages.length; index++) {
    for (let byte = 0; byte < headerSize; byte++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = flipped(index * packageSizeMax + byte, 1 << bit)
        refused(bytes, codesOf(byte), `bit ${bit} of byte ${byte} of header ${index}`)
      }
    }
  }
})

test('every byte of every tag is authenticated', () => {
  for (let index = 0; index < packages.length; index++) {
    const end = Math.min((index + 1) * packageSizeMax, sealed.length)
    for (let byte = 1; byte <= tagSize; byte++)
      refused(flipped(end - byte, 1), ['tag-mismatch'], `tag ${index}`)
  }
})

test('the first, last and a middle byte of every payload are authenticated', () => {
  for (let index = 0; index < packages.length; index++) {
    const start = index * packageSizeMax + headerSize
    const last = Math.min((index + 1) * packageSizeMax, sealed.length) - tagSize - 1
    for (const offset of [start, Math.floor((start + last) / 2), last]) {
      refused(flipped(offset, 0x10), ['tag-mismatch'], `payload byte ${offset}`)
    }
  }
})

test('packages swapped, dropped or repeated are refused', () => {
  refused(joined(1, 0, 2), ['tag-mismatch'], 'swapped')
  refused(joined(1, 2), ['tag-mismatch'], 'first dropped')
  refused(joined(0, 2), ['tag-mismatch'], 'middle dropped')
  refused(joined(0, 0, 1, 2), ['tag-mismatch'], 'first repeated')
  refused(joined(0, 1, 1, 2), ['tag-mismatch'], 'middle repeated')
  refused(joined(0, 1, 2, 2), ['invalid-payload-size'], 'short final repeated')
  equalBytes(openBytes(key, joined(0, 1, 2)), plaintext)
})

test('a stream cut at a package boundary is refused', () => {
  refused(joined(0), ['unexpected-eof'], 'after one')
  refused(joined(0, 1), ['unexpected-eof'], 'after two')
  refused(fullFinal.subarray(0, packageSizeMax), ['unexpected-eof'], 'before a full final package')
})

test('a stream cut anywhere else is refused', () => {
  for (const rest of [1, 15, 16, 31, 32, 33, 1000, packageSizeMax - 1]) {
    const bytes = sealed.subarray(0, 2 * packageSizeMax + Math.min(rest, 1000 + 31))
    refused(bytes, ['invalid-payload-size'], `last package of ${rest}`)
    refused(sealed.subarray(0, rest), ['invalid-payload-size'], `first package of ${rest}`)
  }
})

test('bytes after the final package are refused', () => {
  for (const size of [1, 32, 33, packageSizeMax]) {
    const after = Buffer.concat([fullFinal, sealed.subarray(0, size)])
    refused(after, ['unexpected-data', 'invalid-payload-size', 'nonce-mismatch'], `${size} appended`)
  }
  refused(Buffer.concat([fullFinal, fullFinal]), ['unexpected-data', 'tag-mismatch'], 'itself appended')
})

test('packages of another stream under the same key are refused', () => {
  const other = sealBytes(key, plaintext)
  const spliced = sealed.slice()
  spliced.set(other.subarray(packageSizeMax, 2 * packageSizeMax), packageSizeMax)
  refused(spliced, ['nonce-mismatch'], 'spliced')
})

test('a package of the other cipher within a stream is refused', () => {
  const nonce = sealed.slice(4, 16)
  const other = sealBytes(key, plaintext, { nonce, cipher: 'chacha20-poly1305' })
  const spliced = sealed.slice()
  spliced.set(other.subarray(packageSizeMax, 2 * packageSizeMax), packageSizeMax)
  refused(spliced, ['unsupported-cipher'], 'spliced')
})

test('another key opens nothing', () => {
  for (let byte = 0; byte < 32; byte++) {
    const wrong = key.slice()
    wrong[byte] = (wrong[byte] ?? 0) ^ 1
    refused(sealed, ['tag-mismatch'], `key byte ${byte}`, wrong)
  }
})

test('a part opens under its own number alone', () => {
  const objectKey = patternBytes(32, 9)
  const parts = [1, 2, 10_000].map((number) => ({
    number,
    bytes: sealBytes(partKey(objectKey, number), plaintext),
  }))
  for (const part of parts) {
    for (const { number } of parts) {
      const partKeyOf = partKey(objectKey, number)
      if (number === part.number) equalBytes(openBytes(partKeyOf, part.bytes), plaintext)
      else refused(part.bytes, ['tag-mismatch'], `part ${part.number} as ${number}`, partKeyOf)
    }
  }
})

test('a run within a stream must not hold its final package, nor the last run lack it', () => {
  const open = (bytes: Uint8Array, firstSequence: number, final: boolean) =>
    openPackages(bytes, new Uint8Array(bytes.length), {
      key,
      firstSequence,
      final,
      expected: createOpenState(),
    })
  const code = (expected: DareErrorCode) => (error: unknown) =>
    error instanceof DareError && error.code === expected
  assert.is(open(joined(0, 1), 0, false), 2 * payloadSizeMax)
  assert.throws(() => open(joined(2), 2, false), code('unexpected-data'))
  assert.throws(() => open(joined(0, 1), 0, true), code('unexpected-eof'))
  assert.throws(() => open(joined(1), 0, false), code('tag-mismatch'))
})

test('nothing of a run that fails is left in the target', () => {
  const bad = flipped(packageSizeMax + headerSize, 1)
  const target = new Uint8Array(bad.length).fill(0xee)
  assert.throws(() =>
    openPackages(bad, target, { key, firstSequence: 0, final: true, expected: createOpenState() }),
  )
  assert.ok(
    target.subarray(0, payloadSizeMax).every((byte) => byte === 0),
    'the first package was opened and wiped',
  )
})

test.run()
