import { parseBucketPolicy } from '../../s3api/access/policy.ts'
import { decodeChunked } from '../../s3api/auth/aws-chunked.ts'
import { announcedChecksum, parseContentMd5 } from '../../s3api/auth/checksums.ts'
import { parseFormPolicy } from '../../s3api/auth/form-policy.ts'
import { announcedSize, parsePayloadForm } from '../../s3api/auth/payload.ts'
import { withQueryHeaders } from '../../s3api/auth/query-headers.ts'
import { signV2 } from '../../s3api/auth/signature-v2.ts'
import { authenticate } from '../../s3api/auth/verify.ts'
import { authenticateV2 } from '../../s3api/auth/verify-v2.ts'
import { parseTarget } from '../../s3api/http/target.ts'
import { readXml } from '../../s3api/http/xml-reader.ts'
import { parseCopySource } from '../../s3api/object-name.ts'
import { readCompletion } from '../../s3api/operations/completion-document.ts'
import { checkReadConditions, isRangeWanted, parseWriteCondition } from '../../s3api/operations/conditions.ts'
import { parseObjectHeaders } from '../../s3api/operations/object-headers.ts'
import { parseCopySourceRange, parseRange } from '../../s3api/operations/range.ts'
import { parseTagHeader, readTagging } from '../../s3api/operations/tags.ts'
import { parseCopySourceCustomerKey, parseRequestedEncryption } from '../../s3api/sse/headers.ts'
import { requestToVerify } from '../support/verify-request.ts'
import { accessTargets } from './access-targets.ts'

/** Parsers of what clients send: each takes any bytes and answers or throws an S3Error, and nothing else. */
export interface Target {
  readonly name: string
  readonly seeds: readonly Buffer[]
  run(bytes: Buffer): unknown
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const secretKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const accessKey = 'AKIAIOSFODNN7EXAMPLE'
const options = {
  credentials: new Map([[accessKey, { accessKey, secretKey }]]),
  region: 'us-east-1',
  nowMs: Date.parse('2013-05-24T00:00:00Z'),
}
const scope = `${accessKey}/20130524/us-east-1/s3/aws4_request`
const presignedSignature = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'

/** A request line and headers, a line each; what node:http would not let through is left out. */
function requestOf(bytes: Buffer) {
  const [line = '', ...headers] = bytes.toString('latin1').split('\n')
  const [method = '', url = '/'] = line.split(' ')
  const rawHeaders = headers.flatMap((header) => {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(header) ?? []
    // biome-ignore lint/suspicious/noControlCharactersInRegex: node:http refuses control characters
    return name === undefined || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)
      ? []
      : [name, value.trimEnd()]
  })
  return requestToVerify(method, url, rawHeaders)
}

const signed = latin1(
  [
    'GET /test.txt HTTP/1.1',
    'host: examplebucket.s3.amazonaws.com',
    'range: bytes=0-9',
    'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'x-amz-date: 20130524T000000Z',
    `authorization: AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=${signature}`,
  ].join('\n'),
)
const presigned = latin1(
  `GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${presignedSignature} HTTP/1.1\nhost: examplebucket.s3.amazonaws.com`,
)

/** What was not signed must not be what is done. */
function requireSigned(request: ReturnType<typeof requestOf>): void {
  const { headers } = withQueryHeaders(whole(request))
  const added = [...headers.keys()].filter(
    (name) => name.startsWith('x-amz-') && !['x-amz-content-sha256', 'x-amz-date'].includes(name),
  )
  const query = [...request.query.keys()].filter((name) => !name.startsWith('X-Amz-'))
  const ranged = !headers.has('authorization') || headers.get('range') === 'bytes=0-9'
  const same = request.method === 'GET' && request.bucket === 'test.txt' && request.key === '' && ranged
  if (!same || added.length > 0 || query.length > 0)
    throw new Error('something else than what was signed is done')
}

const chunks = latin1(`5;chunk-signature=${signature}\r\nhello\r\n0;chunk-signature=${signature}\r\n\r\n`)
const unsignedChunks = latin1('5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32c:yZRlqg==\r\n\r\n')

async function decode(bytes: Buffer, trailer: boolean): Promise<void> {
  const pieces = (async function* () {
    yield bytes.subarray(0, bytes.length >> 1)
    yield bytes.subarray(bytes.length >> 1)
  })()
  const signing = {
    key: Buffer.alloc(32, 1),
    time: '20130524T000000Z',
    scope: { date: '20130524', region: 'us-east-1' },
    seedSignature: signature,
  }
  const decoded = decodeChunked(pieces, {
    size: 11,
    signing: trailer ? undefined : signing,
    trailer,
    onTrailers: () => {},
  })
  for await (const _ of decoded);
}

const headerSeeds = [
  [
    'PUT /bucket/key HTTP/1.1',
    'content-type: text/plain',
    'content-md5: XrY7u+Ae7tCTyyK7j1rNww==',
    'content-encoding: gzip, aws-chunked',
    'x-amz-meta-color: blue',
    'x-amz-storage-class: STANDARD',
    'x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-trailer: x-amz-checksum-crc32',
    'x-amz-decoded-content-length: 11',
  ],
  [
    'PUT /bucket/key HTTP/1.1',
    'x-amz-server-side-encryption: aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id: arn:aws:kms:us-east-1:1:key/my-minio-key',
    'x-amz-server-side-encryption-context: eyJhIjoiYiJ9',
    'x-amz-copy-source: /bucket/a%20key?versionId=null',
    'x-amz-copy-source-range: bytes=0-9',
    'if-none-match: *',
  ],
  [
    'PUT /bucket/key HTTP/1.1',
    'x-amz-server-side-encryption-customer-algorithm: AES256',
    'x-amz-server-side-encryption-customer-key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
    'x-amz-server-side-encryption-customer-key-md5: tCpcKlp8bm3pFX9uQgCEmQ==',
    'x-amz-checksum-crc32: AAAAAA==',
    'if-match: "5eb63bbbe01eeed093cb22bb8f5acdc3"',
    'if-range: "5eb63bbbe01eeed093cb22bb8f5acdc3"',
    'if-modified-since: Fri, 24 May 2013 00:00:00 GMT',
  ],
].map((lines) => latin1(lines.join('\n')))

const record = { etag: '5eb63bbbe01eeed093cb22bb8f5acdc3', modifiedAtMs: 1_369_353_600_000 }

/** Each on its own: one that throws must not keep the next from being tried. */
const headerParsers: readonly ((request: ReturnType<typeof requestOf>) => unknown)[] = [
  (request) => parseObjectHeaders(whole(request)),
  ({ headers }) => parseContentMd5(headers),
  ({ headers }) => announcedChecksum(headers),
  ({ headers }) => announcedSize(headers, parsePayloadForm(headers.get('x-amz-content-sha256') ?? '')),
  ({ headers }) => parseRequestedEncryption(headers),
  ({ headers }) => parseCopySourceCustomerKey(headers),
  (request) => parseCopySource(whole(request)),
  (request) => parseWriteCondition(whole(request)),
  (request) => checkReadConditions(whole(request), record),
  (request) => isRangeWanted(whole(request), record),
]

function whole(request: ReturnType<typeof requestOf>) {
  return { ...request, secure: true, remoteAddress: '127.0.0.1' }
}

export const targets: readonly Target[] = [
  {
    name: 'signature',
    seeds: [signed, presigned],
    run(bytes) {
      const request = requestOf(bytes)
      const authentication = authenticate(request, options)
      if (authentication.accessKey !== undefined) requireSigned(request)
      return authentication
    },
  },
  {
    name: 'signature V2',
    seeds: [
      latin1(
        `GET /bucket/key?acl HTTP/1.1\ndate: Fri, 24 May 2013 00:00:00 GMT\nx-amz-meta-a: b\nauthorization: AWS ${accessKey}:${signV2(
          secretKey,
          'GET\n\n\nFri, 24 May 2013 00:00:00 GMT\nx-amz-meta-a:b\n/bucket/key?acl',
        )}`,
      ),
      latin1(
        `GET /bucket/key?AWSAccessKeyId=${accessKey}&Expires=1369353700&Signature=${encodeURIComponent(
          signV2(secretKey, 'GET\n\n\n1369353700\n/bucket/key'),
        )} HTTP/1.1\nhost: 127.0.0.1`,
      ),
    ],
    run: (bytes) =>
      authenticateV2(requestOf(bytes), {
        credentials: options.credentials,
        mode: 'all',
        nowMs: options.nowMs,
      }),
  },
  {
    name: 'target',
    seeds: [
      latin1('/bucket/a//b/../c%20d?list-type=2&prefix=%C3%BC+x&delimiter=/'),
      latin1('http://b.localhost/k?acl'),
    ],
    run: (bytes) => parseTarget(bytes.toString('latin1'), 'bucket.s3.example.com:9000', ['s3.example.com']),
  },
  { name: 'signed chunks', seeds: [chunks], run: (bytes) => decode(bytes, false) },
  { name: 'unsigned chunks', seeds: [unsignedChunks], run: (bytes) => decode(bytes, true) },
  {
    name: 'XML',
    seeds: [
      latin1(
        '<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet><Object><Key>a&amp;b&#10;</Key></Object></Delete>',
      ),
      latin1('<Delete><Object><Key><![CDATA[x]]></Key></Object><!-- c --></Delete>'),
      latin1('<!DOCTYPE x [<!ENTITY a "b">]><Delete>&a;</Delete>'),
    ],
    run: (bytes) => readXml(bytes, 'Delete'),
  },
  {
    name: 'completion',
    seeds: [
      latin1(
        '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"5eb63bbbe01eeed093cb22bb8f5acdc3"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>',
      ),
    ],
    run: readCompletion,
  },
  {
    name: 'headers',
    seeds: headerSeeds,
    run(bytes) {
      const request = requestOf(bytes)
      // Which one is tried follows from the bytes, so that a case can be told again.
      const sum = bytes.reduce((total, byte) => total + byte, 0)
      return headerParsers[sum % headerParsers.length]?.(request)
    },
  },
  {
    name: 'bucket policy',
    seeds: [
      latin1(
        '{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":{"AWS":["*"]},"Action":"s3:Put*","Resource":"arn:aws:s3:::bucket/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"},"Null":{"aws:SourceIp":"true"}}}]}',
      ),
    ],
    run: (bytes) => parseBucketPolicy(bytes.toString(), 'bucket'),
  },
  {
    name: 'form policy',
    seeds: [
      latin1(
        '{"expiration":"2030-01-01T00:00:00Z","conditions":[{"bucket":"bucket"},["starts-with","$key","a/"],["content-length-range",0,100],["eq","$acl","private"]]}',
      ),
    ],
    run: (bytes) => parseFormPolicy(bytes.toString('base64')),
  },
  {
    name: 'tags',
    seeds: [
      latin1('a=b&c=d%20e&f='),
      latin1('<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'),
    ],
    run: (bytes) => (bytes[0] === 0x3c ? readTagging(bytes, 10) : parseTagHeader(bytes.toString('latin1'))),
  },
  {
    name: 'range',
    seeds: [latin1('bytes=0-9'), latin1('bytes=-5'), latin1('bytes=5-'), latin1('bytes=0-1,3-4')],
    run(bytes) {
      const text = bytes.toString('latin1')
      const range = parseRange(text, 1000)
      if (range !== undefined && (range.offset < 0 || range.size < 1 || range.offset + range.size > 1000)) {
        throw new Error(`${JSON.stringify(range)} is outside of the object`)
      }
      const copied = parseCopySourceRange(text, 1000)
      if (copied.offset + copied.size > 1000) throw new Error('a copied range is outside of the object')
      return range
    },
  },
  ...accessTargets,
]
