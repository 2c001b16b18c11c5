import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type HashName, hashBytes } from '../../../engine/index.ts'
import { type CombinableChecksum, combineCrcs } from '../../../s3api/operations/crc-combine.ts'

const test = suite('s3api/operations/crc-combine')
const hashes = { CRC32: 'crc32', CRC32C: 'crc32c', CRC64NVME: 'crc64nvme' } as const

async function crcOf(hash: HashName, bytes: Uint8Array): Promise<Uint8Array> {
  const digest = (await hashBytes([hash], bytes))[hash]
  assert.ok(digest)
  return digest
}

for (const algorithm of Object.keys(hashes) as CombinableChecksum[]) {
  test(`${algorithm}: the combined CRC of pieces is the CRC of the whole`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 6 }), async (pieces) => {
        const parts = await Promise.all(
          pieces.map(async (piece) => ({ crc: await crcOf(hashes[algorithm], piece), size: piece.length })),
        )
        const whole = await crcOf(hashes[algorithm], Buffer.concat(pieces))
        assert.equal(Buffer.from(combineCrcs(algorithm, parts)), Buffer.from(whole))
      }),
      { numRuns: 20 },
    )
  })
}

test('CRC32 agrees with zlib over a part size that is no power of two', () => {
  const [a, b] = [Buffer.alloc(5 * 1024 * 1024 + 7, 'a'), Buffer.from('tail')]
  const toBytes = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const combined = combineCrcs('CRC32', [
    { crc: toBytes(crc32(a)), size: a.length },
    { crc: toBytes(crc32(b)), size: b.length },
  ])
  assert.equal(Buffer.from(combined), toBytes(crc32(b, crc32(a))))
})

test.run()
