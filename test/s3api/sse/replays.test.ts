import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { tamperRows } from '../../support/store-rows.ts'

/** What was authentic once, and what somebody who can write the store's disk makes of it later. */

const test = suite('s3api/sse/replays')
const sse = { 'x-amz-server-side-encryption': 'AES256' }
/** One is kept in a row, the other in a file. */
const partSizes = [1_000, 100_000]

const withBucket = (work: (front: TestFrontEnd) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    assert.is((await front.send({ method: 'PUT', target: '/bucket' })).status, 200)
    await work(front)
  })

async function beginUpload(front: TestFrontEnd): Promise<string> {
  const { body } = await front.send({ method: 'POST', target: '/bucket/key?uploads=', headers: sse })
  return /<UploadId>([^<]*)/.exec(body)?.[1] ?? ''
}

async function putPart(front: TestFrontEnd, uploadId: string, body: Buffer): Promise<string> {
  const target = `/bucket/key?partNumber=1&uploadId=${uploadId}`
  const { status, headers } = await front.send({ method: 'PUT', target, body })
  assert.is(status, 200)
  return String(headers.etag)
}

async function complete(front: TestFrontEnd, uploadId: string, etag: string): Promise<void> {
  const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`
  const { status } = await front.send({
    method: 'POST',
    target: `/bucket/key?uploadId=${uploadId}`,
    body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
  })
  assert.is(status, 200)
}

/** The stored bytes of all that there is, by file, and the one part's that is in its row. */
function storedBytes({ directory }: TestFrontEnd) {
  const root = join(directory, '.sealgate', 'data')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
  const database = openDatabase(join(directory, '.sealgate', 'meta.sqlite'), { readOnly: true })
  try {
    const row = database.prepare('SELECT body FROM parts WHERE body IS NOT NULL').get()
    const inRow = row?.body instanceof Uint8Array ? row.body : undefined
    return { inRow, inFiles: new Map(files.map((path) => [path, readFileSync(path)])) }
  } finally {
    database.close()
  }
}

/** Puts the bytes of an earlier look in the place of all that came later. */
function putBack(front: TestFrontEnd, { inRow, inFiles }: ReturnType<typeof storedBytes>): void {
  const [earlier] = inFiles.values()
  for (const path of storedBytes(front).inFiles.keys()) {
    if (earlier !== undefined && !inFiles.has(path)) writeFileSync(path, earlier)
  }
  if (inRow !== undefined) tamperRows(front.directory, 'UPDATE streams SET body = ?', inRow)
}

async function expectTampered(front: TestFrontEnd, target: string): Promise<void> {
  for (const headers of [{}, { range: 'bytes=0-9' }, { range: 'bytes=-5' }]) {
    const { status, code } = await front.send({ method: 'GET', target, headers })
    assert.equal([status, code], [422, 'XMinioObjectTampered'], `${target} ${JSON.stringify(headers)}`)
  }
}

for (const size of partSizes) {
  const [old, sent] = [Buffer.alloc(size, 'old'), Buffer.alloc(size, 'sent')]

  test(`a part of ${size} bytes that was sent before is not read in the place of the one that was completed`, () =>
    withBucket(async (front) => {
      const uploadId = await beginUpload(front)
      await putPart(front, uploadId, old)
      const earlier = storedBytes(front)
      await complete(front, uploadId, await putPart(front, uploadId, sent))
      assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).body, sent.toString())
      const headers = { ...sse, 'x-amz-copy-source': 'bucket/key' }
      assert.is((await front.send({ method: 'PUT', target: '/bucket/copy', headers })).status, 200)
      assert.is((await front.send({ method: 'GET', target: '/bucket/copy' })).body, sent.toString())
      putBack(front, earlier)
      await expectTampered(front, '/bucket/key')
      await expectTampered(front, '/bucket/copy')
    }))

  test(`a part of ${size} bytes that was sent before and is put back before the completion is not read either`, () =>
    withBucket(async (front) => {
      const uploadId = await beginUpload(front)
      await putPart(front, uploadId, old)
      const earlier = storedBytes(front)
      const etag = await putPart(front, uploadId, sent)
      if (earlier.inRow !== undefined) tamperRows(front.directory, 'UPDATE parts SET body = ?', earlier.inRow)
      else putBack(front, earlier)
      await complete(front, uploadId, etag)
      await expectTampered(front, '/bucket/key')
    }))
}

test('the envelope of a running upload is not that of an empty object', () =>
  withBucket(async (front) => {
    await beginUpload(front)
    await front.send({ method: 'PUT', target: '/bucket/key', headers: sse, body: 'content' })
    tamperRows(
      front.directory,
      `UPDATE objects SET size = 0, etag = '',
         details = json_set(details, '$.parts', json('[]')),
         modified_at_ms = (SELECT details ->> '$.initiatedAtMs' FROM uploads),
         envelope = (SELECT envelope FROM uploads)`,
    )
    const { status, code } = await front.send({ method: 'GET', target: '/bucket/key' })
    assert.equal([status, code], [422, 'XMinioObjectTampered'])
    assert.is((await front.send({ method: 'HEAD', target: '/bucket/key' })).status, 422)
  }))

test.run()
