import { readAcl } from '../../s3api/access/acl-document.ts'
import { aclOfHeaders } from '../../s3api/access/acl-headers.ts'
import { evaluatePolicy, parseBucketPolicy } from '../../s3api/access/policy.ts'
import { onlyRoot } from '../../s3api/access/users.ts'
import { openForm } from '../../s3api/auth/form.ts'
import { checkFormPolicy, parseFormPolicy } from '../../s3api/auth/form-policy.ts'
import { requestOfForm } from '../../s3api/auth/form-request.ts'
import { authenticateV2 } from '../../s3api/auth/verify-v2.ts'
import { parseHeaders, parseTarget } from '../../s3api/http/target.ts'
import type { S3Request } from '../../s3api/operation.ts'
import { readCorsRules } from '../../s3api/operations/cors.ts'
import { inPieces } from '../support/bytes.ts'
import type { Target } from './targets.ts'

/** What says who may do what: policies, forms, lists, CORS, Signature V2. */

const credential = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const credentials = new Map([[credential.accessKey, credential]])
const users = onlyRoot([credential])
const nowMs = Date.parse('2013-05-24T00:00:00Z')
const boundary = 'xYzZY'
const filenameVariable = ['$', '{filename}'].join('')

const policy = Buffer.from(
  '{"Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::t:user/u","*"],"CanonicalUser":"c"},"NotAction":["s3:Get*"],"NotResource":"arn:aws:s3:::b/x?y*","Condition":{"ForAnyValue:StringLikeIfExists":{"s3:RequestObjectTagKeys":["a*","b"]},"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"NumericEqualsIfExists":{"s3:max-keys":10},"Bool":{"aws:SecureTransport":true}}}}',
)
const formPolicy = Buffer.from(
  '{"expiration":"2030-01-01T00:00:00.000Z","conditions":[{"bucket":"b"},["starts-with","$key","up/"],["eq","$acl","private"],["content-length-range",0,10]]}',
)
const form = Buffer.from(
  `--${boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\nup/${filenameVariable}\r\n--${boundary}\r\nContent-Disposition: form-data; name="tagging"\r\n\r\n<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ndata\r\n--${boundary}--\r\n`,
)
const cors = Buffer.from(
  '<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CORSRule><ID>a</ID><AllowedOrigin>https://*.b</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><MaxAgeSeconds>3</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>',
)
const acl = Buffer.from(
  '<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>',
)
const grants = Buffer.from(
  'x-amz-grant-read: uri="http://acs.amazonaws.com/groups/global/AllUsers", uri=http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
)
const oldHeads = [
  `GET /b/k?AWSAccessKeyId=${credential.accessKey}&Expires=1400000000&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&acl\nhost: x`,
  `PUT /b\nhost: x\ndate: Fri, 24 May 2013 00:00:00 GMT\nauthorization: AWS ${credential.accessKey}:bWq2s1WEIj+Ydj0vQ697zp+IXMU=`,
  'GET /b/k\nhost: x',
].map((text) => Buffer.from(text))

export const accessTargets: readonly Target[] = [
  { name: 'policy verdict', seeds: [policy], run: judge },
  {
    name: 'form policy check',
    seeds: [formPolicy],
    run: (bytes) =>
      checkFormPolicy(parseFormPolicy(bytes.toString('base64')), {
        bucket: 'b',
        fields: new Map([
          ['key', 'up/a'],
          ['acl', 'private'],
        ]),
        fileSize: 4,
        nowMs,
      }),
  },
  { name: 'form', seeds: [form], run: readForm },
  { name: 'CORS', seeds: [cors], run: readCorsRules },
  { name: 'ACL', seeds: [acl], run: (bytes) => readAcl(bytes, 'o', users) },
  {
    name: 'grants',
    seeds: [grants],
    run: (bytes) =>
      aclOfHeaders(headersOf(bytes.toString('latin1')), { owner: 'o', bucketOwner: 'o' }, users),
  },
  { name: 'signature V2', seeds: oldHeads, run: verifyV2 },
]

function judge(bytes: Buffer): unknown {
  const parsed = parseBucketPolicy(bytes.toString('utf8'), 'b')
  const facts = {
    request: requestOf({ headers: new Map([['x-amz-tagging', 'a=b']]) }),
    user: undefined,
    signature: undefined,
    nowMs,
  }
  return evaluatePolicy(parsed, { action: 's3:PutObject', resource: 'arn:aws:s3:::b/key', facts })
}

async function readForm(bytes: Buffer): Promise<void> {
  const request = requestOf({
    headers: new Map([
      ['content-type', `multipart/form-data; boundary=${boundary}`],
      ['content-length', String(bytes.length)],
    ]),
  })
  const opened = await openForm(request, inPieces(bytes, [50]))
  let size = 0
  for await (const piece of opened.file.content) size += piece.length
  if (size !== opened.file.size) throw new Error('the file is not as long as announced')
  requestOfForm(request, opened)
}

function verifyV2(bytes: Buffer): unknown {
  const [first = '', ...lines] = bytes.toString('latin1').split('\n')
  const [method = '', rawUrl = ''] = first.split(' ')
  const headers = headersOf(lines.join('\n'))
  const request = requestOf({ method, rawUrl, headers, ...parseTarget(rawUrl, headers.get('host'), []) })
  return authenticateV2(request, { credentials, mode: 'all', nowMs })
}

function headersOf(text: string): ReadonlyMap<string, string> {
  const raw = text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 1 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  return parseHeaders(raw)
}

function requestOf(facts: Partial<S3Request>): S3Request {
  return {
    method: 'POST',
    rawUrl: '/b',
    bucket: 'b',
    key: '',
    query: new Map(),
    headers: new Map(),
    secure: true,
    remoteAddress: '10.1.2.3',
    ...facts,
  }
}
