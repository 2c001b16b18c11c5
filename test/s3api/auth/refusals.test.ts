import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rootSigner, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import type { SentRequest } from '../../support/signed-request.ts'

const test = suite('s3api/auth/refusals')

const target = '/bucket/key'
const get: SentRequest = { method: 'GET', target }
const put = (headers: Record<string, string> = {}, body = 'new'): SentRequest => ({
  method: 'PUT',
  target,
  headers,
  body,
})
const digest = (name: string, text: string) => createHash(name).update(text).digest('base64')

const withObject = (
  options: Parameters<typeof withFrontEnd>[0],
  work: (front: TestFrontEnd) => Promise<void>,
): Promise<void> =>
  withFrontEnd(options, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    assert.is((await front.send(put({}, 'old'))).status, 200)
    await work(front)
    // Whatever was refused has changed nothing.
    assert.is((await front.send(get)).body, 'old')
  })

test('a request that nobody signed, or signed wrongly, is refused with S3’s own code', () =>
  withObject({}, async (front) => {
    const { accessKey, secretKey } = rootSigner
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const request = { method, target, ...(method === 'PUT' && { body: 'new' }) }
      assert.is((await front.send(request, 'nobody')).code, 'AccessDenied')
      const wrong = await front.send(request, { accessKey, secretKey: `${secretKey}x` })
      assert.equal([wrong.status, wrong.code], [403, 'SignatureDoesNotMatch'])
      const unknown = await front.send(request, { accessKey: 'nobody', secretKey })
      assert.equal([unknown.status, unknown.code], [403, 'InvalidAccessKeyId'])
    }
  }))

for (const [title, skewMs, code] of [
  ['16 minutes ahead', 16 * 60_000, 'RequestTimeTooSkewed'],
  ['16 minutes behind', -16 * 60_000, 'RequestTimeTooSkewed'],
  ['14 minutes ahead', 14 * 60_000, undefined],
  ['14 minutes behind', -14 * 60_000, undefined],
] as const) {
  test(`a server whose clock is ${title} answers ${code ?? 'as usual'}`, () =>
    withFrontEnd({ now: () => Date.now() + skewMs }, async (front) => {
      const { code: seen } = await front.send({ method: 'GET', target: '/' })
      assert.is(seen, code)
    }))
}

test('authorization in another form is refused with its own code', () =>
  withFrontEnd({}, async (front) => {
    for (const [authorization, code] of [
      ['Basic dXNlcjpwYXNz', 'InvalidArgument'],
      ['AWS4-HMAC-SHA256', 'InvalidArgument'],
      ['AWS4-HMAC-SHA256 Credential=x', 'AuthorizationHeaderMalformed'],
      ['AWS4-HMAC-SHA256 Credential=x,Credential=y', 'AuthorizationHeaderMalformed'],
    ] as const) {
      const request = { method: 'GET', target: '/', unsignedHeaders: { authorization } }
      assert.is((await front.send(request, 'nobody')).code, code, authorization)
    }
  }))

test('an x-amz- header that is not signed is refused', () =>
  withObject({}, async (front) => {
    const request = { ...put(), unsignedHeaders: { 'x-amz-meta-injected': 'yes' } }
    assert.equal((await front.send(request)).code, 'AccessDenied')
  }))

test('a body that is not what its digests say is not stored', () =>
  withObject({}, async (front) => {
    const cases = [
      [
        { 'x-amz-content-sha256': createHash('sha256').update('other').digest('hex') },
        'XAmzContentSHA256Mismatch',
      ],
      [{ 'x-amz-content-sha256': 'sha256' }, 'InvalidArgument'],
      [{ 'content-md5': digest('md5', 'other') }, 'BadDigest'],
      [{ 'content-md5': 'bm90IG1kNQ==' }, 'InvalidDigest'],
      [{ 'content-md5': 'not base64' }, 'InvalidDigest'],
      [{ 'x-amz-checksum-sha256': digest('sha256', 'other') }, 'BadDigest'],
      [{ 'x-amz-checksum-sha1': digest('sha1', 'other') }, 'BadDigest'],
      [{ 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
      [{ 'x-amz-checksum-crc32c': 'AAAAAA==' }, 'BadDigest'],
      [{ 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'BadDigest'],
      [{ 'x-amz-checksum-crc32': 'AAAA' }, 'BadDigest'],
      [
        { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-sha256': digest('sha256', 'new') },
        'InvalidRequest',
      ],
      [{ 'x-amz-trailer': 'x-amz-checksum-crc32' }, 'InvalidRequest'],
    ] as const
    for (const [headers, code] of cases) {
      const { status, code: seen } = await front.send(put(headers))
      assert.equal([status, seen], [400, code], JSON.stringify(headers))
    }
  }))

test('right digests are accepted, and the checksum is kept', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const sha256 = digest('sha256', 'new')
    const headers = { 'content-md5': digest('md5', 'new'), 'x-amz-checksum-sha256': sha256 }
    const stored = await front.send(put(headers))
    assert.is(stored.headers['x-amz-checksum-sha256'], sha256)
    assert.is(stored.headers.etag, `"${createHash('md5').update('new').digest('hex')}"`)
    const plain = await front.send(get)
    assert.is(plain.headers['x-amz-checksum-sha256'], undefined)
    const asked = await front.send({ ...get, headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    assert.is(asked.headers['x-amz-checksum-sha256'], sha256)
  }))

test('header values keep their blanks and their last byte', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    // In UTF-8 this ends in the byte A0, which is white space to some.
    const metadata = {
      'x-amz-meta-a': 'two  blanks',
      'x-amz-meta-b': Buffer.from('voilà').toString('latin1'),
    }
    const { status } = await front.send(put(metadata))
    assert.is(status, 200)
    const { headers } = await front.send(get)
    assert.is(headers['x-amz-meta-a'], 'two  blanks')
    assert.is(Buffer.from(String(headers['x-amz-meta-b']), 'latin1').toString(), 'voilà')
  }))

test('keys are taken as they are written, and nothing of a path is resolved', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const keys = [
      'a//b',
      'a/./b',
      'a/../b',
      '/a',
      'a/',
      'a b',
      'a+b',
      'a%2Fb',
      "a'(b)*!",
      'ü',
      '😀',
      '.',
      '..',
    ]
    for (const key of keys) {
      const encoded = key.split('/').map(strictEncode).join('/')
      const { status } = await front.send({ method: 'PUT', target: `/bucket/${encoded}`, body: key })
      assert.is(status, 200, key)
      assert.is((await front.send({ method: 'GET', target: `/bucket/${encoded}` })).body, key)
      await front.backend.getObject('bucket', key)
    }
    const { body } = await front.send({ method: 'GET', target: '/bucket?list-type=2' })
    assert.is(body.match(/<Key>/g)?.length, keys.length)
  }))

test('targets that name nothing are refused with their own code', () =>
  withFrontEnd({}, async (front) => {
    for (const [target, code] of [
      ['/bucket/%zz', 'InvalidURI'],
      ['/bucket/%ff%fe', 'InvalidURI'],
      ['/bucket/a%00b', 'InvalidURI'],
      ['/bucket?prefix=a%00b', 'InvalidURI'],
      ['//key', 'InvalidBucketName'],
      [`/bucket/${'k'.repeat(1025)}`, 'KeyTooLongError'],
    ] as const) {
      const { status, code: seen } = await front.send({ method: 'GET', target })
      assert.equal([status, seen], [400, code], target)
    }
  }))

function strictEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

test.run()
