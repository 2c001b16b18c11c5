import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Md5, Md5Kernels, md5StreamsMax, startMd5 } from '../../engine/md5.ts'
import { patternBytes, toHex } from '../support/bytes.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/md5')
const kernels = new Md5Kernels()
const mebibyte = 1024 * 1024

/** RFC 1321 §A.5. */
const vectors = {
  '': 'd41d8cd98f00b204e9800998ecf8427e',
  a: '0cc175b9c0f1b6a831c399e269772661',
  abc: '900150983cd24fb0d6963f7d28e17f72',
  'message digest': 'f96b697d7cb7938d525a2f31aaf161d0',
  abcdefghijklmnopqrstuvwxyz: 'c3fcd3d76192e4007dfb496cca67e13b',
  ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: 'd174ab98d277d9f5a5611c2c9f419d9f',
  '12345678901234567890123456789012345678901234567890123456789012345678901234567890':
    '57edf4a22be3c955ac49da2e2107b67a',
} as const

/** Both sides of where padding needs a block more, of a block, of a package; and many blocks. */
const sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 65_535, 65_536, 65_537, 3 * mebibyte + 7]

function reference(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

test('the RFC’s vectors, alone and all together', () => {
  const streams = Object.entries(vectors).map(([text, digest]) => ({ text, digest, md5: startMd5() }))
  kernels.update(streams.map(({ text, md5 }) => ({ md5, bytes: Buffer.from(text) })))
  for (const { text, digest, md5 } of streams) {
    assert.is(toHex(kernels.digest(md5)), digest, `"${text}", together`)
    const alone = startMd5()
    kernels.update([{ md5: alone, bytes: Buffer.from(text) }])
    assert.is(toHex(kernels.digest(alone)), digest, `"${text}", alone`)
  }
})

test('from one stream to the most, in every place, the digest is that of node:crypto', () => {
  for (let count = 1; count <= md5StreamsMax; count++) {
    const streams = Array.from({ length: count }, (_, index) => ({
      md5: startMd5(),
      bytes: patternBytes(mebibyte + 10_000 * ((index * 5) % count), index),
    }))
    kernels.update(streams)
    for (const [index, { md5, bytes }] of streams.entries())
      assert.is(toHex(kernels.digest(md5)), reference(bytes), `stream ${index} of ${count}`)
  }
})

test('streams of any sizes, in any company, cut anywhere, have node:crypto’s digests', () => {
  const stream = fc.record({
    size: fc.oneof(fc.constantFrom(...sizes), fc.nat({ max: 200_000 })),
    cuts: fc.array(fc.oneof(fc.constantFrom(...sizes), fc.nat({ max: 100_000 })), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  /** Which of the streams that have not ended take part in a turn, by bits. */
  const company = fc.array(fc.integer({ min: 1, max: 2 ** 12 - 1 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(stream, { minLength: 1, maxLength: 12 }), company, (chosen, turns) => {
      const streams = chosen.map(({ size, cuts }, index) => new Cut(patternBytes(size, index), cuts))
      for (let turn = 0; streams.some(({ ended }) => !ended); turn++) {
        // From time to time everybody, so that every stream ends.
        const bits = turn % 4 === 3 ? -1 : (turns[turn % turns.length] ?? -1)
        const taking = streams.filter(({ ended }, index) => !ended && (bits >> index) & 1)
        kernels.update(taking.slice(0, md5StreamsMax).map((each) => ({ md5: each.md5, bytes: each.next() })))
      }
      for (const { md5, bytes } of streams) assert.is(toHex(kernels.digest(md5)), reference(bytes))
    }),
    propertyRuns,
  )
})

/** A stream that is given piece by piece. */
class Cut {
  readonly md5: Md5 = startMd5()
  readonly bytes: Uint8Array
  readonly #cuts: readonly number[]
  #offset = 0
  #turn = 0

  constructor(bytes: Uint8Array, cuts: readonly number[]) {
    this.bytes = bytes
    this.#cuts = cuts
  }

  get ended(): boolean {
    return this.#offset >= this.bytes.length
  }

  next(): Uint8Array {
    // An empty piece is one, too, but not forever.
    const cut = (this.#cuts[this.#turn++ % this.#cuts.length] ?? 0) + (this.#turn % 3 === 0 ? 1 : 0)
    const piece = this.bytes.subarray(this.#offset, this.#offset + cut)
    this.#offset += piece.length
    return piece
  }
}

test('byte by byte the digest is the same', () => {
  const bytes = patternBytes(200)
  const md5 = startMd5()
  for (let offset = 0; offset < bytes.length; offset++)
    kernels.update([{ md5, bytes: bytes.subarray(offset, offset + 1) }])
  assert.is(toHex(kernels.digest(md5)), reference(bytes))
})

test('a stream whose number of bits needs more than 32 has the right digest', () => {
  const piece = patternBytes(8 * mebibyte)
  const [md5, expected] = [startMd5(), createHash('md5')]
  for (let size = 0; size <= 2 ** 29; size += piece.length) {
    kernels.update([{ md5, bytes: piece }])
    expected.update(piece)
  }
  assert.is(toHex(kernels.digest(md5)), expected.digest('hex'))
})

test.run()
