import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { countFiles } from '../../support/files.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { tamperRows } from '../../support/store-rows.ts'

const test = suite('s3api/sse/encrypted-buckets')

const put = (front: TestFrontEnd, target: string, body = 'content') =>
  front.send({ method: 'PUT', target, body })
const get = (front: TestFrontEnd, target: string) => front.send({ method: 'GET', target })
const defaultEncryption = `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>
  <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`

async function expectTampered(front: TestFrontEnd, target: string): Promise<void> {
  const { status, code, body } = await get(front, target)
  assert.equal({ status, code }, { status: 422, code: 'XMinioObjectTampered' })
  assert.not.match(body, 'planted')
  assert.is((await front.send({ method: 'HEAD', target })).status, 422)
  const copied = await front.send({
    method: 'PUT',
    target: '/bucket/copy',
    headers: { 'x-amz-copy-source': target },
  })
  assert.is(copied.code, 'XMinioObjectTampered')
}

test('an object of a bucket made under auto-encryption is refused when its envelope is stripped', () =>
  withFrontEnd({ config: { autoEncryption: true } }, async (front) => {
    await put(front, '/bucket', '')
    await put(front, '/bucket/key')
    assert.is((await get(front, '/bucket/key')).body, 'content')
    tamperRows(
      front.directory,
      'UPDATE objects SET envelope = NULL, modified_at_ms = 1000, size = 7, details = \'{"headers":{},"metadata":{}}\'',
    )
    tamperRows(front.directory, 'UPDATE streams SET body = ?', Buffer.from('planted'))
    await expectTampered(front, '/bucket/key')
  }))

test('a plain object planted beside encrypted ones is refused', () =>
  withFrontEnd({ config: { autoEncryption: true } }, async (front) => {
    await put(front, '/bucket', '')
    const bytes = Buffer.from('planted')
    const record = {
      size: bytes.length,
      etag: '0'.repeat(32),
      modifiedAtMs: 1000,
      headers: {},
      metadata: {},
      storageClass: 'STANDARD',
    }
    const data = { kind: 'bytes', bytes } as const
    await front.backend.putObject({ bucket: 'bucket', key: 'key', record, data, newVersionId: () => 'x' })
    await expectTampered(front, '/bucket/key')
  }))

test('what was plain before a bucket became encrypted stays readable, what comes after is encrypted', () => {
  let nowMs = Date.now()
  return withFrontEnd({ now: () => nowMs }, async (front) => {
    await put(front, '/bucket', '')
    await put(front, '/bucket/old', 'old content')
    const set = await front.send({ method: 'PUT', target: '/bucket?encryption', body: defaultEncryption })
    assert.is(set.status, 200)
    assert.is((await get(front, '/bucket/old')).body, 'old content')
    nowMs += 5 * 60_000
    const { headers } = await put(front, '/bucket/new')
    assert.is(headers['x-amz-server-side-encryption'], 'AES256')
    tamperRows(front.directory, "UPDATE objects SET envelope = NULL WHERE key = 'new'")
    await expectTampered(front, '/bucket/new')
    assert.is((await get(front, '/bucket/old')).body, 'old content')
  })
})

test('a bucket whose default encryption was removed takes plain objects again', () => {
  let nowMs = Date.now()
  return withFrontEnd({ now: () => nowMs }, async (front) => {
    await put(front, '/bucket', '')
    await front.send({ method: 'PUT', target: '/bucket?encryption', body: defaultEncryption })
    nowMs += 5 * 60_000
    await put(front, '/bucket/sealed')
    nowMs += 5 * 60_000
    assert.is((await front.send({ method: 'DELETE', target: '/bucket?encryption' })).status, 204)
    await put(front, '/bucket/plain')
    assert.is((await get(front, '/bucket/plain')).body, 'content')
    tamperRows(front.directory, "UPDATE objects SET envelope = NULL WHERE key = 'sealed'")
    await expectTampered(front, '/bucket/sealed')
  })
})

test('an upload that began in an encrypted bucket is refused when its envelope is stripped', () =>
  withFrontEnd({ config: { autoEncryption: true } }, async (front) => {
    await put(front, '/bucket', '')
    const created = await front.send({ method: 'POST', target: '/bucket/key?uploads=' })
    const uploadId = /<UploadId>([^<]*)/.exec(created.body)?.[1]
    tamperRows(front.directory, 'UPDATE uploads SET envelope = NULL')
    const part = await put(front, `/bucket/key?partNumber=1&uploadId=${uploadId}`)
    assert.is(part.code, 'XMinioObjectTampered')
  }))

test('a plain upload is not completed in a bucket that has become encrypted', () =>
  withFrontEnd({}, async (front) => {
    await put(front, '/bucket', '')
    const created = await front.send({ method: 'POST', target: '/bucket/key?uploads=' })
    const uploadId = /<UploadId>([^<]*)/.exec(created.body)?.[1]
    const { headers } = await put(front, `/bucket/key?partNumber=1&uploadId=${uploadId}`)
    await front.send({ method: 'PUT', target: '/bucket?encryption', body: defaultEncryption })
    const completed = await front.send({
      method: 'POST',
      target: `/bucket/key?uploadId=${uploadId}`,
      body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${headers.etag}</ETag></Part></CompleteMultipartUpload>`,
    })
    assert.equal([completed.status, completed.code], [409, 'OperationAborted'])
    assert.is((await get(front, '/bucket/key')).code, 'NoSuchKey')
  }))

test('a copy that is written while its bucket becomes encrypted is refused, and leaves nothing behind', () =>
  withFrontEnd({}, async (front) => {
    await put(front, '/bucket', '')
    await put(front, '/bucket/key', 'x'.repeat(300_000))
    const files = countFiles(`${front.directory}/.sealgate/data`)
    const stage = front.backend.stage.bind(front.backend)
    front.backend.stage = async (plan) => {
      await front.send({ method: 'PUT', target: '/bucket?encryption', body: defaultEncryption })
      return stage(plan)
    }
    const headers = { 'x-amz-copy-source': '/bucket/key', 'x-amz-checksum-algorithm': 'SHA256' }
    const copied = await front.send({ method: 'PUT', target: '/bucket/copy', headers })
    assert.is(copied.code, 'OperationAborted')
    assert.is((await get(front, '/bucket/copy')).code, 'NoSuchKey')
    assert.is(countFiles(`${front.directory}/.sealgate/data`), files)
  }))

test('a plain object or upload is not dated into a time when all were encrypted: the clock was set back', () => {
  let nowMs = Date.now()
  const setBackMs = 5 * 60_000
  return withFrontEnd({ now: () => nowMs }, async (front) => {
    await put(front, '/bucket', '')
    await front.send({ method: 'PUT', target: '/bucket?encryption', body: defaultEncryption })
    nowMs += 2 * setBackMs
    await front.send({ method: 'DELETE', target: '/bucket?encryption' })
    await put(front, '/bucket/source')
    nowMs -= setBackMs
    const copied = { 'x-amz-copy-source': '/bucket/source' }
    for (const request of [
      { method: 'PUT', target: '/bucket/key', body: 'content' },
      { method: 'PUT', target: '/bucket/key', headers: copied },
      { method: 'POST', target: '/bucket/key?uploads=' },
    ]) {
      const { status, body } = await front.send(request)
      assert.is(status, 503)
      assert.match(body, /clock/)
    }
    assert.is((await get(front, '/bucket/key')).code, 'NoSuchKey')
    const sealed = { 'x-amz-server-side-encryption': 'AES256' }
    const kept = await front.send({
      method: 'PUT',
      target: '/bucket/sealed',
      body: 'content',
      headers: sealed,
    })
    assert.is(kept.status, 200)
    assert.is((await get(front, '/bucket/sealed')).body, 'content')
    nowMs += setBackMs
    assert.is((await put(front, '/bucket/key')).status, 200)
    assert.is((await get(front, '/bucket/key')).body, 'content')
  })
})

test.run()
