import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeChunked } from '../../../s3api/auth/aws-chunked.ts'
import { authenticate } from '../../../s3api/auth/verify.ts'
import { S3Error } from '../../../s3api/errors.ts'
import { requestToVerify } from '../../support/verify-request.ts'

/**
 * The examples that AWS has published: Amazon S3 API reference, "Signature calculations for the Authorization header",
 * "Authenticating requests: using query parameters", "Transferring payload in multiple chunks", and with trailing headers.
 */

const test = suite('s3api/auth/aws-vectors')

const credential = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const options = {
  credentials: new Map([[credential.accessKey, credential]]),
  region: 'us-east-1',
  nowMs: Date.parse('2013-05-24T00:00:00Z'),
}
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const scope = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'
const time = '20130524T000000Z'

const authorization = (signedHeaders: string, signature: string) =>
  `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signedHeaders},Signature=${signature}`

const examples = [
  {
    title: 'GET Object',
    method: 'GET',
    url: '/test.txt',
    headers: { Range: 'bytes=0-9', 'x-amz-content-sha256': emptySha256 },
    signedHeaders: 'host;range;x-amz-content-sha256;x-amz-date',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    title: 'PUT Object',
    method: 'PUT',
    url: '/test$file.text',
    headers: {
      Date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    },
    signedHeaders: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    title: 'GET Bucket Lifecycle',
    method: 'GET',
    url: '/?lifecycle',
    headers: { 'x-amz-content-sha256': emptySha256 },
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    title: 'Get Bucket (List Objects)',
    method: 'GET',
    url: '/?max-keys=2&prefix=J',
    headers: { 'x-amz-content-sha256': emptySha256 },
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
]

for (const { title, method, url, headers, signedHeaders, signature } of examples) {
  test(`the example "${title}" is accepted, and nothing but it`, () => {
    const signed = (value: string, more: Record<string, string> = {}) =>
      requestToVerify(method, url, {
        Host: 'examplebucket.s3.amazonaws.com',
        ...headers,
        'x-amz-date': time,
        Authorization: authorization(signedHeaders, value),
        ...more,
      })
    assert.is(authenticate(signed(signature), options)?.accessKey, credential.accessKey)
    const wrong = `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}`
    refused('SignatureDoesNotMatch', () => authenticate(signed(wrong), options))
    refused('SignatureDoesNotMatch', () => authenticate({ ...signed(signature), method: 'POST' }, options))
    refused('SignatureDoesNotMatch', () => authenticate(signed(signature, { Host: 'other' }), options))
    const other = { ...signed(signature), rawUrl: `${url}${url.includes('?') ? '&' : '?'}x=y` }
    refused('SignatureDoesNotMatch', () => authenticate(other, options))
  })
}

test('the example of a presigned URL is accepted for a day, and not with another signature', () => {
  const url = (signature: string) =>
    `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}&X-Amz-Date=${time}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`
  const signature = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  const request = (text: string) =>
    requestToVerify('GET', url(text), { Host: 'examplebucket.s3.amazonaws.com' })
  const at = (ms: number) => ({ ...options, nowMs: options.nowMs + ms })
  assert.equal(authenticate(request(signature), options)?.payload, { kind: 'unsigned' })
  authenticate(request(signature), at(86_400_000))
  refused('AccessDenied', () => authenticate(request(signature), at(86_400_001)))
  authenticate(request(signature), at(-15 * 60_000))
  refused('AccessDenied', () => authenticate(request(signature), at(-15 * 60_000 - 1)))
  refused('SignatureDoesNotMatch', () => authenticate(request(signature.replace('a', 'b')), options))
})

const chunkHeaders = {
  Host: 's3.amazonaws.com',
  'x-amz-date': time,
  'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  'Content-Encoding': 'aws-chunked',
  'x-amz-decoded-content-length': '66560',
}
const [first, second] = ['a'.repeat(65_536), 'a'.repeat(1024)]
const chunked = {
  request: requestToVerify('PUT', '/examplebucket/chunkObject.txt', {
    ...chunkHeaders,
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'Content-Length': '66824',
    Authorization: authorization(
      'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
      '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    ),
  }),
  trailer: false,
  body: [
    `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${first}\r\n`,
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${second}\r\n`,
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
  ].join(''),
}
const trailing = {
  request: requestToVerify('PUT', '/examplebucket/chunkObject.txt', {
    ...chunkHeaders,
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'x-amz-trailer': 'x-amz-checksum-crc32c',
    Authorization: authorization(
      'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
      '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    ),
  }),
  trailer: true,
  body: [
    `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${first}\r\n`,
    `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${second}\r\n`,
    '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
    'x-amz-checksum-crc32c:sOO8/Q==\r\n',
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
  ].join(''),
}

for (const [title, example] of [
  ['chunked upload', chunked],
  ['chunked upload with a trailer', trailing],
] as const) {
  test(`the example of a ${title} comes out whole, in pieces of any size`, async () => {
    for (const pieceSize of [1, 7, 1000, 100_000]) {
      const { bytes, trailers } = await decode(example, Buffer.from(example.body), pieceSize)
      assert.is(bytes.toString(), first + second)
      assert.equal([...trailers], example.trailer ? [['x-amz-checksum-crc32c', 'sOO8/Q==']] : [])
    }
  })

  test(`a changed byte anywhere in the framing of a ${title} is refused`, async () => {
    const whole = Buffer.from(example.body)
    for (let at = 0; at < whole.length; at++) {
      // One byte of the payload stands for all of them.
      if (at > 200 && at < 65_600) continue
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      const outcome = await decode(example, changed, 50_000).catch((error: unknown) => error)
      if (outcome instanceof S3Error) continue
      // Only what has no meaning may differ: the case of a header's name or of hex digits.
      const lower = (bytes: Buffer) => bytes.toString('latin1').toLowerCase()
      assert.ok(lower(changed) === lower(whole), `byte ${at} makes no difference`)
    }
  })

  test(`a ${title} that ends anywhere before its end is refused`, async () => {
    const whole = Buffer.from(example.body)
    const cuts = [0, 1, 50, 87, 88, 30_000, 65_620, 65_624, 65_640, whole.length - 100, whole.length - 20]
    for (const cut of cuts) {
      const outcome = await decode(example, whole.subarray(0, cut), 50_000).catch((error: unknown) => error)
      assert.instance(outcome, S3Error, `cut at ${cut}`)
    }
  })
}

/** The payload, given out before an error or not. */
async function decode(
  { request, trailer }: typeof chunked | typeof trailing,
  body: Buffer,
  pieceSize: number,
): Promise<{ readonly bytes: Buffer; readonly trailers: ReadonlyMap<string, string> }> {
  const signing = authenticate(request, options)?.signing
  let trailers: ReadonlyMap<string, string> = new Map()
  const decoded = decodeChunked(inPieces(body, pieceSize), {
    size: 66_560,
    signing,
    trailer,
    onTrailers: (found) => {
      trailers = found
    },
  })
  const pieces: Uint8Array[] = []
  for await (const piece of decoded) pieces.push(Buffer.from(piece))
  return { bytes: Buffer.concat(pieces), trailers }
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function refused(code: string, work: () => unknown): void {
  try {
    work()
  } catch (error) {
    assert.instance(error, S3Error)
    assert.is(error instanceof S3Error && error.code, code)
    return
  }
  assert.unreachable(`expected ${code}`)
}

test.run()
