import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rootSigner, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { openRaw } from '../../support/raw-http.ts'
import { signRequest } from '../../support/signed-request.ts'
import { tamperRows } from '../../support/store-rows.ts'

/** What somebody who can write the store's disk may do, and what a client then sees: an error, and never changed content. */

const test = suite('s3api/sse/tampering')

const marker = 'THIS-IS-PLAINTEXT'
const sse = { 'x-amz-server-side-encryption': 'AES256' }
const packageSize = 65_536 + 32
const small = Buffer.from(`${marker} small`)
const large = Buffer.alloc(5 * 65_536 + 100, marker)

/** Objects that have been read, so that their keys and records are kept: what is read again is checked all the same. */
const withSealed = (work: (front: TestFrontEnd) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    for (const [name, body] of [
      ['small', small],
      ['large', large],
    ] as const) {
      const headers = { ...sse, 'content-type': 'text/plain', 'x-amz-meta-color': 'blue' }
      assert.is((await front.send({ method: 'PUT', target: `/bucket/${name}`, headers, body })).status, 200)
      for (let time = 0; time < 3; time++) {
        assert.is((await front.send({ method: 'GET', target: `/bucket/${name}` })).status, 200)
      }
    }
    await work(front)
  })

/** Everything that reads the object has to refuse it. */
async function expectTampered(front: TestFrontEnd, name: string, what: string): Promise<void> {
  const target = `/bucket/${name}`
  for (const headers of [{}, { range: 'bytes=0-9' }, { range: 'bytes=-5' }]) {
    const { status, code, body } = await front.send({ method: 'GET', target, headers })
    assert.equal([status, code], [422, 'XMinioObjectTampered'], `${what}: GET ${JSON.stringify(headers)}`)
    assert.not.match(body, marker)
  }
}

async function expectRecordTampered(front: TestFrontEnd, name: string, what: string): Promise<void> {
  await expectTampered(front, name, what)
  const head = await front.send({ method: 'HEAD', target: `/bucket/${name}` })
  assert.is(head.status, 422, what)
  const copy = await front.send({
    method: 'PUT',
    target: '/bucket/copy',
    headers: { 'x-amz-copy-source': `bucket/${name}`, ...sse },
  })
  assert.is(copy.code, 'XMinioObjectTampered', what)
}

function dataFiles({ directory }: TestFrontEnd): string[] {
  const root = join(directory, '.sealgate', 'data')
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
}

test('no plaintext and no user metadata of an object’s body stands in any file', () =>
  withSealed(async (front) => {
    const created = await front.send({ method: 'POST', target: '/bucket/parts?uploads=', headers: sse })
    const uploadId = /<UploadId>([^<]*)/.exec(created.body)?.[1]
    await front.send({
      method: 'PUT',
      target: `/bucket/parts?partNumber=1&uploadId=${uploadId}`,
      body: large,
    })
    const files = readdirSync(front.directory, { recursive: true, encoding: 'utf8' })
      .map((name) => join(front.directory, name))
      .filter((path) => statSync(path).isFile())
    assert.ok(files.length >= 4)
    for (const file of files) assert.not.ok(readFileSync(file).includes(marker), file)
  }))

for (const [column, value] of [
  ['size', 5],
  ['etag', "'00000000000000000000000000000000'"],
  ['modified_at_ms', 1000],
  ['storage_class', "'GLACIER'"],
  ['checksum', '\'{"algorithm":"CRC32","type":"FULL_OBJECT","value":"AAAAAA=="}\''],
  ['details', "replace(details, 'blue', 'grey')"],
  ['details', "replace(details, 'text/plain', 'text/html')"],
  ['details', 'replace(details, \'"metadata"\', \'"parts":[{"number":1,"size":3}],"metadata"\')'],
] as const) {
  test(`a row whose ${column} became ${value} is refused`, () =>
    withSealed(async (front) => {
      tamperRows(front.directory, `UPDATE objects SET ${column} = ${value} WHERE key = 'small'`)
      await expectRecordTampered(front, 'small', column)
      assert.is((await front.send({ method: 'GET', target: '/bucket/large' })).status, 200)
    }))
}

test('a changed byte anywhere in an envelope is refused', () =>
  withSealed(async (front) => {
    const { record } = await front.backend.getObject('bucket', 'small')
    const envelope = Buffer.from(record.envelope ?? '')
    assert.ok(envelope.length > 100)
    for (let at = 0; at < envelope.length; at++) {
      const changed = Buffer.from(envelope)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      tamperRows(front.directory, "UPDATE objects SET envelope = ? WHERE key = 'small'", changed)
      const { status, body } = await front.send({ method: 'GET', target: '/bucket/small' })
      // A key service that is asked for another key, or with another sealed key, refuses on its own.
      assert.ok(status >= 400 && status < 500, `byte ${at}: ${status} ${body}`)
      assert.not.match(body, marker)
    }
    for (const cut of [0, 1, 31, 32, 33, envelope.length - 1]) {
      tamperRows(
        front.directory,
        "UPDATE objects SET envelope = ? WHERE key = 'small'",
        envelope.subarray(0, cut),
      )
      await expectRecordTampered(front, 'small', `envelope of ${cut} bytes`)
    }
  }))

test('an object’s row under another name is refused', () =>
  withSealed(async (front) => {
    tamperRows(front.directory, "UPDATE objects SET key = 'other' WHERE key = 'small'")
    const { status } = await front.send({ method: 'GET', target: '/bucket/other' })
    assert.ok(status === 422 || status === 403, String(status))
  }))

test('two objects whose data were exchanged are refused', () =>
  withSealed(async (front) => {
    const body = Buffer.alloc(large.length, 'another')
    await front.send({ method: 'PUT', target: '/bucket/twin', headers: sse, body })
    const [one = '', two = ''] = dataFiles(front)
    const [first, second] = [readFileSync(one), readFileSync(two)]
    assert.is(first.length, second.length)
    writeFileSync(one, second)
    writeFileSync(two, first)
    await expectTampered(front, 'large', 'exchanged')
    await expectTampered(front, 'twin', 'exchanged')
  }))

test('a data file that was cut or grew is refused at once', () =>
  withSealed(async (front) => {
    const [file = ''] = dataFiles(front)
    const bytes = readFileSync(file)
    for (const size of [0, 1, packageSize, 5 * packageSize, bytes.length - 1]) {
      writeFileSync(file, bytes)
      truncateSync(file, size)
      await expectTampered(front, 'large', `cut to ${size}`)
    }
    writeFileSync(file, Buffer.concat([bytes, bytes.subarray(0, 1)]))
    await expectTampered(front, 'large', 'grown')
    writeFileSync(file, bytes)
    assert.is((await front.send({ method: 'GET', target: '/bucket/large' })).body, large.toString())
  }))

test('a changed byte of the first package is refused before anything is sent', () =>
  withSealed(async (front) => {
    const [file = ''] = dataFiles(front)
    const bytes = readFileSync(file)
    for (const at of [0, 1, 2, 4, 15, 16, 1000, packageSize - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      writeFileSync(file, changed)
      const { status, body } = await front.send({ method: 'GET', target: '/bucket/large' })
      assert.equal([status, body.includes(marker)], [422, false], `byte ${at}`)
    }
  }))

test('a changed byte of a later package ends the response before it, and never with an end', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const body = randomBytes(40 * 65_536)
    await front.send({ method: 'PUT', target: '/bucket/key', headers: sse, body })
    const [file = ''] = dataFiles(front)
    const bytes = readFileSync(file)
    const at = 30 * packageSize + 100
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(file, bytes)
    const { port } = front.frontEnd
    const connection = openRaw(port)
    const headers = signRequest(
      {
        method: 'GET',
        target: '/bucket/key',
        headers: { host: `127.0.0.1:${port}`, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      },
      rootSigner,
    )
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    connection.write(`GET /bucket/key HTTP/1.1\r\n${lines.join('')}\r\n`)
    const answer = Buffer.from(await connection.ended, 'latin1')
    const data = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    assert.ok(data.length <= 30 * 65_536, `${data.length} bytes came`)
    assert.ok(body.subarray(0, data.length).equals(data))
    // A range that lies elsewhere is not affected.
    const before = await front.send({
      method: 'GET',
      target: '/bucket/key',
      headers: { range: 'bytes=0-99' },
    })
    assert.is(before.status, 206)
    const there = { range: `bytes=${30 * 65_536}-${30 * 65_536 + 9}` }
    assert.is((await front.send({ method: 'GET', target: '/bucket/key', headers: there })).status, 422)
  }))

test('parts that were exchanged or whose record was changed are refused when the upload is completed', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const created = await front.send({ method: 'POST', target: '/bucket/key?uploads=', headers: sse })
    const uploadId = /<UploadId>([^<]*)/.exec(created.body)?.[1]
    const etags: string[] = []
    for (const [index, size] of [5 * 1024 * 1024, 100].entries()) {
      const target = `/bucket/key?partNumber=${index + 1}&uploadId=${uploadId}`
      const { headers } = await front.send({ method: 'PUT', target, body: Buffer.alloc(size, marker) })
      etags.push(String(headers.etag))
    }
    const complete = () =>
      front.send({
        method: 'POST',
        target: `/bucket/key?uploadId=${uploadId}`,
        body: `<CompleteMultipartUpload>${etags
          .map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
          .join('')}</CompleteMultipartUpload>`,
      })
    tamperRows(front.directory, 'UPDATE parts SET mac = NULL WHERE number = 2')
    assert.is((await complete()).code, 'XMinioObjectTampered')
    tamperRows(
      front.directory,
      'UPDATE parts SET mac = (SELECT mac FROM parts WHERE number = 1) WHERE number = 2',
    )
    assert.is((await complete()).code, 'XMinioObjectTampered')
    tamperRows(front.directory, "UPDATE uploads SET details = replace(details, 'STANDARD', 'GLACIER')")
    assert.is((await complete()).code, 'XMinioObjectTampered')
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).code, 'NoSuchKey')
  }))

test('streams of a multipart object that were exchanged are refused', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const created = await front.send({ method: 'POST', target: '/bucket/key?uploads=', headers: sse })
    const uploadId = /<UploadId>([^<]*)/.exec(created.body)?.[1]
    const size = 5 * 1024 * 1024
    const parts: string[] = []
    for (const number of [1, 2]) {
      const target = `/bucket/key?partNumber=${number}&uploadId=${uploadId}`
      const { headers } = await front.send({
        method: 'PUT',
        target,
        body: Buffer.alloc(size, String(number)),
      })
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${headers.etag}</ETag></Part>`)
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    assert.is(
      (await front.send({ method: 'POST', target: `/bucket/key?uploadId=${uploadId}`, body })).status,
      200,
    )
    tamperRows(front.directory, 'UPDATE streams SET position = 1 - position + 10')
    tamperRows(front.directory, 'UPDATE streams SET position = position - 10')
    await expectTampered(front, 'key', 'exchanged parts')
  }))

test.run()
