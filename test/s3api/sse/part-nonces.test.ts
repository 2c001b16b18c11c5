import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DareError } from '../../../engine/index.ts'
import { generationOf, nonceOfPart } from '../../../s3api/operations/uploads.ts'
import { parseEnvelope, sealEnvelope } from '../../../s3api/sse/envelope.ts'
import { patternBytes } from '../../support/bytes.ts'

/** The nonces in an envelope's part table (FORMAT.md §4.2, §5). */

const test = suite('s3api/sse/part-nonces')
const objectKey = patternBytes(32, 1)
const facts = { etag: 'etag', modifiedAtMs: 1, headers: {}, metadata: {}, storageClass: 'STANDARD' }

function stored(nonce: Uint8Array | undefined): Uint8Array {
  const part = { number: 7, size: 5, ...(nonce !== undefined && { nonce }) }
  const seal = { mode: 'SSE-C', iv: patternBytes(32), sealedObjectKey: patternBytes(64) } as const
  return sealEnvelope(
    { ...seal, layout: 'parts', size: 5, parts: [part] },
    { macKey: objectKey, bucket: 'bucket', key: 'key', facts },
  )
}

test('a part has its nonce, or none', () => {
  const nonce = patternBytes(12, 3)
  const [part] = parseEnvelope(stored(nonce)).parts
  assert.is(Buffer.from(nonce).compare(part?.nonce ?? objectKey), 0)
  assert.equal(parseEnvelope(stored(undefined)).parts, [{ number: 7, size: 5 }])
})

test('a nonce of another size is refused', () => {
  for (const size of [1, 11, 13, 32]) {
    assert.throws(
      () => parseEnvelope(stored(patternBytes(size))),
      (error: unknown) => error instanceof DareError && error.code === 'tag-mismatch',
    )
  }
})

test('a generation is the nonce of a sealed stream, and one of earlier versions is none', () => {
  const nonce = patternBytes(12, 3)
  const part = { number: 1, size: 1, etag: 'etag', modifiedAtMs: 1 }
  const generation = generationOf({ nonce })
  assert.is(Buffer.from(nonceOfPart({ ...part, generation }) ?? []).compare(nonce), 0)
  assert.is(nonceOfPart({ ...part, generation: '0'.repeat(32) }), undefined)
  assert.not.equal(generationOf({ nonce: undefined }), generationOf({ nonce: undefined }))
})

test.run()
