import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { minioClient, withSdk } from '../../support/clients.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/auth/presigned')

const withBucket = (work: (front: TestFrontEnd, client: S3Client) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await withSdk(front.url, (client) => work(front, client))
  })
const object = { Bucket: 'bucket', Key: 'a key/ü+%' }
const codeOf = async (answer: globalThis.Response) => /<Code>(\w+)</.exec(await answer.text())?.[1]

test('what one client presigns another can put and get', () =>
  withBucket(async (_front, client) => {
    const putUrl = await getSignedUrl(client, new PutObjectCommand(object), { expiresIn: 60 })
    assert.is((await fetch(putUrl, { method: 'PUT', body: 'content' })).status, 200)
    const getUrl = await getSignedUrl(client, new GetObjectCommand(object), { expiresIn: 60 })
    assert.is(await (await fetch(getUrl)).text(), 'content')
    const again = await fetch(getUrl, { method: 'PUT', body: 'other' })
    assert.equal([again.status, await codeOf(again)], [403, 'SignatureDoesNotMatch'])
  }))

test('headers that the presigner moved into the query count as sent', () =>
  withBucket(async (front, client) => {
    const command = new PutObjectCommand({
      ...object,
      Metadata: { color: 'blue' },
      StorageClass: 'REDUCED_REDUNDANCY',
    })
    const url = await getSignedUrl(client, command, { expiresIn: 60 })
    assert.match(url, 'x-amz-meta-color=blue')
    assert.is((await fetch(url, { method: 'PUT', body: 'content' })).status, 200)
    const { record } = await front.backend.getObject('bucket', object.Key)
    assert.equal(record.metadata, { color: 'blue' })
    assert.is(record.storageClass, 'REDUCED_REDUNDANCY')
  }))

test('a presigned query that no header could carry is refused', () =>
  withBucket(async (front, client) => {
    for (const more of [
      { Metadata: { a: 'one line\nand another' } },
      { Metadata: { 'a b': '1' } },
      { Metadata: { ü: '1' } },
      { WebsiteRedirectLocation: '\r\nx:y' },
    ]) {
      const command = new PutObjectCommand({ ...object, ...more })
      const hoistableHeaders = new Set(['x-amz-website-redirect-location'])
      const url = await getSignedUrl(client, command, { expiresIn: 60, hoistableHeaders })
      const answer = await fetch(url, { method: 'PUT', body: 'content' })
      assert.equal([answer.status, await codeOf(answer)], [400, 'InvalidArgument'], url)
    }
    const { body } = await front.send({ method: 'GET', target: '/bucket' })
    assert.not.match(body, '<Key>')
  }))

test('encryption asked for in a presigned query is done', () =>
  withBucket(async (front, client) => {
    const command = new PutObjectCommand({ ...object, ServerSideEncryption: 'AES256' })
    const hoistableHeaders = new Set(['x-amz-server-side-encryption'])
    const url = await getSignedUrl(client, command, { expiresIn: 60, hoistableHeaders })
    assert.match(url, 'x-amz-server-side-encryption=AES256')
    const { status, headers } = await fetch(url, { method: 'PUT', body: 'content' })
    assert.equal([status, headers.get('x-amz-server-side-encryption')], [200, 'AES256'])
    assert.ok((await front.backend.getObject('bucket', object.Key)).record.envelope)
  }))

test('a parameter added to a presigned URL breaks its signature', () =>
  withBucket(async (_front, client) => {
    const url = await getSignedUrl(client, new PutObjectCommand(object), { expiresIn: 60 })
    const answer = await fetch(`${url}&x-amz-acl=private`, { method: 'PUT', body: 'content' })
    assert.is(await codeOf(answer), 'SignatureDoesNotMatch')
  }))

test('an expired presigned URL is refused', () =>
  withFrontEnd({ now: () => Date.now() + 61_000 }, async (front) => {
    await withSdk(front.url, async (client) => {
      const url = await getSignedUrl(client, new GetObjectCommand(object), { expiresIn: 60 })
      const answer = await fetch(url)
      assert.equal([answer.status, await codeOf(answer)], [403, 'AccessDenied'])
    })
  }))

test('a presigned URL sent with an Authorization header too is refused', () =>
  withBucket(async (_front, client) => {
    const url = await getSignedUrl(client, new GetObjectCommand(object), { expiresIn: 60 })
    const answer = await fetch(url, { headers: { authorization: 'AWS4-HMAC-SHA256 x' } })
    assert.is(await codeOf(answer), 'InvalidArgument')
  }))

test('minio-js presigns for get and put', () =>
  withBucket(async (front) => {
    const client = minioClient(front.url)
    const putUrl = await client.presignedPutObject('bucket', 'key', 60)
    assert.is((await fetch(putUrl, { method: 'PUT', body: 'content' })).status, 200)
    const getUrl = await client.presignedGetObject('bucket', 'key', 60, {
      'response-content-disposition': 'attachment; filename="x y.txt"',
    })
    const answer = await fetch(getUrl)
    assert.is(await answer.text(), 'content')
    assert.is(answer.headers.get('content-disposition'), 'attachment; filename="x y.txt"')
  }))

test.run()
