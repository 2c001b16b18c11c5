import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/operations/checksums')

const content = '123456789'
/** Of the content: the check values of the CRC catalogue; the others as their own tools give them. */
const digests = {
  CRC32: 'cbf43926',
  CRC32C: 'e3069283',
  CRC64NVME: 'ae8b14860a799888',
  SHA1: 'f7c3bc1d808e04732adf679965ccc34ca7ae3441',
  SHA256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
  SHA512:
    'd9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85',
  MD5: '25f9e794323b453885f5181f1b624d0b',
  XXHASH64: '8cb841db40e6ae83',
  XXHASH3: '72dcb18b67a17dff',
  XXHASH128: '33119477ede5dcd5e9716427681d5860',
} as const
const target = '/bucket/key'

const withBucket = (work: (front: TestFrontEnd) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await work(front)
  })

/** What requests say of the checksum of one algorithm. */
const sums = Object.entries(digests).map(([algorithm, hex]) => {
  const name = `x-amz-checksum-${algorithm.toLowerCase()}`
  const digest = Buffer.from(hex, 'hex')
  const byHeader = (value: string) => ({ method: 'PUT', target, headers: { [name]: value }, body: content })
  const byTrailer = (value: string) => ({
    method: 'PUT',
    target,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(content.length),
      'x-amz-trailer': name,
    },
    body: `${content.length}\r\n${content}\r\n0\r\n${name}:${value}\r\n\r\n`,
  })
  return { algorithm, name, digest, right: digest.toString('base64'), byHeader, byTrailer }
})

test('a checksum by header or by trailer is compared, kept and shown', () =>
  withBucket(async (front) => {
    for (const { algorithm, name, digest, right, byHeader, byTrailer } of sums) {
      for (const request of [byHeader, byTrailer]) {
        for (const wrong of [Buffer.alloc(digest.length, 1), Buffer.alloc(digest.length - 1)]) {
          const refused = await front.send(request(wrong.toString('base64')))
          assert.equal([refused.status, refused.code], [400, 'BadDigest'], algorithm)
        }
        assert.is((await front.send({ method: 'HEAD', target })).status, 404, algorithm)
        const put = await front.send(request(right))
        assert.equal([put.status, put.headers[name]], [200, right], algorithm)
        const head = await front.send({
          method: 'HEAD',
          target,
          headers: { 'x-amz-checksum-mode': 'ENABLED' },
        })
        assert.equal([head.headers[name], head.headers['x-amz-checksum-type']], [right, 'FULL_OBJECT'])
        await front.send({ method: 'DELETE', target })
      }
    }
  }))

test('the checksum of an upload of parts is combined where it can be, and else composed', () =>
  withBucket(async (front) => {
    for (const { algorithm, name, digest, right, byHeader } of sums) {
      for (const type of ['FULL_OBJECT', 'COMPOSITE']) {
        const created = await front.send({
          method: 'POST',
          target: `${target}?uploads`,
          headers: { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type },
        })
        const allowed = type === 'FULL_OBJECT' ? algorithm.startsWith('CRC') : algorithm !== 'CRC64NVME'
        assert.is(created.status, allowed ? 200 : 400, `${algorithm} ${type}`)
        if (!allowed) continue
        const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created.body)?.[1]
        const part = await front.send({
          ...byHeader(right),
          target: `${target}?partNumber=1&uploadId=${uploadId}`,
        })
        assert.equal([part.status, part.headers[name]], [200, right], algorithm)
        const element = `Checksum${algorithm}`
        const complete = (value: string) =>
          front.send({
            method: 'POST',
            target: `${target}?uploadId=${uploadId}`,
            headers: value === '' ? {} : { [name]: value },
            body: `<CompleteMultipartUpload><Part>${named}</Part></CompleteMultipartUpload>`,
          })
        const named = `<PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag><${element}>${right}</${element}>`
        const refused = await complete(Buffer.alloc(digest.length, 1).toString('base64'))
        assert.equal([refused.status, refused.code], [400, 'BadDigest'], algorithm)
        const done = await complete('')
        assert.is(done.status, 200, algorithm)
        const shown = new RegExp(`<${element}>(.*)</${element}>`).exec(done.body)?.[1]
        if (type === 'FULL_OBJECT') assert.is(shown, right, algorithm)
        // The digest of the parts' digests, as node:crypto has it of those that it knows.
        else if (algorithm === 'MD5' || algorithm.startsWith('SHA'))
          assert.is(shown, `${createHash(algorithm).update(digest).digest('base64')}-1`)
        else assert.match(shown ?? '', /^[A-Za-z0-9+/=]+-1$/)
      }
    }
  }))

test('a part without a checksum gets one where the whole has its own, and is refused where the whole is composed', () =>
  withBucket(async (front) => {
    for (const { algorithm, name, right } of sums) {
      for (const encryption of [{}, { 'x-amz-server-side-encryption': 'aws:kms' }]) {
        const begin = (type: string) =>
          front.send({
            method: 'POST',
            target: `${target}?uploads`,
            headers: { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type, ...encryption },
          })
        for (const type of ['FULL_OBJECT', 'COMPOSITE']) {
          const created = await begin(type)
          if (created.status !== 200) continue
          const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created.body)?.[1]
          const part = await front.send({
            method: 'PUT',
            target: `${target}?partNumber=1&uploadId=${uploadId}`,
            body: content,
          })
          if (type === 'COMPOSITE') {
            assert.equal([part.status, part.code], [400, 'InvalidRequest'], algorithm)
            assert.match(part.body, /actual checksum Type: null/)
            continue
          }
          assert.equal([part.status, part.headers[name]], [200, right], algorithm)
          const named = `<PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag>`
          const done = await front.send({
            method: 'POST',
            target: `${target}?uploadId=${uploadId}`,
            body: `<CompleteMultipartUpload><Part>${named}</Part></CompleteMultipartUpload>`,
          })
          assert.is(done.status, 200, done.body)
          assert.match(done.body, new RegExp(`<Checksum${algorithm}>${right.replaceAll(/[+/]/g, '\\$&')}<`))
        }
      }
    }
  }))

test('a completion may name the composite checksum with or without the count of parts, as minio-go does', () =>
  withBucket(async (front) => {
    const name = 'x-amz-checksum-sha256'
    const right = Buffer.from(digests.SHA256, 'hex').toString('base64')
    const whole = createHash('sha256').update(Buffer.from(digests.SHA256, 'hex')).digest('base64')
    for (const [value, status] of [
      [whole, 200],
      [`${whole}-1`, 200],
      [`${whole}-2`, 400],
      [right, 400],
    ] as const) {
      const created = await front.send({
        method: 'POST',
        target: `${target}?uploads`,
        headers: { 'x-amz-checksum-algorithm': 'SHA256' },
      })
      const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created.body)?.[1]
      const part = await front.send({
        method: 'PUT',
        target: `${target}?partNumber=1&uploadId=${uploadId}`,
        headers: { [name]: right },
        body: content,
      })
      const named = `<PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag>`
      const done = await front.send({
        method: 'POST',
        target: `${target}?uploadId=${uploadId}`,
        headers: { [name]: value, 'x-amz-checksum-type': 'COMPOSITE' },
        body: `<CompleteMultipartUpload><Part>${named}</Part></CompleteMultipartUpload>`,
      })
      assert.is(done.status, status, value)
    }
  }))

test('an algorithm that is named without a checksum, or beside one of another, is refused', () =>
  withBucket(async (front) => {
    for (const { algorithm, right, byHeader, byTrailer } of sums) {
      const named = (name: string) => ({ 'x-amz-sdk-checksum-algorithm': name })
      const alone = await front.send({ method: 'PUT', target, headers: named(algorithm), body: content })
      assert.equal([alone.status, alone.code], [400, 'InvalidRequest'], algorithm)
      for (const request of [byHeader(right), byTrailer(right)]) {
        const other = algorithm === 'CRC32' ? 'SHA1' : 'CRC32'
        const mixed = await front.send({ ...request, headers: { ...request.headers, ...named(other) } })
        assert.equal([mixed.status, mixed.code], [400, 'BadDigest'], algorithm)
        const put = await front.send({ ...request, headers: { ...request.headers, ...named(algorithm) } })
        assert.is(put.status, 200, algorithm)
        await front.send({ method: 'DELETE', target })
      }
    }
  }))

test('a copy gets the checksum that it asks for', () =>
  withBucket(async (front) => {
    await front.send({ method: 'PUT', target, body: content })
    const copied = await front.send({
      method: 'PUT',
      target: '/bucket/copy',
      headers: { 'x-amz-copy-source': target, 'x-amz-checksum-algorithm': 'XXHASH128' },
    })
    const value = Buffer.from(digests.XXHASH128, 'hex').toString('base64')
    assert.match(copied.body, `<ChecksumXXHASH128>${value}</ChecksumXXHASH128>`)
  }))

test('a checksum that nobody here can compare is not implemented, and nothing is stored', () =>
  withBucket(async (front) => {
    const headers = { 'x-amz-checksum-sha3': 'AAAA' }
    const refused = await front.send({ method: 'PUT', target, headers, body: content })
    assert.equal([refused.status, refused.code], [501, 'NotImplemented'])
    assert.is((await front.send({ method: 'HEAD', target })).status, 404)
  }))

test.run()
