import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Batch, gather, inBatches } from '../../engine/batches.ts'
import { equalBytes, inPieces, patternBytes } from '../support/bytes.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/batches')

async function collect(
  source: AsyncIterable<Uint8Array>,
  size: number,
  loosePiecesMax = 0,
): Promise<Batch[]> {
  const batches: Batch[] = []
  const options = { batchSize: size, loosePiecesMax, take: () => new ArrayBuffer(size + 3) }
  for await (const batch of inBatches(source, options)) batches.push(batch)
  return batches
}

function bytesOf(batch: Batch): Uint8Array {
  if ('buffer' in batch) return new Uint8Array(batch.buffer, 0, batch.size)
  return gather(batch.pieces, new Uint8Array(batch.size))
}

test('however a source is cut, its batches are the same bytes in full batches and one final', async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 500 }),
      cuts,
      fc.integer({ min: 1, max: 64 }),
      fc.nat({ max: 80 }),
      async (size, cut, batch, loose) => {
        const bytes = patternBytes(size)
        const batches = await collect(inPieces(bytes, cut), batch, loose)
        const target = new Uint8Array(size)
        let offset = 0
        for (const [index, part] of batches.entries()) {
          const last = index === batches.length - 1
          assert.is(part.final, last)
          if (!last) assert.is(part.size, batch)
          assert.is('pieces' in part, last && part.size <= loose)
          target.set(bytesOf(part), offset)
          offset += part.size
        }
        assert.is(offset, size)
        assert.is(batches.length, Math.max(1, Math.ceil(size / batch)))
        equalBytes(target, bytes)
      },
    ),
    { numRuns: propertyRuns.numRuns * 5 },
  )
})

test('a source that comes byte by byte does not leave a piece for every byte', async () => {
  const bytes = patternBytes(100_000)
  const [batch] = await collect(inPieces(bytes, [1]), bytes.length, bytes.length)
  assert.ok(batch !== undefined && 'pieces' in batch)
  assert.ok(batch.pieces.length < 1_000, `${batch.pieces.length} pieces`)
  equalBytes(bytesOf(batch), bytes)
})

test('an empty source, and one of empty pieces, is one empty final batch', async () => {
  for (const pieces of [[], [new Uint8Array(0), new Uint8Array(0)]]) {
    async function* source() {
      yield* pieces
    }
    const batches = await collect(source(), 4)
    assert.is(batches.length, 1)
    assert.is(batches[0]?.size, 0)
    assert.is(batches[0]?.final, true)
  }
})

test('a piece that was copied gives its memory back, one that is kept or shared does not', async () => {
  const whole = patternBytes(8_192)
  const shared = patternBytes(16_384)
  const kept = patternBytes(4_096)
  async function* source() {
    yield whole
    yield shared.subarray(0, 8_192)
    yield kept
  }
  const batches = await collect(source(), 16_384, 4_096)
  assert.is(whole.length, 0)
  assert.is(shared.length, 16_384)
  assert.is(kept.length, 4_096)
  const bytes = Buffer.concat(batches.map(bytesOf))
  equalBytes(bytes, Buffer.concat([patternBytes(8_192), patternBytes(16_384).subarray(0, 8_192), kept]))
})

test('the source is let go of when the batches are', async () => {
  let ended = false
  async function* source() {
    try {
      for (;;) yield new Uint8Array(3)
    } finally {
      ended = true
    }
  }
  const options = { batchSize: 4, loosePiecesMax: 0, take: () => new ArrayBuffer(4) }
  for await (const _ of inBatches(source(), options)) break
  assert.ok(ended)
})

test.run()
