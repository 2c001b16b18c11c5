import { randomBytes } from 'node:crypto'
import * as assert from 'uvu/assert'
import {
  bucket,
  completedRecord,
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

const old = Buffer.from('the old content')
const oldEtag = etagOf(old)
const otherEtag = etagOf(Buffer.from('another content'))

export function conditionContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'conditions', open)

  fact('If-None-Match: * makes an object only where there is none', async (bench) => {
    const bytes = randomBytes(200_000)
    await put(bench, 'key', bytes, { condition: { ifNoneMatch: '*' } })
    await rejectsWith('precondition-failed', put(bench, 'key', old, { condition: { ifNoneMatch: '*' } }))
    await expectObject(bench, 'key', bytes)
    await bench.backend.deleteObject({ bucket, key: 'key' })
    await put(bench, 'key', old, { condition: { ifNoneMatch: '*' } })
    await expectObject(bench, 'key', old)
    assert.equal(await bench.garbage(), [])
  })

  fact('If-Match replaces only the object of that ETag', async (bench) => {
    await put(bench, 'key', old)
    const bytes = randomBytes(200_000)
    await rejectsWith('precondition-failed', put(bench, 'key', bytes, { condition: { ifMatch: otherEtag } }))
    await expectObject(bench, 'key', old)
    if (bench.limits?.refusesIfMatch === true) return
    await put(bench, 'key', bytes, { condition: { ifMatch: oldEtag } })
    await expectObject(bench, 'key', bytes)
    await put(bench, 'key', old, { condition: { ifMatch: '*' } })
    await expectObject(bench, 'key', old)
    assert.equal(await bench.garbage(), [])
  })

  fact('If-Match on nothing is no-such-key', async (bench) => {
    for (const ifMatch of ['*', oldEtag]) {
      await rejectsWith('no-such-key', put(bench, 'key', old, { condition: { ifMatch } }))
    }
    await rejectsWith('no-such-key', bench.backend.getObject(bucket, 'key'))
    assert.equal(await bench.garbage(), [])
  })

  fact(
    'If-None-Match of an ETag spares the object of that ETag alone, also where an upload is completed',
    async (bench) => {
      const { backend } = bench
      const [kept, other] = [{ ifNoneMatch: oldEtag }, { ifNoneMatch: otherEtag }]
      await put(bench, 'key', old, { condition: kept })
      await rejectsWith('precondition-failed', put(bench, 'key', randomBytes(10), { condition: kept }))
      const upload = await startUpload(bench, 'key')
      const part = await putPart(bench, upload, 1, Buffer.from('one part'))
      const completion = { record: completedRecord([part]), newVersionId, parts: [part] }
      await rejectsWith(
        'precondition-failed',
        backend.completeUpload(upload, { ...completion, condition: kept }),
      )
      await expectObject(bench, 'key', old)
      if (bench.limits?.refusesIfMatch === true) return
      await put(bench, 'key', old, { condition: other })
      await backend.completeUpload(upload, { ...completion, condition: other })
      await expectObject(bench, 'key', Buffer.from('one part'))
    },
  )

  fact('a conditional delete removes only the object of that ETag', async (bench) => {
    const { backend } = bench
    await put(bench, 'key', old)
    await rejectsWith(
      'precondition-failed',
      backend.deleteObject({ bucket, key: 'key', condition: { ifMatch: otherEtag } }),
    )
    await expectObject(bench, 'key', old)
    await backend.deleteObject({ bucket, key: 'key', condition: { ifMatch: oldEtag } })
    await rejectsWith('no-such-key', backend.getObject(bucket, 'key'))
  })

  fact('a completion keeps its condition, and its upload when that fails', async (bench) => {
    const { backend } = bench
    await put(bench, 'key', old)
    const upload = await startUpload(bench, 'key')
    const bytes = randomBytes(1000)
    const part = await putPart(bench, upload, 1, bytes)
    const completion = { record: completedRecord([part]), newVersionId, parts: [part] }
    for (const condition of [{ ifNoneMatch: '*' }, { ifMatch: otherEtag }]) {
      await rejectsWith('precondition-failed', backend.completeUpload(upload, { ...completion, condition }))
    }
    await expectObject(bench, 'key', old)
    await backend.completeUpload(upload, { ...completion, condition: { ifMatch: oldEtag } })
    await expectObject(bench, 'key', bytes)
    assert.equal(await bench.garbage(), [])
  })

  run()
}
