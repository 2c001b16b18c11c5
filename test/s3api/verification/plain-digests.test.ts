import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ObjectPart, ObjectRecord } from '../../../s3api/backends/backend.ts'
import { PlainDigests } from '../../../s3api/verification/plain-digests.ts'
import { propertyRuns } from '../../support/property.ts'

const test = suite('s3api/verification/plain-digests')

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')

function recordOf(facts: Pick<ObjectRecord, 'size' | 'etag'> & Partial<ObjectRecord>): ObjectRecord {
  return { modifiedAtMs: 0, headers: {}, metadata: {}, storageClass: 'STANDARD', ...facts }
}

async function mismatchOf(record: ObjectRecord, pieces: readonly Uint8Array[]): Promise<string | undefined> {
  const digests = await PlainDigests.of(record)
  assert.ok(digests)
  for (const piece of pieces) digests.update(piece)
  return digests.mismatch()
}

/** An object of those parts, as it is stored. */
function partsRecord(
  parts: readonly Uint8Array[],
  { checksums }: { readonly checksums: boolean },
): ObjectRecord {
  const etag = `${createHash('md5')
    .update(Buffer.concat(parts.map(md5)))
    .digest('hex')}-${parts.length}`
  const listed = parts.map(
    (bytes, index): ObjectPart => ({
      number: index + 1,
      size: bytes.length,
      ...(checksums && { checksum: { algorithm: 'SHA256', type: 'FULL_OBJECT', value: sha256(bytes) } }),
    }),
  )
  return recordOf({ size: Buffer.concat(parts).length, etag, parts: listed })
}

test('the MD5 that is the ETag, and the checksum of the whole', async () => {
  const bytes = Buffer.from('some words')
  const etag = md5(bytes).toString('hex')
  assert.is(await mismatchOf(recordOf({ size: 10, etag }), [bytes]), undefined)
  assert.match((await mismatchOf(recordOf({ size: 10, etag }), [Buffer.from('some Words')])) ?? '', 'MD5')
  const checksum = { algorithm: 'SHA256', type: 'FULL_OBJECT', value: sha256(bytes) } as const
  const random = `${'0'.repeat(31)}-9`
  assert.is(await mismatchOf(recordOf({ size: 10, etag: random, checksum }), [bytes]), undefined)
  const other = await mismatchOf(recordOf({ size: 10, etag: random, checksum }), [Buffer.from('some Words')])
  assert.match(other ?? '', 'SHA256')
})

test('with neither there is nothing to compare', async () => {
  const checksum = { algorithm: 'SHA256', type: 'COMPOSITE', value: 'of others-2' } as const
  for (const record of [
    recordOf({ size: 1, etag: 'an etag of another store' }),
    recordOf({ size: 1, etag: `${'0'.repeat(32)}-2` }),
    recordOf({ size: 1, etag: `${'0'.repeat(32)}-2`, checksum }),
    recordOf({ size: 1, etag: `${'0'.repeat(32)}-2`, parts: [{ number: 1, size: 1 }] }),
  ]) {
    assert.is(await PlainDigests.of(record), undefined, JSON.stringify(record))
  }
})

test('parts, wherever the bytes are cut as they come', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat({ max: 200 }), { maxLength: 8 }),
      fc.boolean(),
      fc.nat(),
      async (parts, cuts, checksums, place) => {
        const record = partsRecord(parts, { checksums })
        const whole = Buffer.concat(parts)
        const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length]
        const piecesOf = (bytes: Buffer) => at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        assert.is(await mismatchOf(record, piecesOf(whole)), undefined)
        if (whole.length === 0) return
        const changed = Buffer.from(whole)
        const index = place % whole.length
        changed[index] = (changed[index] ?? 0) ^ 1
        assert.is(typeof (await mismatchOf(record, piecesOf(changed))), 'string')
      },
    ),
    propertyRuns,
  ))

test('a part that is wrong is named', async () => {
  const parts = [Buffer.from('one'), Buffer.from('two'), Buffer.from('three')]
  const record = partsRecord(parts, { checksums: true })
  const mismatch = await mismatchOf(record, [Buffer.from('oneTwothree')])
  assert.match(mismatch ?? '', /SHA256 of its part at 2/)
})

test.run()
