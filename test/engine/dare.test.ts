import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createStreamNonce, openBytes, openPackages, sealBytes, sealPackages } from '../../engine/dare.ts'
import { createOpenState } from '../../engine/open-state.ts'
import { packageSizeMax, payloadSizeMax, sealedSizeOf } from '../../engine/sizes.ts'
import { suites } from '../../engine/suites.ts'
import { equalBytes, patternBytes } from '../support/bytes.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/dare')
const key = patternBytes(32, 3)
const ciphers = suites.map(({ cipher }) => cipher)
/** Both sides of every boundary. */
const boundaries = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 262_144, 262_145]

for (const cipher of ciphers) {
  test(`${cipher}: what was sealed opens, at every boundary`, () => {
    for (const size of boundaries) {
      const plaintext = patternBytes(size)
      const sealed = sealBytes(key, plaintext, { cipher })
      assert.is(sealed.length, sealedSizeOf(size))
      equalBytes(openBytes(key, sealed), plaintext, `${size} bytes`)
    }
  })

  test(`${cipher}: what was sealed opens, whatever it is`, () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: 3 * payloadSizeMax }).map((size) => patternBytes(size, size)),
    )
    fc.assert(
      fc.property(bytes, (plaintext) => {
        equalBytes(openBytes(key, sealBytes(key, plaintext, { cipher })), plaintext)
      }),
      propertyRuns,
    )
  })
}

test('sealed in runs of any length is the same as sealed at once', () => {
  const nonce = createStreamNonce()
  fc.assert(
    fc.property(
      fc.nat({ max: 6 * payloadSizeMax }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
      (size, runs) => {
        const plaintext = patternBytes(size)
        const pieces: Uint8Array[] = []
        let firstSequence = 0
        for (let offset = 0, index = 0; offset < size; index++) {
          const end = Math.min(size, offset + (runs[index % runs.length] ?? 1) * payloadSizeMax)
          const final = end === size
          pieces.push(...sealPackages(plaintext.subarray(offset, end), { key, nonce, firstSequence, final }))
          firstSequence += Math.ceil((end - offset) / payloadSizeMax)
          offset = end
        }
        equalBytes(Buffer.concat(pieces), sealBytes(key, plaintext, { nonce }))
      },
    ),
    propertyRuns,
  )
})

test('opened from any package to the end is the end of the plaintext', () => {
  const plaintext = patternBytes(4 * payloadSizeMax + 99)
  const sealed = sealBytes(key, plaintext)
  for (let firstSequence = 0; firstSequence < 5; firstSequence++) {
    const rest = sealed.subarray(firstSequence * packageSizeMax)
    const target = new Uint8Array(rest.length)
    const size = openPackages(rest, target, { key, firstSequence, final: true, expected: createOpenState() })
    equalBytes(target.subarray(0, size), plaintext.subarray(firstSequence * payloadSizeMax))
  }
})

test('a stream has one nonce in all headers and the final flag in the last alone', () => {
  const sealed = sealBytes(key, patternBytes(2 * payloadSizeMax + 1))
  const headers = [0, 1, 2].map((index) => {
    const start = index * packageSizeMax
    return sealed.slice(start, start + 16)
  })
  assert.equal(
    headers.map((header) => (header[4] ?? 0) >> 7),
    [0, 0, 1],
  )
  const nonces = headers.map((header) => {
    const nonce = header.slice(4)
    nonce[0] = (nonce[0] ?? 0) & 0x7f
    return Buffer.from(nonce).toString('hex')
  })
  assert.is(new Set(nonces).size, 1)
})

test('two sealings of the same bytes have nothing in common', () => {
  const [one, two] = [sealBytes(key, patternBytes(64)), sealBytes(key, patternBytes(64))]
  assert.is.not(Buffer.compare(one.subarray(4, 16), two.subarray(4, 16)), 0)
  assert.is.not(Buffer.compare(one.subarray(16, 80), two.subarray(16, 80)), 0)
})

test('no plaintext is in what was sealed', () => {
  const plaintext = Buffer.from('the plaintext of a very secret object ')
  const sealed = Buffer.from(sealBytes(key, Buffer.concat(new Array(2000).fill(plaintext))))
  assert.is(sealed.indexOf(plaintext.subarray(0, 8)), -1)
})

test('sealing in the middle of a payload, or with a key of another size, is the caller’s mistake', () => {
  const nonce = createStreamNonce()
  const seal = (options: Partial<Parameters<typeof sealPackages>[1]>, size = 10) =>
    sealPackages(new Uint8Array(size), { key, nonce, firstSequence: 0, final: true, ...options })
  assert.throws(() => seal({ final: false }), RangeError)
  assert.throws(() => seal({ key: key.subarray(1) }), RangeError)
  assert.throws(() => seal({ nonce: nonce.subarray(1) }), RangeError)
  assert.throws(() => seal({ firstSequence: 2 ** 32 }), /at most 2\^32 packages/)
  assert.is(seal({ firstSequence: 2 ** 32 - 1 }).length, 3)
})

test.run()
