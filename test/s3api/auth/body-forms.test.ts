import { createHash, createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ByteReader } from '../../../s3api/auth/byte-reader.ts'
import type { S3Error } from '../../../s3api/errors.ts'
import { rootSigner, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { openRaw } from '../../support/raw-http.ts'
import { signRequest } from '../../support/signed-request.ts'

const test = suite('s3api/auth/body-forms')

const content = 'hello chunked world'
/** CRC32 of the content, base64. */
const crc32 = crc32Of(content)
const target = '/bucket/key'

const withObject = (work: (front: TestFrontEnd) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await front.send({ method: 'PUT', target, body: 'old' })
    await work(front)
  })
const read = async (front: TestFrontEnd) => (await front.send({ method: 'GET', target })).body

/** Unsigned chunks with a trailer, as SDKs send them over TLS. */
const unsigned = (
  body: string,
  headers: Record<string, string> = {},
): Parameters<TestFrontEnd['send']>[0] => ({
  method: 'PUT',
  target,
  headers: {
    'content-encoding': 'aws-chunked',
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-decoded-content-length': String(content.length),
    'x-amz-trailer': 'x-amz-checksum-crc32',
    ...headers,
  },
  body,
})
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const trailer = (value: string) => `0\r\nx-amz-checksum-crc32:${value}\r\n\r\n`

test('unsigned chunks with a right trailer are stored, without their transfer form', () =>
  withObject(async (front) => {
    const body = chunk(content.slice(0, 5)) + chunk(content.slice(5)) + trailer(crc32)
    const { status, headers } = await front.send(unsigned(body, { 'content-encoding': 'aws-chunked,gzip' }))
    assert.equal([status, headers['x-amz-checksum-crc32']], [200, crc32])
    const got = await front.send({ method: 'GET', target })
    assert.equal([got.body, got.headers['content-encoding']], [content, 'gzip'])
  }))

test('a trailer that ends in LF alone, with an empty line more behind it, is taken, as minio-go sends it', () =>
  withObject(async (front) => {
    const end = `0\r\nx-amz-checksum-crc32:${crc32}\n\r\n\r\n`
    const { status, headers } = await front.send(unsigned(chunk(content) + end))
    assert.equal([status, headers['x-amz-checksum-crc32']], [200, crc32])
    assert.is(await read(front), content)
    const wrong = await front.send(unsigned(chunk(content) + end.replace(crc32, 'AAAAAA==')))
    assert.equal([wrong.status, wrong.code], [400, 'BadDigest'])
    const more = await front.send(unsigned(`${chunk(content) + end}\r\n`))
    assert.equal([more.status, more.code], [400, 'InvalidRequest'])
  }))

test('chunks that are not what they say are refused, and nothing is stored', () =>
  withObject(async (front) => {
    const whole = chunk(content)
    for (const [title, request, code] of [
      ['a wrong checksum', unsigned(whole + trailer('AAAAAA==')), 'BadDigest'],
      ['a checksum that is none', unsigned(whole + trailer('AAAA')), 'BadDigest'],
      ['no trailer', unsigned(`${whole}0\r\n\r\n`), 'IncompleteBody'],
      ['another trailer', unsigned(`${whole}0\r\nx-amz-checksum-sha1:x\r\n\r\n`), 'IncompleteBody'],
      [
        'the same trailer twice',
        unsigned(`${whole}0\r\n${`x-amz-checksum-crc32:${crc32}\r\n`.repeat(2)}\r\n`),
        'InvalidRequest',
      ],
      ['fewer bytes than announced', unsigned(chunk(content.slice(1)) + trailer(crc32)), 'IncompleteBody'],
      ['more bytes than announced', unsigned(chunk(`${content}!`) + trailer(crc32)), 'InvalidRequest'],
      ['no last chunk', unsigned(whole), 'IncompleteBody'],
      ['a size that is none', unsigned(`x\r\n${content}\r\n${trailer(crc32)}`), 'InvalidRequest'],
      ['a negative size', unsigned(`-1\r\n${content}\r\n${trailer(crc32)}`), 'InvalidRequest'],
      ['a chunk longer than its size', unsigned(`3\r\n${content}\r\n${trailer(crc32)}`), 'InvalidRequest'],
      ['lines without CR', unsigned((whole + trailer(crc32)).replaceAll('\r', '')), 'InvalidRequest'],
      ['bytes behind its end', unsigned(`${whole}${trailer(crc32)}more`), 'InvalidRequest'],
      [
        'a trailer of no checksum',
        unsigned(whole + trailer(crc32), { 'x-amz-trailer': 'x-amz-meta-a' }),
        'InvalidRequest',
      ],
      [
        'a decoded length that is none',
        unsigned(whole + trailer(crc32), { 'x-amz-decoded-content-length': '-5' }),
        'InvalidArgument',
      ],
    ] as const) {
      const answer = await front.send(request)
      assert.equal([answer.status >= 400 && answer.status < 500, answer.code], [true, code], title)
      assert.is(await read(front), 'old', title)
    }
  }))

test('a body of chunks that cost more than their bytes is refused, and small chunks in between are not', () =>
  withObject(async (front) => {
    const sized = (texts: readonly string[]) => ({
      ...unsigned(`${texts.map(chunk).join('')}0\r\n\r\n`),
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(texts.join('').length),
      },
    })
    const tiny = await front.send(sized(Array.from({ length: 1001 }, () => 'a')))
    assert.equal([tiny.status, tiny.code], [400, 'InvalidChunkSizeError'])
    assert.is(await read(front), 'old')
    for (const texts of [
      Array.from({ length: 1000 }, () => 'a'),
      Array.from({ length: 3000 }, (_, index) => (index % 2 === 0 ? 'a' : 'b'.repeat(2000))),
    ]) {
      assert.is((await front.send(sized(texts))).status, 200)
      assert.is(await read(front), texts.join(''))
    }
  }))

test('the lines of a body are read in one piece, and only as long as they may be', async () => {
  let reads = 0
  async function* source() {
    for (const text of ['one\r\ntwo', '\r', '\nthree\r\n', '\r\nbare\nbare\nlo', 'ng'.repeat(50_000)]) {
      reads++
      yield Buffer.from(text)
    }
  }
  const reader = new ByteReader(source())
  assert.equal([await reader.line(4), reads], ['one', 1])
  assert.equal([await reader.line(4), reads], ['two', 3])
  assert.equal([await reader.line(6), reads], ['three', 3])
  assert.equal([await reader.line(1), reads], ['', 4])
  assert.is(await reader.line(4, { bareLineFeed: true }), 'bare')
  const refused = async () => (await reader.line(10).catch((error: unknown) => error)) as S3Error
  assert.match((await refused()).message, 'does not end in CR LF')
  assert.match((await refused()).message, 'too long')
})

/** Head and body of a request with signed chunks; `spoil` changes the body. */
function signedChunks(port: number, spoil: (body: string) => string = (body) => body): string {
  const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  const headers = signRequest(
    {
      method: 'PUT',
      target,
      headers: {
        host: `127.0.0.1:${port}`,
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': payload,
        'x-amz-decoded-content-length': String(content.length),
      },
    },
    rootSigner,
  )
  const time = headers['x-amz-date'] ?? ''
  const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const key = ['us-east-1', 's3', 'aws4_request'].reduce(
    hmac,
    hmac(`AWS4${rootSigner.secretKey}`, time.slice(0, 8)),
  )
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  let signature = /Signature=([0-9a-f]{64})/.exec(headers.authorization ?? '')?.[1] ?? ''
  const body = [content.slice(0, 10), content.slice(10), '']
    .map((text) => {
      const lines = ['AWS4-HMAC-SHA256-PAYLOAD', time, scope, signature, sha256(''), sha256(text)]
      signature = hmac(key, lines.join('\n')).toString('hex')
      return `${text.length.toString(16)};chunk-signature=${signature}\r\n${text}\r\n`
    })
    .join('')
  const sent = spoil(body)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `PUT ${target} HTTP/1.1\r\n${lines.join('')}content-length: ${sent.length}\r\n\r\n${sent}`
}

async function statusOf(port: number, request: string): Promise<string> {
  const connection = openRaw(port)
  connection.write(request)
  try {
    const [, status = '', code = ''] = await connection.until(
      /^HTTP\/1\.1 (\d+) (?:.*<Code>(\w+)<\/Code>|OK\r\n.*\r\n\r\n)/s,
    )
    return `${status} ${code}`.trim()
  } finally {
    connection.destroy()
  }
}

test('signed chunks are stored, and none whose signature is another’s', () =>
  withObject(async (front) => {
    const { port } = front.frontEnd
    for (const [title, spoil] of [
      ['a changed byte', (body: string) => body.replace('hello', 'hellO')],
      ['a changed signature', (body: string) => body.replace(/signature=./, 'signature=z')],
      ['no signature', (body: string) => body.replace(/;chunk-signature=[0-9a-f]+/, '')],
      [
        'chunks in another order',
        (body: string) => body.replace(/^(.*?\r\n.*?\r\n)(.*?\r\n.*?\r\n)/s, '$2$1'),
      ],
      ['a last chunk that is missing', (body: string) => body.replace(/0;chunk.*$/s, '')],
    ] as const) {
      const status = await statusOf(port, signedChunks(port, spoil))
      assert.match(status, /^40[03] (SignatureDoesNotMatch|InvalidRequest|IncompleteBody)$/, title)
      assert.is(await read(front), 'old', title)
    }
    assert.is(await statusOf(port, signedChunks(port)), '200')
    assert.is(await read(front), content)
  }))

function crc32Of(text: string): string {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return bytes.toString('base64')
}

test.run()
