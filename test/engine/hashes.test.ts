import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createHasher, hashBytes, hashNames, loadHashes } from '../../engine/hashes.ts'
import { equalBytes, patternBytes, toHex } from '../support/bytes.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/hashes')

/** Of the ASCII digits 1 to 9: the check values of the CRC catalogue; the others as their own tools give them. */
const known = {
  md5: '25f9e794323b453885f5181f1b624d0b',
  sha1: 'f7c3bc1d808e04732adf679965ccc34ca7ae3441',
  sha256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
  sha512:
    'd9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85',
  crc32: 'cbf43926',
  crc32c: 'e3069283',
  crc64nvme: 'ae8b14860a799888',
  xxhash64: '8cb841db40e6ae83',
  xxhash3: '72dcb18b67a17dff',
  xxhash128: '33119477ede5dcd5e9716427681d5860',
} as const

test('every hash has its known value', async () => {
  const digests = await hashBytes(hashNames, Buffer.from('123456789'))
  for (const name of hashNames) assert.is(toHex(digests[name] ?? new Uint8Array()), known[name], name)
})

test('every hash of nothing has its known value', async () => {
  const digests = await hashBytes(hashNames, new Uint8Array(0))
  assert.is(toHex(digests.md5 ?? new Uint8Array()), 'd41d8cd98f00b204e9800998ecf8427e')
  assert.is(toHex(digests.crc32 ?? new Uint8Array()), '00000000')
  assert.is(toHex(digests.crc32c ?? new Uint8Array()), '00000000')
  assert.is(toHex(digests.crc64nvme ?? new Uint8Array()), '0000000000000000')
  assert.is(toHex(digests.xxhash64 ?? new Uint8Array()), 'ef46db3751d8e999')
  assert.is(toHex(digests.xxhash3 ?? new Uint8Array()), '2d06800538d394c2')
  assert.is(toHex(digests.xxhash128 ?? new Uint8Array()), '99aa06d3014798d86001c324468d497f')
})

test('hashes do not depend on how the bytes are cut', async () => {
  await loadHashes()
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 10_000 }),
      fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 5 }),
      async (size, cuts) => {
        const bytes = patternBytes(size)
        const hasher = createHasher(hashNames)
        for (let offset = 0, index = 0; offset < size; index++) {
          const cut = cuts[index % cuts.length] ?? 1
          hasher.update(bytes.subarray(offset, offset + cut))
          offset += cut
        }
        const [pieces, whole] = [hasher.digests(), await hashBytes(hashNames, bytes)]
        for (const name of hashNames)
          equalBytes(pieces[name] ?? new Uint8Array(), whole[name] ?? new Uint8Array(1), name)
      },
    ),
    propertyRuns,
  )
})

test('streams that take turns do not mix their sums', async () => {
  await loadHashes()
  const [a, b] = [patternBytes(5000, 1), patternBytes(5000, 2)]
  const [first, second] = [createHasher(hashNames), createHasher(hashNames)]
  for (let offset = 0; offset < 5000; offset += 500) {
    first.update(a.subarray(offset, offset + 500))
    second.update(b.subarray(offset, offset + 500))
  }
  const [one, two] = [first.digests(), second.digests()]
  const [wholeA, wholeB] = [await hashBytes(hashNames, a), await hashBytes(hashNames, b)]
  for (const name of hashNames) {
    assert.equal(one[name], wholeA[name], name)
    assert.equal(two[name], wholeB[name], name)
  }
})

test('only what was asked for is computed', async () => {
  assert.equal(Object.keys(await hashBytes(['crc32', 'md5'], new Uint8Array(3))), ['crc32', 'md5'])
  assert.equal(Object.keys(await hashBytes([], new Uint8Array(3))), [])
})

test.run()
