import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { countFiles, openFilesBelow } from '../../support/files.ts'
import { rootSigner, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { exchangeRaw, openRaw } from '../../support/raw-http.ts'
import { until } from '../../support/served.ts'
import { signRequest } from '../../support/signed-request.ts'

const test = suite('s3api/http/requests')

const withBucket = (work: (front: TestFrontEnd, port: number) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await work(front, front.frontEnd.port)
  })

/** Head of a request with a right signature and a body of so many bytes. */
function head(
  port: number,
  method: string,
  target: string,
  { size = 0, sha256 = 'UNSIGNED-PAYLOAD', more = '' } = {},
): string {
  const headers = signRequest(
    { method, target, headers: { host: `127.0.0.1:${port}`, 'x-amz-content-sha256': sha256 } },
    rootSigner,
  )
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}content-length: ${size}\r\n${more}\r\n`
}

test('100 Continue comes when the body is wanted, and not when the request is refused', () =>
  withBucket(async (front, port) => {
    const expect = 'Expect: 100-continue\r\n'
    const accepted = openRaw(port)
    accepted.write(head(port, 'PUT', '/bucket/key', { size: 7, more: expect }))
    await accepted.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    accepted.write('content')
    await accepted.until(/HTTP\/1\.1 200 OK/)
    accepted.destroy()
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).body, 'content')
    for (const [target, code] of [
      ['/gone/key', 'NoSuchBucket'],
      ['/bucket/key?versioning', 'NotImplemented'],
    ] as const) {
      const answer = await exchangeRaw(port, head(port, 'PUT', target, { size: 7, more: expect }))
      assert.not.match(answer, '100 Continue')
      assert.match(answer, `<Code>${code}</Code>`)
      assert.match(answer, /connection: close/i)
    }
    const unsigned = await exchangeRaw(
      port,
      `PUT /bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 7\r\n${expect}\r\n`,
    )
    assert.match(unsigned, /^HTTP\/1\.1 403 /)
  }))

test('a client that vanishes in the middle of a PUT leaves nothing behind', () =>
  withBucket(async (front, port) => {
    await front.send({ method: 'PUT', target: '/bucket/key', body: 'old' })
    for (const sent of [0, 1, 100_000, 5_000_000]) {
      const connection = openRaw(port)
      connection.write(head(port, 'PUT', '/bucket/key', { size: 8_000_000 }))
      connection.write(Buffer.alloc(sent))
      // The server is in the middle of the body, wherever that is.
      await sleep(50)
      connection.destroy()
      await connection.ended
    }
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).body, 'old')
    await expectIdle(front)
    await until(() => dataFilesOf(front) === 0)
  }))

test('a client that vanishes in the middle of a GET holds nothing', () =>
  withBucket(async (front, port) => {
    const body = Buffer.alloc(20_000_000, 'x')
    await front.send({ method: 'PUT', target: '/bucket/key', body })
    for (let round = 0; round < 5; round++) {
      const connection = openRaw(port)
      connection.write(head(port, 'GET', '/bucket/key'))
      await connection.until(/\r\n\r\nx/)
      connection.destroy()
      await connection.ended
    }
    await expectIdle(front)
    const { body: got } = await front.send({ method: 'GET', target: '/bucket/key' })
    assert.is(got.length, body.length)
  }))

test('a body that is shorter or longer than announced is not stored', () =>
  withBucket(async (front, port) => {
    const short = openRaw(port)
    short.write(head(port, 'PUT', '/bucket/key', { size: 10 }))
    short.write('12345')
    short.socket.end()
    await short.ended
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).code, 'NoSuchKey')
  }))

test('what is not HTTP gets an S3 error, or its connection ended', () =>
  withBucket(async (_front, port) => {
    assert.match(await exchangeRaw(port, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 .*<Code>InvalidRequest<\/Code>/s)
    const big = await exchangeRaw(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(40_000)}\r\n\r\n`)
    assert.match(big, /^HTTP\/1\.1 400 .*<Code>RequestHeaderSectionTooLarge<\/Code>/s)
  }))

test('nonsense behind a request does not get into its response', () =>
  withBucket(async (front, port) => {
    const body = Buffer.alloc(8_000_000, 'x')
    await front.send({ method: 'PUT', target: '/bucket/key', body })
    const connection = openRaw(port)
    connection.write(head(port, 'GET', '/bucket/key'))
    await connection.until(/\r\n\r\nx/)
    connection.write('nonsense\r\n\r\n')
    const answer = await connection.ended
    assert.match(answer.slice(answer.indexOf('\r\n\r\n') + 4), /^x*$/)
  }))

test('a whole request gets its own answer, whatever comes behind it', () =>
  withBucket(async (front, port) => {
    const answer = await exchangeRaw(port, `${head(port, 'PUT', '/bucket/key', { size: 2 })}bar`)
    assert.match(answer, /^HTTP\/1\.1 200 OK/)
    assert.is(answer.match(/HTTP\/1\.1/g)?.length, 1)
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).body, 'ba')
  }))

test('errors of HEAD have a status and no body', () =>
  withBucket(async (_front, port) => {
    for (const [target, status] of [
      ['/bucket/gone', 404],
      ['/gone', 404],
      ['/bucket/gone?uploadId=x', 501],
    ] as const) {
      const answer = await exchangeRaw(port, head(port, 'HEAD', target, { more: 'Connection: close\r\n' }))
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.ok(answer.endsWith('\r\n\r\n'), answer)
    }
  }))

test('several requests on one connection are answered in order', () =>
  withBucket(async (_front, port) => {
    const body = 'content'
    const sha256 = createHash('sha256').update(body).digest('hex')
    const put = head(port, 'PUT', '/bucket/key', { size: body.length, sha256 })
    const answers = await exchangeRaw(
      port,
      put + body,
      head(port, 'GET', '/bucket/key'),
      head(port, 'DELETE', '/bucket/key', { more: 'Connection: close\r\n' }),
    )
    assert.equal(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 204'])
    assert.match(answers, '\r\n\r\ncontentHTTP/1.1 204')
  }))

test('more requests at once than allowed are told to slow down', () =>
  withFrontEnd({ config: { requestsMax: 1 } }, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const { port } = front.frontEnd
    const waiting = openRaw(port)
    waiting.write(head(port, 'PUT', '/bucket/key', { size: 4, more: 'Expect: 100-continue\r\n' }))
    await waiting.until(/100 Continue/)
    const refused = await front.send({ method: 'GET', target: '/bucket/key' })
    assert.equal([refused.status, refused.code, refused.headers['retry-after']], [503, 'SlowDown', '1'])
    waiting.write('body')
    await waiting.until(/200 OK/)
    waiting.destroy()
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' })).body, 'body')
  }))

/** Waits until no request is under way and no file of the store is open. */
async function expectIdle(front: TestFrontEnd): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const dataDirectory = `${front.directory}/.sealgate/data`
    if ((openFilesBelow(dataDirectory) ?? 0) === 0) return
    await sleep(50)
  }
  throw new Error('data files are still open')
}

function dataFilesOf({ directory }: TestFrontEnd): number {
  return countFiles(`${directory}/.sealgate/data`)
}

test.run()
