import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DareError } from '../../engine/errors.ts'
import {
  packageOverhead,
  packageRange,
  packageSizeMax,
  payloadSizeMax,
  plaintextSizeMax,
  plaintextSizeOf,
  sealedSizeOf,
} from '../../engine/sizes.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/sizes')
const tooLarge = (error: unknown) => error instanceof DareError && error.code === 'too-large'

/** Sizes of all magnitudes, those around package boundaries above all. */
const sizes = fc.oneof(
  fc.nat({ max: 5 * payloadSizeMax }),
  fc.maxSafeNat().map((n) => n % (plaintextSizeMax + 1)),
  fc
    .tuple(fc.nat({ max: 1000 }), fc.integer({ min: -2, max: 2 }))
    .map(([packages, off]) => Math.max(0, packages * payloadSizeMax + off)),
)

test('the sealed size and the plaintext size are inverse', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      assert.is(plaintextSizeOf(sealedSizeOf(size)), size)
    }),
    { numRuns: propertyRuns.numRuns * 10 },
  )
})

test('a sealed size is refused exactly where no plaintext gives it', () => {
  const valid = new Set<number>()
  for (let size = 0; size <= payloadSizeMax + 3; size++) valid.add(sealedSizeOf(size))
  for (let sealed = 0; sealed <= packageSizeMax + packageOverhead + 3; sealed++) {
    const known = valid.has(sealed)
    if (known) assert.is(sealedSizeOf(plaintextSizeOf(sealed)), sealed)
    else assert.throws(() => plaintextSizeOf(sealed))
  }
})

test('2^32 packages are the most', () => {
  assert.is(plaintextSizeOf(sealedSizeOf(plaintextSizeMax)), plaintextSizeMax)
  assert.throws(() => sealedSizeOf(plaintextSizeMax + 1), tooLarge)
  assert.throws(() => plaintextSizeOf(sealedSizeOf(plaintextSizeMax) + 1), tooLarge)
})

test('a range names whole packages that hold it, and no more than it needs', () => {
  const ranges = sizes.chain((plaintextSize) =>
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 1_000_000 })).map(([at, length]) => {
      const offset = Math.floor(at * plaintextSize)
      return { plaintextSize, offset, size: Math.min(length, plaintextSize - offset) }
    }),
  )
  fc.assert(
    fc.property(ranges, ({ plaintextSize, offset, size }) => {
      const range = packageRange({ offset, size, plaintextSize })
      assert.is(range.sealedOffset, range.firstSequence * packageSizeMax)
      assert.is(range.firstSequence * payloadSizeMax + range.skip, offset)
      assert.ok(range.skip < payloadSizeMax)
      if (size === 0) {
        assert.is(range.sealedSize, 0)
        return
      }
      const plaintextInside = plaintextSizeOf(range.sealedSize)
      assert.ok(range.skip + size <= plaintextInside)
      assert.ok(plaintextInside - range.skip - size < payloadSizeMax)
      const end = range.sealedOffset + range.sealedSize
      assert.is(range.reachesEnd, end === sealedSizeOf(plaintextSize))
    }),
    { numRuns: propertyRuns.numRuns * 10 },
  )
})

test('a range outside of the stream is the caller’s mistake', () => {
  for (const [offset, size] of [
    [-1, 1],
    [0, -1],
    [0, 11],
    [11, 0],
    [10, 1],
  ] as const) {
    assert.throws(() => packageRange({ offset, size, plaintextSize: 10 }), /is outside of 10 bytes/)
  }
})

test.run()
