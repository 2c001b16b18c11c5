import { randomBytes } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { Backend, UploadPage, UploadRecord } from '../../../s3api/backends/backend.ts'
import { compareUtf8 } from '../../support/listing-model.ts'
import { bucket, facts, type Open, putPart, rejectsWith, startUpload, uploadOf } from './fixture.ts'

const everything = { prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', limit: 1000 }

export function uploadContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'uploads', open)

  fact('an upload comes back with every member, also after a restart', async (bench) => {
    const members: Partial<UploadRecord> = {
      checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' },
      envelope: new Uint8Array(randomBytes(200)),
      storageClass: bench.limits?.storageClass ?? 'GLACIER',
    }
    const uploadId = await bench.backend.createUpload(uploadOf('a key/ü', members))
    assert.match(uploadId, /^[A-Za-z0-9_.~-]+$/)
    for (const backendOf of [async () => bench.backend, bench.reopen]) {
      const backend = await backendOf()
      const upload = await backend.getUpload(bucket, 'a key/ü', uploadId)
      assert.equal(normal(upload), normal({ ...uploadOf('a key/ü', members), uploadId }))
    }
  })

  fact('an upload is found under its own bucket and key only', async (bench) => {
    const { backend } = bench
    await backend.createBucket('other')
    const { uploadId } = await startUpload(bench, 'key')
    for (const [otherBucket, key, id] of [
      [bucket, 'key2', uploadId],
      ['other', 'key', uploadId],
      [bucket, 'key', `${uploadId}x`],
      [bucket, 'key', ''],
      [bucket, 'key', "' OR 1=1"],
    ] as const) {
      await rejectsWith('no-such-upload', backend.getUpload(otherBucket, key, id))
      await rejectsWith('no-such-upload', backend.abortUpload(otherBucket, key, id))
    }
    assert.is((await backend.getUpload(bucket, 'key', uploadId)).uploadId, uploadId)
  })

  fact('an aborted upload is gone with its parts, once', async (bench) => {
    const { backend } = bench
    const upload = await startUpload(bench, 'key')
    await putPart(bench, upload, 1, randomBytes(300_000))
    await putPart(bench, upload, 2, randomBytes(10), { inline: true })
    await backend.abortUpload(bucket, 'key', upload.uploadId)
    await rejectsWith('no-such-upload', backend.abortUpload(bucket, 'key', upload.uploadId))
    await rejectsWith('no-such-upload', backend.getUpload(bucket, 'key', upload.uploadId))
    assert.equal((await backend.listUploads(bucket, everything)).entries, [])
    assert.equal(await bench.garbage(), [])
  })

  fact('an upload is no object', async (bench) => {
    const upload = await startUpload(bench, 'key')
    await putPart(bench, upload, 1, Buffer.from('x'))
    await rejectsWith('no-such-key', bench.backend.getObject(bucket, 'key'))
    const { entries } = await bench.backend.listObjects(bucket, {
      prefix: '',
      delimiter: '',
      startAfter: '',
      limit: 10,
    })
    assert.equal(entries, [])
  })

  fact('running uploads do not keep a bucket, and go with it', async (bench) => {
    const { backend, limits } = bench
    const upload = await startUpload(bench, 'key')
    await putPart(bench, upload, 1, randomBytes(300_000))
    await backend.deleteBucket(bucket)
    await backend.createBucket(bucket)
    await rejectsWith('no-such-upload', backend.getUpload(bucket, 'key', upload.uploadId))
    if (limits?.listsUploadsPoorly !== true) {
      assert.equal((await backend.listUploads(bucket, everything)).entries, [])
    }
    assert.equal(await bench.garbage(), [])
  })

  fact('uploads are listed by key, then by id, in pages of any size', async (bench) => {
    const { backend, limits } = bench
    if (limits?.listsUploadsPoorly === true) return
    const keys = ['a', 'a', 'a', 'b/1', 'b/1', 'b/2', 'c', '😀', '\uffff', '\ue000']
    const made: UploadRecord[] = []
    for (const key of keys) made.push(await startUpload(bench, key))
    const sorted = made
      .sort((a, b) => compareUtf8(a.key, b.key) || compareUtf8(a.uploadId, b.uploadId))
      .map(({ key, uploadId }) => `${key}:${uploadId}`)
    for (const limit of [1, 2, 3, 1000]) {
      assert.equal(await allUploads(backend, { ...everything, limit }), sorted)
      const below = sorted.filter((entry) => entry.startsWith('b/'))
      assert.equal(await allUploads(backend, { ...everything, prefix: 'b/', limit }), below)
    }
    const afterA = await backend.listUploads(bucket, { ...everything, keyMarker: 'a' })
    assert.equal(names(afterA), sorted.slice(3))
    assert.equal(await backend.listUploads(bucket, { ...everything, limit: 0 }), {
      entries: [],
      truncated: false,
    })
  })

  fact('uploads below a common prefix fold into it', async (bench) => {
    if (bench.limits?.listsUploadsPoorly === true || bench.limits?.hidesUploadPrefixes === true) return
    for (const key of ['a/1', 'a/1', 'a/2', 'b', 'c/1']) await startUpload(bench, key)
    const [folded] = [await bench.backend.listUploads(bucket, { ...everything, delimiter: '/' })]
    assert.equal(
      folded.entries.map((entry) => (entry.kind === 'prefix' ? entry.prefix : entry.upload.key)),
      ['a/', 'b', 'c/'],
    )
    for (const limit of [1, 2]) {
      const seen: string[] = []
      let keyMarker = ''
      let uploadIdMarker = ''
      for (;;) {
        const page = await bench.backend.listUploads(bucket, {
          ...everything,
          delimiter: '/',
          keyMarker,
          uploadIdMarker,
          limit,
        })
        for (const entry of page.entries) {
          seen.push(entry.kind === 'prefix' ? entry.prefix : entry.upload.key)
          keyMarker = entry.kind === 'prefix' ? entry.prefix : entry.upload.key
          uploadIdMarker = entry.kind === 'prefix' ? '' : entry.upload.uploadId
        }
        if (!page.truncated) break
      }
      assert.equal(seen, ['a/', 'b', 'c/'])
    }
  })

  run()
}

type Query = typeof everything

async function allUploads(backend: Backend, query: Query): Promise<string[]> {
  const seen: string[] = []
  let markers = { keyMarker: '', uploadIdMarker: '' }
  for (;;) {
    const page = await backend.listUploads(bucket, { ...query, ...markers })
    assert.ok(page.entries.length <= query.limit)
    seen.push(...names(page))
    const last = page.entries.at(-1)
    if (!page.truncated || last?.kind !== 'upload') return seen
    markers = { keyMarker: last.upload.key, uploadIdMarker: last.upload.uploadId }
  }
}

function names({ entries }: UploadPage): string[] {
  return entries.map((entry) =>
    entry.kind === 'prefix' ? entry.prefix : `${entry.upload.key}:${entry.upload.uploadId}`,
  )
}

function normal({ envelope, ...rest }: UploadRecord) {
  return { ...rest, envelope: envelope && Buffer.from(envelope).toString('hex') }
}
