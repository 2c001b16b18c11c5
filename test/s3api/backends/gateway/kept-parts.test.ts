import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openGatewayBackend } from '../../../../s3api/backends/gateway/index.ts'
import {
  bucket,
  completedRecord,
  dataOf,
  etagOf,
  newVersionId,
  startUpload,
} from '../../../contracts/backend/fixture.ts'
import { sealedBackend } from '../../../support/sealed-backend.ts'
import { startUpstreamStore } from '../../../support/upstream-store.ts'

/** Parts that were sent more than once, at the same time or after each other. */

const test = suite('s3api/backends/gateway/kept-parts')
const partSize = 5 * 1024 * 1024

interface Sending {
  readonly number: number
  /** When the request for it came, which says nothing of when its bytes were there. */
  readonly at: number
  readonly bytes: Uint8Array
}

/** Sends all, one after the other, completes with what is listed, and resolves to the object's bytes. */
async function complete(sendings: readonly Sending[]): Promise<Buffer> {
  const store = await startUpstreamStore()
  const gateway = await openGatewayBackend(store.config(), { log: pino({ level: 'silent' }) })
  const backend = sealedBackend(gateway, '')
  try {
    await backend.createBucket(bucket)
    const upload = await startUpload({ backend }, 'key')
    for (const { number, at, bytes } of sendings) {
      const generation = randomBytes(16).toString('hex')
      const part = { number, size: bytes.length, etag: etagOf(bytes), modifiedAtMs: at, generation }
      await backend.putPart(upload, part, { kind: 'bytes', bytes })
    }
    const { parts } = await backend.listParts(upload, { after: 0, limit: 1000 })
    await backend.completeUpload(upload, { record: completedRecord(parts), newVersionId, parts })
    return await dataOf(backend, await backend.getObject(bucket, 'key'))
  } finally {
    await gateway.close()
    await store.close()
  }
}

test('of a part that was sent twice, the one whose bytes came last counts, whichever was begun last', async () => {
  const [first, second, once] = [randomBytes(partSize), randomBytes(partSize), randomBytes(partSize)]
  const stored = await complete([
    { number: 1, at: 5, bytes: once },
    { number: 2, at: 7, bytes: first },
    { number: 2, at: 6, bytes: second },
    { number: 3, at: 5, bytes: once },
    { number: 3, at: 4, bytes: first },
  ])
  assert.ok(stored.equals(Buffer.concat([once, second, first])))
})

test('a small part that was sent after a large one counts, though the store has the large one', async () => {
  const [large, small] = [randomBytes(partSize), randomBytes(10)]
  const stored = await complete([
    { number: 1, at: 5, bytes: large },
    { number: 2, at: 6, bytes: large },
    { number: 2, at: 7, bytes: small },
  ])
  assert.ok(stored.equals(Buffer.concat([large, small])))
})

test.run()
