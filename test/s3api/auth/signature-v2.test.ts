import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type RequestToSign, signV2, stringsToSign } from '../../../s3api/auth/signature-v2.ts'
import { authenticateV2 } from '../../../s3api/auth/verify-v2.ts'
import { S3Error } from '../../../s3api/errors.ts'

const test = suite('s3api/auth/signature-v2')
const credential = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

function request(
  method: string,
  rawUrl: string,
  headers: Readonly<Record<string, string>>,
  more: Partial<RequestToSign> = { bucket: 'johnsmith', virtualHost: true },
): RequestToSign {
  const query = new URLSearchParams(rawUrl.split('?')[1] ?? '')
  return {
    method,
    rawUrl,
    headers: new Map(Object.entries(headers)),
    query: new Map(query),
    bucket: '',
    ...more,
  }
}

test('the examples of the S3 documentation are signed as it says', () => {
  const date = (time: string) => ({ date: `Tue, 27 Mar 2007 ${time} +0000` })
  const examples: [request: RequestToSign, signature: string][] = [
    [request('GET', '/photos/puppy.jpg', date('19:36:42')), 'bWq2s1WEIj+Ydj0vQ697zp+IXMU='],
    [
      request('PUT', '/photos/puppy.jpg', { ...date('21:15:45'), 'content-type': 'image/jpeg' }),
      'MyyxeRY7whkBe+bq8fHCL/2kKUg=',
    ],
    [
      request('GET', '/?prefix=photos&max-keys=50&marker=puppy', date('19:42:41')),
      'htDYFYduRNen8P9ZfE/s9SuKy0U=',
    ],
    [request('GET', '/?acl', date('19:44:46')), 'c2WLPFtWHVgbEmeEG93a4cG37dM='],
  ]
  for (const [example, signature] of examples) {
    const signatures = stringsToSign(example).map((text) => signV2(credential.secretKey, text))
    assert.ok(signatures.includes(signature), example.rawUrl)
  }
  const presigned = stringsToSign(request('GET', '/photos/puppy.jpg', {}), '1175139620')
  assert.is(signV2(credential.secretKey, presigned[0] ?? ''), 'NpgCjnDzrM+WFzoENXmpNDUsSn8=')
})

const nowMs = Date.parse('2007-03-27T19:36:42Z')
const credentials = new Map([[credential.accessKey, credential]])

function authenticate(given: RequestToSign, mode: 'presigned' | 'all' | 'off', atMs = nowMs) {
  try {
    return authenticateV2(given, { credentials, mode, nowMs: atMs })?.accessKey
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error)
  }
}

test('a header is accepted only where all forms of Signature V2 are', () => {
  const headers = (signature: string) => ({
    date: 'Tue, 27 Mar 2007 19:36:42 +0000',
    authorization: `AWS ${credential.accessKey}:${signature}`,
  })
  const signed = request('GET', '/photos/puppy.jpg', headers('bWq2s1WEIj+Ydj0vQ697zp+IXMU='))
  assert.is(authenticate(signed, 'all'), credential.accessKey)
  assert.is(authenticate(signed, 'presigned'), 'InvalidRequest')
  assert.is(authenticate(signed, 'off'), 'InvalidRequest')
  assert.is(authenticate(signed, 'all', nowMs + 16 * 60 * 1000), 'RequestTimeTooSkewed')
  const forged = request('GET', '/photos/kitten.jpg', headers('bWq2s1WEIj+Ydj0vQ697zp+IXMU='))
  assert.is(authenticate(forged, 'all'), 'SignatureDoesNotMatch')
  assert.is(authenticate(request('GET', '/x', { ...headers('x'), date: 'soon' }), 'all'), 'AccessDenied')
  assert.is(authenticate(request('GET', '/x', { authorization: 'AWS x' }), 'all'), 'InvalidArgument')
  assert.is(authenticate(request('GET', '/x', {}), 'all'), undefined)
})

test('a presigned URL holds until it expires, for what it names and nothing else', () => {
  const expires = String(nowMs / 1000 + 60)
  const sign = (method: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    signV2(credential.secretKey, stringsToSign(request(method, path, headers), expires)[0] ?? '')
  const url = (path: string, signature: string, accessKey = credential.accessKey) =>
    `${path}${path.includes('?') ? '&' : '?'}AWSAccessKeyId=${accessKey}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`
  const signature = sign('GET', '/photos/puppy.jpg')
  const good = request('GET', url('/photos/puppy.jpg', signature), {})
  assert.is(authenticate(good, 'presigned'), credential.accessKey)
  assert.is(authenticate(good, 'off'), 'InvalidRequest')
  assert.is(authenticate(good, 'presigned', nowMs + 61_000), 'AccessDenied')
  assert.is(authenticate({ ...good, method: 'PUT' }, 'presigned'), 'SignatureDoesNotMatch')
  const refused: [path: string, code: string][] = [
    ['/photos/puppy.jpg?acl', 'SignatureDoesNotMatch'],
    ['/photos/puppy.jpg?versionId=1', 'SignatureDoesNotMatch'],
    ['/photos/puppy.jpg?response-content-type=text/html', 'SignatureDoesNotMatch'],
    // What the signature does not cover, and what would make it another operation.
    ['/photos/puppy.jpg?attributes', 'AccessDenied'],
    ['/photos/puppy.jpg?retention', 'AccessDenied'],
    ['/photos/puppy.jpg?encryption', 'AccessDenied'],
    ['/photos/puppy.jpg?unheard-of', 'AccessDenied'],
  ]
  for (const [path, code] of refused) {
    assert.is(authenticate(request('GET', url(path, signature), {}), 'presigned'), code, path)
  }
  const extra = request('GET', url('/photos/puppy.jpg', signature), { 'x-amz-acl': 'public-read' })
  assert.is(authenticate(extra, 'presigned'), 'SignatureDoesNotMatch')
  const unknown = request('GET', url('/photos/puppy.jpg', signature, 'NOBODY'), {})
  assert.is(authenticate(unknown, 'presigned'), 'InvalidAccessKeyId')
  const acl = sign('PUT', '/photos/new.jpg', { 'x-amz-acl': 'private' })
  const hoisted = request('PUT', url('/photos/new.jpg?x-amz-acl=private', acl), { 'x-amz-acl': 'private' })
  assert.is(authenticate(hoisted, 'presigned'), credential.accessKey)
})

test('a parameter that is hidden in the value of another is refused', () => {
  const expires = String(nowMs / 1000 + 60)
  const outcome = (signedQuery: string, sentQuery = signedQuery) => {
    const path = '/photos/puppy.jpg'
    const text = stringsToSign(request('GET', `${path}?${signedQuery}`, {}), expires)[0] ?? ''
    const signature = encodeURIComponent(signV2(credential.secretKey, text))
    const own = `AWSAccessKeyId=${credential.accessKey}&Expires=${expires}&Signature=${signature}`
    return authenticate(request('GET', `${path}?${sentQuery}&${own}`, {}), 'presigned')
  }
  const [type, version] = ['response-content-type=text/plain', 'versionId=1']
  assert.is(outcome(`${type}&${version}`), credential.accessKey)
  assert.is(outcome(`${type}&${version}`, `${type}%26${version}`), 'AccessDenied')
  assert.is(outcome(`${type}&uploads`, `${type}%26uploads`), 'AccessDenied')
  assert.is(outcome('response-content-disposition=a%26b=c'), credential.accessKey)
})

test('a bucket’s path is accepted with and without the slash that it may have been signed with', () => {
  const plain = request('PUT', '/johnsmith', {}, { bucket: 'johnsmith' })
  assert.equal(
    stringsToSign(plain, '1').map((text) => text.split('\n').at(-1)),
    ['/johnsmith', '/johnsmith/'],
  )
  assert.is(stringsToSign(request('PUT', '/johnsmith/k', {}, { bucket: 'johnsmith' }), '1').length, 1)
})

test.run()
