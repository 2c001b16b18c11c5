import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBytes, sealBytes } from '../../engine/dare.ts'
import { DareError, type DareErrorCode } from '../../engine/errors.ts'
import { headerSize, packageSizeMax, payloadSizeMax } from '../../engine/sizes.ts'
import { suites } from '../../engine/suites.ts'
import { equalBytes, patternBytes } from '../support/bytes.ts'
import { sealVersion1 } from '../support/dare-v1.ts'
import { collect, withPool } from '../support/pool.ts'

const test = suite('engine/dare-v1')
const key = patternBytes(32, 3)
/** Three packages: two full, a short last one. */
const plaintext = patternBytes(2 * payloadSizeMax + 1000)
const sealed = sealVersion1(key, plaintext)
const version2 = sealBytes(key, plaintext)

const packageOf = (stream: Uint8Array, index: number) =>
  stream.subarray(index * packageSizeMax, (index + 1) * packageSizeMax)

function refused(bytes: Uint8Array, codes: readonly DareErrorCode[], what: string): void {
  try {
    openBytes(key, bytes, { acceptsVersion1: true })
  } catch (error) {
    assert.ok(error instanceof DareError && codes.includes(error.code), `${what}: ${String(error)}`)
    return
  }
  assert.unreachable(`${what} was opened`)
}

test('every bit of a header, and any of the rest, counts', () => {
  for (const at of [0, packageSizeMax, 2 * packageSizeMax]) {
    for (let offset = 0; offset < headerSize; offset++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(sealed)
        changed[at + offset] = (changed[at + offset] ?? 0) ^ (1 << bit)
        refused(
          changed,
          [
            'unsupported-version',
            'unsupported-cipher',
            'invalid-payload-size',
            'sequence-mismatch',
            'nonce-mismatch',
            'tag-mismatch',
          ],
          `bit ${bit} of byte ${at + offset}`,
        )
      }
    }
  }
  for (const offset of [headerSize, packageSizeMax - 1, sealed.length - 1]) {
    const changed = Buffer.from(sealed)
    changed[offset] = (changed[offset] ?? 0) ^ 1
    refused(changed, ['tag-mismatch'], `byte ${offset}`)
  }
})

test('packages stay in their places, and one stream has one version', () => {
  const [first, second, third] = [0, 1, 2].map((index) => packageOf(sealed, index))
  assert.ok(first && second && third)
  const joined = (...pieces: Uint8Array[]) => Buffer.concat(pieces)
  refused(joined(second, first, third), ['sequence-mismatch'], 'two swapped')
  refused(joined(first, third), ['sequence-mismatch'], 'one dropped')
  refused(joined(first, first, third), ['sequence-mismatch'], 'one twice')
  refused(sealed.subarray(0, -1), ['tag-mismatch', 'invalid-payload-size'], 'a byte less')
  refused(joined(sealed, Buffer.alloc(1)), ['invalid-payload-size'], 'a byte more')
  const other = sealVersion1(key, plaintext, { random: Buffer.alloc(8, 7) })
  refused(joined(first, packageOf(other, 1), third), ['nonce-mismatch'], 'one of another stream')
  refused(joined(first, packageOf(version2, 1), third), ['unsupported-version'], '2.0 within 1.0')
  refused(joined(packageOf(version2, 0), second, third), ['unsupported-version'], '1.0 within 2.0')
  refused(packageOf(version2, 0), ['unexpected-eof'], '2.0 without its final package')
})

for (const { cipher } of suites) {
  test(`any range of ${cipher} is read, by a thread and in memory, where that is asked for`, () =>
    withPool(1, async ({ pool, directory, load }) => {
      const stream = sealVersion1(key, plaintext, { cipher })
      const path = join(directory, 'stream')
      await writeFile(path, stream)
      const plaintextSize = plaintext.length
      for (const [offset, size] of [
        [0, plaintextSize],
        [payloadSizeMax - 1, 2],
        [payloadSizeMax, payloadSizeMax],
        [plaintextSize - 1, 1],
      ] as const) {
        const range = { key, offset, size, plaintextSize, acceptsVersion1: true }
        const expected = plaintext.subarray(offset, offset + size)
        equalBytes(await load(path, range), expected, `file ${offset}+${size}`)
        const source = { kind: 'bytes', bytes: stream } as const
        equalBytes(await collect(pool.read({ source, ...range })), expected, `bytes ${offset}+${size}`)
      }
      const code = await load(path, { key, plaintextSize }).catch((error: unknown) =>
        error instanceof DareError ? error.code : error,
      )
      assert.is(code, 'unsupported-version')
    }))
}

test.run()
