import { randomBytes } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { PartRecord } from '../../../s3api/backends/backend.ts'
import {
  bucket,
  completedRecord,
  etagOf,
  expectObject,
  facts,
  newVersionId,
  type Open,
  partBytes,
  put,
  putPart,
  rejectsWith,
  startUpload,
} from './fixture.ts'

export function partContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'parts', open)

  fact('parts are listed by number with every member, page by page', async (bench) => {
    const { backend } = bench
    const upload = await startUpload(bench, 'key')
    const numbers = [7, 1, 10_000, 3, 2]
    const put = new Map<number, PartRecord>()
    for (const number of numbers) {
      const mac = new Uint8Array(randomBytes(32))
      put.set(number, await putPart(bench, upload, number, randomBytes(number % 50), { inline: true, mac }))
    }
    const sorted = [...numbers].sort((a, b) => a - b)
    for (const limit of [1, 2, 4, 5, 1000]) {
      const seen: PartRecord[] = []
      for (let after = 0; ; after = seen.at(-1)?.number ?? 0) {
        const page = await backend.listParts(upload, { after, limit })
        assert.ok(page.parts.length <= limit)
        seen.push(...page.parts)
        if (!page.truncated) break
      }
      assert.equal(
        seen.map((part) => part.number),
        sorted,
      )
      for (const part of seen) assert.equal(normal(part), normal(put.get(part.number)))
    }
    assert.equal(await backend.listParts(upload, { after: 0, limit: 0 }), { parts: [], truncated: false })
    assert.equal((await backend.listParts(upload, { after: 10_000, limit: 5 })).parts, [])
  })

  fact('a part sent again replaces the one before', async (bench) => {
    const upload = await startUpload(bench, 'key')
    await putPart(bench, upload, 1, partBytes(1))
    await putPart(bench, upload, 1, Buffer.from('small'), { inline: true })
    const part = await putPart(bench, upload, 1, partBytes(3))
    const { parts } = await bench.backend.listParts(upload, { after: 0, limit: 10 })
    assert.equal(parts.map(normal), [normal(part)])
    await bench.backend.completeUpload(upload, {
      record: completedRecord([part]),
      newVersionId,
      parts: [part],
    })
    await expectObject(bench, 'key', partBytes(3))
    assert.equal(await bench.garbage(), [])
  })

  fact('the parts named make the object, in that order; the others go', async (bench) => {
    const { backend } = bench
    await put(bench, 'key', randomBytes(200_000))
    const upload = await startUpload(bench, 'key')
    const contents = [
      partBytes(1),
      partBytes(2, 1),
      randomBytes(200_000),
      Buffer.from('last'),
      Buffer.alloc(0),
    ]
    const parts: PartRecord[] = []
    for (const [index, bytes] of contents.entries())
      parts.push(await putPart(bench, upload, index * 3 + 1, bytes))
    const named = [parts[0], parts[1], parts[3]].filter((part) => part !== undefined)
    await backend.completeUpload(upload, {
      record: completedRecord(named),
      newVersionId,
      parts: named,
    })
    const { record } = await expectObject(
      bench,
      'key',
      Buffer.concat([partBytes(1), partBytes(2, 1), Buffer.from('last')]),
    )
    assert.equal(
      record.parts?.map(({ number }) => number),
      [1, 4, 10],
    )
    await rejectsWith('no-such-upload', backend.getUpload(bucket, 'key', upload.uploadId))
    assert.equal(await bench.garbage(), [])
    await expectObject(bench, 'key', Buffer.concat([partBytes(1), partBytes(2, 1), Buffer.from('last')]), {
      backend: await bench.reopen(),
    })
  })

  fact(
    'a completion that names a part which is not that one is invalid-part, and nothing changes',
    async (bench) => {
      const { backend } = bench
      const old = Buffer.from('old')
      await put(bench, 'key', old)
      const upload = await startUpload(bench, 'key')
      const first = await putPart(bench, upload, 1, partBytes(1))
      const second = await putPart(bench, upload, 2, Buffer.from('2'))
      const replaced = await putPart(bench, upload, 2, Buffer.from('3'))
      for (const wrong of [second, { ...replaced, number: 3 }, { ...replaced, generation: '0'.repeat(32) }]) {
        const named = [first, wrong]
        await rejectsWith(
          'invalid-part',
          backend.completeUpload(upload, {
            record: completedRecord(named),
            newVersionId,
            parts: named,
          }),
        )
      }
      await expectObject(bench, 'key', old)
      const parts = [first, replaced]
      await backend.completeUpload(upload, {
        record: completedRecord(parts),
        newVersionId,
        parts,
      })
      await expectObject(bench, 'key', Buffer.concat([partBytes(1), Buffer.from('3')]))
    },
  )

  fact('a part for an upload that has ended is no-such-upload and leaves nothing', async (bench) => {
    const { backend } = bench
    const upload = await startUpload(bench, 'key')
    await backend.abortUpload(bucket, 'key', upload.uploadId)
    await rejectsWith('no-such-upload', putPart(bench, upload, 1, randomBytes(200_000)))
    await rejectsWith('no-such-upload', putPart(bench, upload, 1, randomBytes(20), { inline: true }))
    await rejectsWith('no-such-upload', backend.listParts(upload, { after: 0, limit: 1 }))
    assert.equal(await bench.garbage(), [])
  })

  fact('part numbers may have gaps', async (bench) => {
    const upload = await startUpload(bench, 'key')
    const bytes = Buffer.alloc(5 * 1024 * 1024, 'x')
    const parts = [await putPart(bench, upload, 1, bytes)]
    const small = Buffer.from('s')
    parts.push(await putPart(bench, upload, 100, small, { inline: true }))
    await bench.backend.completeUpload(upload, {
      record: completedRecord(parts),
      newVersionId,
      parts,
    })
    const { record } = await expectObject(bench, 'key', Buffer.concat([bytes, small]))
    assert.is(record.etag, `${etagOf(Buffer.from(parts.map(({ etag }) => etag).join('')))}-2`)
  })

  run()
}

function normal(part: PartRecord | undefined) {
  return part && { ...part, mac: part.mac && Buffer.from(part.mac).toString('hex') }
}
