import { randomBytes } from 'node:crypto'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../s3api/backends/backend.ts'
import type { BackendContractOptions } from '../backend.ts'
import {
  bucket,
  completedRecord,
  dataOf,
  etagOf,
  expectObject,
  facts,
  newVersionId,
  type Open,
  put,
  putPart,
  rejectsWith,
  startUpload,
} from './fixture.ts'
import { possibleKeys } from './limits.ts'

const everything = { prefix: '', delimiter: '', startAfter: '', limit: 1000 }

/** What holds when several clients, and several instances on one store, work at once. */
export function concurrencyContract(
  name: string,
  open: Open,
  { completesOnce = false }: Pick<BackendContractOptions, 'completesOnce'>,
): void {
  const { fact, run } = facts(name, 'concurrency', open)

  fact('what one instance has written another one sees at once', async (bench) => {
    const other = await bench.another()
    await other.createBucket('made-there')
    assert.is((await bench.backend.getBucket('made-there')).name, 'made-there')
    await put(bench, 'key', Buffer.from('one'))
    await expectObject(bench, 'key', Buffer.from('one'), { backend: other })
    await put(bench, 'key', randomBytes(5), { backend: other, record: { etag: 'replaced' } })
    assert.is((await bench.backend.getObject(bucket, 'key')).record.etag, 'replaced')
    await other.setBucketSetting(bucket, 'encryption', 'on')
    assert.is(await bench.backend.getBucketSetting(bucket, 'encryption'), 'on')
    await other.deleteObject({ bucket, key: 'key' })
    await rejectsWith('no-such-key', bench.backend.getObject(bucket, 'key'))
    assert.equal((await bench.backend.listObjects(bucket, everything)).entries, [])
  })

  fact('an upload begun in one instance goes on in another and ends in a third', async (bench) => {
    const [second, third] = [await bench.another(), await bench.another()]
    const upload = await startUpload(bench, 'key')
    const contents = [Buffer.alloc(5 * 1024 * 1024, 'a'), Buffer.from('b')]
    const parts = [
      await putPart(bench, upload, 1, contents[0] ?? Buffer.alloc(0), { backend: second }),
      await putPart(bench, upload, 2, contents[1] ?? Buffer.alloc(0), { backend: third }),
    ]
    const there = await third.getUpload(bucket, 'key', upload.uploadId)
    await third.completeUpload(there, { record: completedRecord(parts), newVersionId, parts })
    await expectObject(bench, 'key', Buffer.concat(contents))
  })

  fact('of many who make one object with If-None-Match: *, exactly one does', async (bench) => {
    const backends = [bench.backend, await bench.another()]
    const attempts = Array.from({ length: 12 }, (_, index) => randomBytes(50_000 + index * 20_000))
    const outcomes = await Promise.allSettled(
      attempts.map((bytes, index) =>
        put(bench, 'key', bytes, { condition: { ifNoneMatch: '*' }, ...chosen(backends, index) }),
      ),
    )
    const winners = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : []))
    assert.is(winners.length, 1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        await rejectsWith('precondition-failed', Promise.reject(outcome.reason))
    }
    await expectObject(bench, 'key', attempts[winners[0] ?? 0] ?? Buffer.alloc(0))
    assert.equal(await bench.garbage(), [])
  })

  fact('of many who replace one object with If-Match, exactly one does', async (bench) => {
    if (bench.limits?.refusesIfMatch === true) return
    const old = Buffer.from('old')
    await put(bench, 'key', old)
    const condition = { ifMatch: etagOf(old) }
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => put(bench, 'key', randomBytes(30_000), { condition, inline: true })),
    )
    assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  fact('readers see old or new objects whole while writers replace and delete them', async (bench) => {
    const backends = [bench.backend, await bench.another()]
    const keys = possibleKeys(['x', 'x/y', 'z'], bench.limits)
    const seen = { objects: 0, absent: 0 }
    let writing = true
    const writers = backends.map(async (backend, writer) => {
      for (let round = 0; round < 30; round++) {
        const key = keys[round % keys.length] ?? 'x'
        const size = [10, 70_000, 400_000][(round + writer) % 3] ?? 10
        await put(bench, key, randomBytes(size), { backend, inline: size < 100_000 })
        if (round % 7 === 6) await backend.deleteObject({ bucket, key })
      }
    })
    const readers = backends.map(async (backend) => {
      while (writing) {
        for (const key of keys) {
          try {
            const object = await backend.getObject(bucket, key)
            const bytes = await dataOf(backend, object)
            assert.is(etagOf(bytes), object.record.etag)
            seen.objects++
          } catch (error) {
            if (!(error instanceof BackendError) || !/^(no-such-key|replaced)$/.test(error.code)) throw error
            seen.absent++
          }
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const reading = Promise.allSettled(readers)
    try {
      await Promise.all(writers)
    } finally {
      writing = false
    }
    for (const outcome of await reading) if (outcome.status === 'rejected') throw outcome.reason
    assert.ok(seen.objects > 0)
    assert.equal(await bench.garbage(), [])
  })

  fact('of two completions of one upload one makes the object', async (bench) => {
    const backends = [bench.backend, await bench.another()]
    const upload = await startUpload(bench, 'key')
    const part = await putPart(bench, upload, 1, randomBytes(100_000))
    const completion = { record: completedRecord([part]), newVersionId, parts: [part] }
    const outcomes = await Promise.allSettled(
      backends.map((backend) => backend.completeUpload(upload, completion)),
    )
    const made = outcomes.filter(({ status }) => status === 'fulfilled').length
    // S3 tells the second what it tells the first, and so does a gateway before it: a claim in the store, to let only one of them
    // through, would cost every completion two requests, and keep those waiting who repeat one whose front-end has died.
    assert.ok(made === 1 || (made === 2 && !completesOnce))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') await rejectsWith('no-such-upload', Promise.reject(outcome.reason))
    }
    assert.is((await bench.backend.getObject(bucket, 'key')).record.size, 100_000)
  })

  fact('one bucket is made by one of many', async (bench) => {
    const other = await bench.another()
    const outcomes = await Promise.allSettled(
      [bench.backend, other, bench.backend, other].map((backend) => backend.createBucket('contested')),
    )
    assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  run()
}

function chosen<Item>(backends: readonly Item[], index: number): { backend?: Item } {
  const backend = backends[index % backends.length]
  return backend === undefined ? {} : { backend }
}
