import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startSlowClients } from '../../../bench/support/slow-clients.ts'
import { rootSigner, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { openRaw, type RawConnection } from '../../support/raw-http.ts'
import { beginUpload, signedHead, signedHeaders } from '../../support/raw-uploads.ts'
import { until } from '../../support/served.ts'

const test = suite('s3api/http/overload')

const mebibyte = 1024 * 1024

const head = (port: number, method: string, target: string, rest: { size?: number; more?: string } = {}) =>
  signedHead(port, method, target, { ...rest, by: rootSigner })

/** Uploads that have begun and wait for the rest of their bodies. */
async function beginUploads(port: number, count: number): Promise<RawConnection[]> {
  const uploads = await Promise.all(
    Array.from({ length: count }, (_, index) => beginUpload(port, `/bucket/${index}`, rootSigner)),
  )
  return uploads.map(({ connection }) => {
    connection.write('half')
    return connection
  })
}

const withBucket = (
  options: Parameters<typeof withFrontEnd>[0],
  work: (front: TestFrontEnd, port: number) => Promise<void>,
) =>
  withFrontEnd(options, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await work(front, front.frontEnd.port)
  })

test('one request too many is refused at once, and the others finish', () =>
  withBucket({ config: { requestsMax: 4 } }, async (front, port) => {
    const uploads = await beginUploads(port, 4)
    assert.is(await front.metric('sealgate_s3_in_flight'), 4)
    const refused = await front.send({ method: 'GET', target: '/bucket/0' })
    assert.equal([refused.status, refused.code, refused.headers['retry-after']], [503, 'SlowDown', '1'])
    assert.is(await front.metric('sealgate_s3_requests_refused_total{reason="places"}'), 1)
    assert.is(await front.metric('sealgate_s3_in_flight'), 4)
    for (const upload of uploads) upload.write('more')
    for (const upload of uploads) await upload.until(/200 OK/)
    for (const upload of uploads) upload.destroy()
    assert.is((await front.send({ method: 'GET', target: '/bucket/3' })).body, 'halfmore')
    assert.is(await front.metric('sealgate_s3_in_flight'), 0)
  }))

test('a connection whose request was refused can be used again', () =>
  withBucket({ config: { requestsMax: 1 } }, async (_front, port) => {
    const [upload] = await beginUploads(port, 1)
    const connection = openRaw(port)
    connection.write(head(port, 'HEAD', '/bucket'))
    await connection.until(/^HTTP\/1\.1 503 [\s\S]*\r\n\r\n$/)
    upload?.write('more')
    await upload?.until(/200 OK/)
    upload?.destroy()
    connection.write(head(port, 'HEAD', '/bucket'))
    await connection.until(/HTTP\/1\.1 200 OK/)
    connection.destroy()
  }))

test('a body that is refused holds no place, and its client reads why though it sends on', () =>
  withBucket({ config: { requestsMax: 1 } }, async (front, port) => {
    const [upload] = await beginUploads(port, 1)
    const refused = openRaw(port)
    refused.write(head(port, 'PUT', '/bucket/key', { size: 16 * mebibyte }))
    // The answer is there before the body is.
    await refused.until(/^HTTP\/1\.1 503 [\s\S]*<Code>SlowDown<\/Code>/)
    upload?.write('more')
    await upload?.until(/200 OK/)
    upload?.destroy()
    assert.is((await front.send({ method: 'GET', target: '/bucket/0' })).status, 200)
    refused.write(Buffer.alloc(16 * mebibyte))
    const answer = await refused.ended
    assert.match(answer, /\r\nConnection: close\r\n/)
    assert.match(answer, /<\/Error>$/)
  }))

test('what waits for a client that failed holds no place either', () =>
  withBucket({ config: { requestsMax: 1 } }, async (front, port) => {
    const unsigned = openRaw(port)
    unsigned.write('PUT /bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nbegun')
    await until(async () => (await front.metric('sealgate_s3_connections')) === 1)
    assert.is((await front.send({ method: 'HEAD', target: '/bucket' })).status, 200)
    unsigned.destroy()
    await unsigned.ended
  }))

test('one connection too many is closed as it comes, and counted', () =>
  withBucket({ config: { connectionsMax: 2 } }, async (front, port) => {
    const uploads = await beginUploads(port, 2)
    assert.is(await front.metric('sealgate_s3_connections'), 2)
    const dropped = openRaw(port)
    assert.is(await dropped.ended, '')
    assert.is(await front.metric('sealgate_s3_connections_dropped_total'), 1)
    for (const upload of uploads) upload.write('more')
    for (const upload of uploads) await upload.until(/200 OK/)
    for (const upload of uploads) upload.destroy()
    await until(async () => (await front.metric('sealgate_s3_connections')) === 0)
    assert.is((await front.send({ method: 'GET', target: '/bucket/1' })).body, 'halfmore')
  }))

test('documents that are on their way hold no more memory than all may, and give it back', () =>
  withBucket({ documentBytesMax: 256 * 1024 }, async (front, port) => {
    const md5 = { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' }
    const size = 200 * 1024
    const slow = openRaw(port)
    slow.write(head(port, 'POST', '/bucket?delete', { size, more: `content-md5: ${md5['content-md5']}\r\n` }))
    slow.write(Buffer.alloc(150 * 1024))
    const large = { method: 'POST', target: '/bucket?delete', body: Buffer.alloc(100 * 1024), headers: md5 }
    const code = async () => (await front.send(large)).code
    // Until it is all read.
    await until(async () => (await code()) === 'SlowDown')
    assert.ok((await front.metric('sealgate_s3_requests_refused_total{reason="documents"}')) > 0)
    const small = '<Tagging><TagSet></TagSet></Tagging>'
    assert.is((await front.send({ method: 'PUT', target: '/bucket?tagging', body: small })).status, 204)
    slow.write(Buffer.alloc(50 * 1024))
    await slow.until(/<Code>BadDigest<\/Code>/)
    slow.destroy()
    assert.is(await code(), 'BadDigest')
  }))

const slowCount = 50

/** Readers of a large object and writers of another, a few bytes at a time. */
function startSlow({ frontEnd: { port } }: TestFrontEnd) {
  const request = (method: string, target: string, bodySize: number) => {
    const { host: _, ...headers } = signedHeaders(port, method, target, rootSigner)
    return { method, path: target, headers, bodySize }
  }
  const job = { host: '127.0.0.1', port, connections: slowCount, stepSize: 10, stepMs: 50 }
  return [
    startSlowClients({ ...job, requests: [request('GET', '/bucket/large', 0)] }),
    startSlowClients({ ...job, requests: [request('PUT', '/bucket/slow', mebibyte)] }),
  ] as const
}

test('slow readers and writers keep no engine thread, and others are served', () =>
  withBucket({ config: { requestsMax: 2 * slowCount + 10 } }, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket/large', body: Buffer.alloc(16 * mebibyte) })
    const slow = startSlow(front)
    try {
      await Promise.all(slow.map((clients) => clients.until(({ begun }) => begun === slowCount)))
      await until(async () => (await front.metric('sealgate_engine_batches_in_flight')) === 0)
      await until(async () => (await front.metric('sealgate_s3_in_flight')) === 2 * slowCount)
      assert.is(await front.metric('sealgate_engine_batches_waiting'), 0)
      const body = Buffer.alloc(mebibyte, 'other')
      assert.is((await front.send({ method: 'PUT', target: '/bucket/other', body })).status, 200)
      assert.is((await front.send({ method: 'GET', target: '/bucket/other' })).body, body.toString())
    } finally {
      await Promise.all(slow.map((clients) => clients.stop()))
    }
    await until(async () => (await front.metric('sealgate_s3_in_flight')) === 0)
    assert.is(await front.metric('sealgate_engine_streams'), 0)
  }))

test('the minimum rate ends slow readers and writers, and leaves nothing of them', () =>
  withBucket(
    { config: { requestsMax: 2 * slowCount, bytesPerSecondMin: 1024 }, rateWindowMs: 500 },
    async (front) => {
      await front.send({ method: 'PUT', target: '/bucket/large', body: Buffer.alloc(16 * mebibyte) })
      const slow = startSlow(front)
      try {
        const { codes } = await slow[1].until((report) => report.codes.length === slowCount)
        assert.equal(new Set(codes), new Set(['RequestTimeout']))
        // The readers do not know it yet: what the system had taken for them still comes.
        await until(async () => (await front.metric('sealgate_s3_connections')) === 0)
      } finally {
        await Promise.all(slow.map((clients) => clients.stop()))
      }
      await until(async () => (await front.metric('sealgate_s3_in_flight')) === 0)
      assert.is(await front.metric('sealgate_engine_streams'), 0)
      assert.is((await front.send({ method: 'GET', target: '/bucket/slow' })).code, 'NoSuchKey')
    },
  ))

test('a client that never takes the end of an answer is ended as well', () =>
  withBucket({ config: { bytesPerSecondMin: 1024 }, rateWindowMs: 500 }, async (front, port) => {
    // Less than what one write hands to the socket, more than the system takes of it.
    await front.send({ method: 'PUT', target: '/bucket/large', body: Buffer.alloc(16 * mebibyte) })
    const connection = openRaw(port)
    connection.socket.pause()
    connection.write(head(port, 'GET', '/bucket/large'))
    await until(async () => (await front.metric('sealgate_s3_in_flight')) === 1)
    await until(async () => (await front.metric('sealgate_s3_in_flight')) === 0)
    connection.destroy()
    await connection.ended
  }))

test('requests that nobody waits for on a connection are left in the socket', () =>
  withBucket({ config: { requestsMax: 100 } }, async (front, port) => {
    await front.send({ method: 'PUT', target: '/bucket/large', body: Buffer.alloc(16 * mebibyte) })
    const connection = openRaw(port)
    connection.socket.pause()
    connection.write(head(port, 'GET', '/bucket/large'))
    await until(async () => (await front.metric('sealgate_s3_in_flight')) === 1)
    const count = 2_000
    const padding = `X-Padding: ${'x'.repeat(16 * 1024)}\r\n`
    const last = `HEAD /bucket HTTP/1.1\r\nHost: 127.0.0.1\r\n${padding}\r\n`
    let left = false
    connection.socket.write(last.repeat(count), () => {
      left = true
    })
    for (let round = 0; round < 20; round++) await front.send({ method: 'HEAD', target: '/bucket' })
    // 32 MiB are more than what the system's buffers hold.
    assert.is(left, false)
    assert.is(await front.metric('sealgate_s3_in_flight'), 1)
    connection.socket.resume()
    let answers = 0
    let rest = ''
    connection.socket.on('data', (bytes: Buffer) => {
      const text = rest + bytes.toString('latin1')
      answers += text.split('HTTP/1.1 403').length - 1
      rest = text.slice(-11)
    })
    await until(() => answers === count)
    connection.destroy()
    await sleep(0)
  }))

test.run()
