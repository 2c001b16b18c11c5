import { randomBytes } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { StoredObject } from '../../../s3api/backends/backend.ts'
import {
  type Bench,
  bucket,
  completedRecord,
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

export function copyContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'data taken over', open)

  for (const inline of [true, false]) {
    const title = inline ? 'bytes beside a record' : 'staged bytes'
    fact(`${title} are taken over, and source and target live on independently`, async (bench) => {
      const bytes = randomBytes(100_000)
      await put(bench, 'source', bytes, { inline })
      await copy(bench, await bench.backend.getObject(bucket, 'source'), 'target')
      await bench.backend.deleteObject({ bucket, key: 'source' })
      assert.equal(await bench.garbage(), [])
      const { record } = await expectObject(bench, 'target', bytes)
      assert.equal(record.metadata, { copied: 'yes' })
      await copy(bench, await bench.backend.getObject(bucket, 'target'), 'source')
      await put(bench, 'target', Buffer.from('new'))
      await expectObject(bench, 'source', bytes)
      assert.equal(await bench.garbage(), [])
    })
  }

  fact('an object taken over by itself keeps its data', async (bench) => {
    const bytes = randomBytes(300_000)
    await put(bench, 'key', bytes)
    await copy(bench, await bench.backend.getObject(bucket, 'key'), 'key')
    const { record } = await expectObject(bench, 'key', bytes)
    assert.equal(record.metadata, { copied: 'yes' })
    assert.equal(await bench.garbage(), [])
  })

  fact('all streams of a multipart object are taken over', async (bench) => {
    const upload = await startUpload(bench, 'source')
    const bytes = [partBytes(1), partBytes(2, 7), Buffer.from('the end')]
    const parts = await Promise.all(bytes.map((part, index) => putPart(bench, upload, index + 1, part)))
    await bench.backend.completeUpload(upload, {
      record: completedRecord(parts),
      newVersionId,
      parts,
    })
    await copy(bench, await bench.backend.getObject(bucket, 'source'), 'target')
    await bench.backend.deleteObject({ bucket, key: 'source' })
    await expectObject(bench, 'target', Buffer.concat(bytes))
    assert.equal(await bench.garbage(), [])
  })

  fact('an object that is gone is taken over whole or is replaced', async (bench) => {
    for (const inline of [true, false]) {
      const bytes = randomBytes(100_000)
      await put(bench, 'source', bytes, { inline })
      const handle = await bench.backend.getObject(bucket, 'source')
      await bench.backend.deleteObject({ bucket, key: 'source' })
      await bench.garbage()
      const error: unknown = await copy(bench, handle, `target-${inline}`).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (error === undefined) await expectObject(bench, `target-${inline}`, bytes)
      else await rejectsWith('replaced', Promise.reject(error))
    }
    assert.equal(await bench.garbage(), [])
  })

  fact('data taken over into a bucket that is not there is no-such-bucket', async (bench) => {
    await put(bench, 'source', randomBytes(200_000))
    const handle = await bench.backend.getObject(bucket, 'source')
    await rejectsWith('no-such-bucket', copy(bench, handle, 'target', 'gone'))
    assert.equal(await bench.garbage(), [])
  })

  run()
}

async function copy(
  { backend }: Bench,
  object: StoredObject,
  key: string,
  targetBucket: string = bucket,
): Promise<void> {
  await backend.putObject({
    bucket: targetBucket,
    key,
    record: { ...object.record, metadata: { copied: 'yes' } },
    data: { kind: 'same-as', object },
    newVersionId,
  })
}
