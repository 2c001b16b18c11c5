import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { S3Error } from '../../../s3api/errors.ts'
import { createRouter } from '../../../s3api/http/router.ts'
import { operations } from '../../../s3api/operations/index.ts'
import { requestToVerify } from '../../support/verify-request.ts'

const test = suite('s3api/http/router')

const router = createRouter(operations)
const route = (method: string, url: string, headers: Record<string, string> = {}) => {
  const request = requestToVerify(method, url, { host: '127.0.0.1', ...headers })
  return router({ ...request, secure: false, remoteAddress: '127.0.0.1' })
}
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof S3Error) return error.code
    throw error
  }
  return 'none'
}

for (const [method, url, name, headers] of [
  ['GET', '/', 'ListBuckets'],
  ['PUT', '/bucket', 'CreateBucket'],
  ['PUT', '/bucket/', 'CreateBucket'],
  ['GET', '/bucket?prefix=a&delimiter=', 'ListObjects'],
  ['GET', '/bucket/?list-type=2&prefix=', 'ListObjectsV2'],
  ['GET', '/bucket?location', 'GetBucketLocation'],
  ['GET', '/bucket?location=', 'GetBucketLocation'],
  ['GET', '/bucket?uploads', 'ListMultipartUploads'],
  ['POST', '/bucket?delete', 'DeleteObjects'],
  ['GET', '/bucket/key', 'GetObject'],
  ['HEAD', '/bucket/key?partNumber=1', 'HeadObject'],
  ['PUT', '/bucket/key', 'PutObject'],
  ['PUT', '/bucket/key', 'CopyObject', { 'x-amz-copy-source': 'a/b' }],
  ['PUT', '/bucket/key?partNumber=1&uploadId=x', 'UploadPart'],
  ['PUT', '/bucket/key?uploadId=x&partNumber=1', 'UploadPartCopy', { 'x-amz-copy-source': 'a/b' }],
  ['POST', '/bucket/key?uploads', 'CreateMultipartUpload'],
  ['POST', '/bucket/key?uploadId=x', 'CompleteMultipartUpload'],
  ['DELETE', '/bucket/key?uploadId=x', 'AbortMultipartUpload'],
  ['GET', '/bucket/key?uploadId=x&max-parts=1', 'ListParts'],
  ['GET', '/bucket/key?response-content-type=a%2Fb&X-Amz-Expires=1', 'GetObject'],
] as const) {
  test(`${method} ${url}${headers === undefined ? '' : ' with a copy source'} is ${name}`, () => {
    assert.is(route(method, url, headers).name, name)
  })
}

test('a sub-resource that is not implemented is never taken for a plain request', () => {
  for (const name of ['torrent', 'restore', 'select', 'inventory', 'analytics', 'metrics', 'renameObject']) {
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']) {
      for (const path of ['/bucket', '/bucket/key']) {
        for (const suffix of [name, `${name}=`, `${name}=1`]) {
          const code = codeOf(() => route(method, `${path}?${suffix}`))
          assert.is(code, 'NotImplemented', `${method} ${path}?${suffix}`)
        }
      }
    }
  }
})

test('a sub-resource of a later S3 is refused, too, and so are two at once', () => {
  assert.is(
    codeOf(() => route('PUT', '/bucket/key?newThing')),
    'NotImplemented',
  )
  assert.is(
    codeOf(() => route('DELETE', '/bucket?newThing=')),
    'NotImplemented',
  )
  assert.is(
    codeOf(() => route('DELETE', '/bucket/key?uploadId=x&tagging')),
    'NotImplemented',
  )
  assert.is(
    codeOf(() => route('GET', '/bucket?acl&policy')),
    'NotImplemented',
  )
})

test('a method that a resource does not have is not allowed', () => {
  assert.is(
    codeOf(() => route('DELETE', '/')),
    'MethodNotAllowed',
  )
  assert.is(
    codeOf(() => route('PATCH', '/bucket/key')),
    'MethodNotAllowed',
  )
})

test('a table in which two operations match one request is refused at start', () => {
  const [first] = operations
  if (first === undefined) return
  const twice = [first, { ...first, name: 'Twin' }]
  assert.throws(() => createRouter(twice), /both match GET service/)
})

test.run()
