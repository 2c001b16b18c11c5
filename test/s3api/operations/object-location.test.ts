import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { objectLocation } from '../../../s3api/operations/object-location.ts'
import { withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/operations/object-location')

test('an object’s location is its URL by the host and in the style of the request', async () => {
  const request = { method: 'POST', rawUrl: '', bucket: 'b', query: new Map(), remoteAddress: '127.0.0.1' }
  const headers = new Map([['host', 'b.example.com:9000']])
  const virtual = { ...request, key: 'a/b ?#é', headers, secure: true, virtualHost: true as const }
  assert.is(objectLocation(virtual), 'https://b.example.com:9000/a/b%20%3F%23%C3%A9')
  const path = { ...request, key: '//a+b', headers: new Map([['host', 'example.com']]), secure: false }
  assert.is(objectLocation(path), 'http://example.com/b///a%2Bb')
  assert.is(objectLocation({ ...path, headers: new Map() }), '/b///a%2Bb')
})

test('a completed upload tells where its object is, and it is there', () =>
  withFrontEnd({}, async (front) => {
    const host = 'bucket.s3.example.com'
    await front.send({ method: 'PUT', target: '/', host })
    const created = await front.send({ method: 'POST', target: '/a%3Fb?uploads', host })
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created.body)?.[1]
    const part = await front.send({
      method: 'PUT',
      target: `/a%3Fb?partNumber=1&uploadId=${uploadId}`,
      host,
      body: 'x',
    })
    const done = await front.send({
      method: 'POST',
      target: `/a%3Fb?uploadId=${uploadId}`,
      host,
      body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`,
    })
    const location = /<Location>(.*)<\/Location>/.exec(done.body)?.[1] ?? ''
    assert.is(location, `http://${host}/a%3Fb`)
    const got = await front.send({ method: 'GET', target: new URL(location).pathname, host })
    assert.equal([got.status, got.body], [200, 'x'])
  }))

test.run()
