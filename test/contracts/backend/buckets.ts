import * as assert from 'uvu/assert'
import { bucket, facts, type Open, put, rejectsWith, startUpload } from './fixture.ts'

export function bucketContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'buckets', open)

  fact('a bucket is made once', async ({ backend }) => {
    await rejectsWith('bucket-exists', backend.createBucket(bucket))
    const { name: shown, createdAtMs } = await backend.getBucket(bucket)
    assert.is(shown, bucket)
    assert.ok(Math.abs(createdAtMs - Date.now()) < 60_000)
  })

  fact('a bucket that is not there is no-such-bucket for every method', async (bench) => {
    const { backend } = bench
    const upload = await startUpload(bench, 'key')
    const gone = { ...upload, bucket: 'gone' }
    const page = { prefix: '', delimiter: '', limit: 1 }
    const calls = [
      () => backend.getBucket('gone'),
      () => backend.deleteBucket('gone'),
      () => backend.getBucketSetting('gone', 'encryption'),
      () => backend.setBucketSetting('gone', 'encryption', 'x'),
      () => backend.getObject('gone', 'key'),
      () => backend.deleteObject({ bucket: 'gone', key: 'key' }),
      () => backend.listObjects('gone', { ...page, startAfter: '' }),
      () => backend.listUploads('gone', { ...page, keyMarker: '', uploadIdMarker: '' }),
      () => backend.createUpload(gone),
      () => backend.getUpload('gone', 'key', upload.uploadId),
      () => put(bench, 'key', Buffer.from('x'), { bucket: 'gone' }),
    ]
    for (const call of calls) await rejectsWith('no-such-bucket', call())
    assert.equal(await bench.garbage(), [])
  })

  fact('buckets are listed in byte order', async ({ backend }) => {
    for (const other of ['zoo', 'a-b', 'a.b', 'ab', 'a1', '0zero']) await backend.createBucket(other)
    const names = (await backend.listBuckets()).map((entry) => entry.name)
    assert.equal(names, ['0zero', 'a-b', 'a.b', 'a1', 'ab', bucket, 'zoo'])
  })

  fact('a bucket with an object stays, one without goes', async (bench) => {
    const { backend } = bench
    await put(bench, 'key', Buffer.from('x'))
    await rejectsWith('bucket-not-empty', backend.deleteBucket(bucket))
    await backend.deleteObject({ bucket, key: 'key' })
    await backend.deleteBucket(bucket)
    assert.equal(await backend.listBuckets(), [])
    await rejectsWith('no-such-bucket', backend.getBucket(bucket))
  })

  fact('settings are set, replaced and removed, each by its name and bucket', async ({ backend, reopen }) => {
    await backend.createBucket('other')
    assert.is(await backend.getBucketSetting(bucket, 'encryption'), undefined)
    await backend.setBucketSetting(bucket, 'encryption', 'one')
    await backend.setBucketSetting(bucket, 'policy', '{"ü":1}')
    await backend.setBucketSetting(bucket, 'encryption', 'two')
    assert.is(await backend.getBucketSetting('other', 'encryption'), undefined)
    const later = await reopen()
    assert.is(await later.getBucketSetting(bucket, 'encryption'), 'two')
    assert.is(await later.getBucketSetting(bucket, 'policy'), '{"ü":1}')
    await later.setBucketSetting(bucket, 'encryption', undefined)
    await later.setBucketSetting(bucket, 'encryption', undefined)
    assert.is(await later.getBucketSetting(bucket, 'encryption'), undefined)
    assert.is(await later.getBucketSetting(bucket, 'policy'), '{"ü":1}')
  })

  fact('a bucket of an old name starts without the settings of the old one', async ({ backend }) => {
    await backend.setBucketSetting(bucket, 'encryption', 'one')
    await backend.deleteBucket(bucket)
    await backend.createBucket(bucket)
    assert.is(await backend.getBucketSetting(bucket, 'encryption'), undefined)
  })

  fact('a store that can be written says so', async ({ backend }) => {
    await backend.check()
  })

  fact('closing twice does no harm', async ({ backend }) => {
    await backend.close()
    await backend.close()
  })

  run()
}
