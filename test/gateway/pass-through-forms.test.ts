import { createHash, randomBytes } from 'node:crypto'
import { CreateBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { type Fields, postForm, signForm } from '../support/forms.ts'
import { credential, type ServedFrontEnd, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { sendSigned } from '../support/signed-request.ts'

const test = suite('gateway/pass-through-forms')
const bucket = 'bucket'

interface Sites {
  readonly gateway: ServedFrontEnd
  readonly store: ServedFrontEnd
}

/** A store that encrypts, and a gateway that does not. */
function withGateway(work: (sites: Sites) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore(keys))
    const gateway = keep(await serveGateway(store.url, { config: { systemBucket: 'none.system' } }))
    await gateway.client.send(new CreateBucketCommand({ Bucket: bucket }))
    await work({ gateway, store })
  })
}

const signed = (fields: Fields) => signForm(fields, { signer: credential, bucket })

test('a form goes to the store as the PUT that it stands for, with its fields as headers', () =>
  withGateway(async ({ gateway, store }) => {
    const fields = signed({
      key: 'up/a b',
      'content-type': 'text/x-test',
      'x-amz-meta-who': 'Zoë',
      'x-amz-server-side-encryption': 'AES256',
      tagging: '<Tagging><TagSet><Tag><Key>a+b</Key><Value>1 2</Value></Tag></TagSet></Tagging>',
    })
    for (const file of [Buffer.from('small'), randomBytes(300_000)]) {
      const answer = await postForm(gateway.url, fields, { bucket, file })
      assert.is(answer.status, 204, answer.body)
      assert.is(answer.headers.get('etag'), `"${createHash('md5').update(file).digest('hex')}"`)
      assert.is(answer.headers.get('location'), `${gateway.url}/bucket/up/a%20b`)
      assert.is(answer.headers.get('x-amz-server-side-encryption'), 'AES256')
      const head = await store.client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'up/a b' }))
      assert.is(head.ContentLength, file.length)
      assert.is(head.ContentType, 'text/x-test')
      assert.is(head.ServerSideEncryption, 'AES256')
      // The SDK takes the bytes of a header for Latin-1.
      assert.is(Buffer.from(head.Metadata?.who ?? '', 'latin1').toString(), 'Zoë')
      assert.is(head.TagCount, 1)
    }
  }))

test('the location of a completed upload is the address that its client has used', () =>
  withGateway(async ({ gateway, store }) => {
    for (const { url } of [store, gateway]) {
      const send = (method: string, rest: string, body: string | Uint8Array = '') =>
        sendSigned(url, { method, target: `/bucket/a%20b%26${rest}`, body }, credential)
      const uploadId = /<UploadId>([^<]+)</.exec((await send('POST', '?uploads')).body)?.[1]
      const { headers } = await send('PUT', `?partNumber=1&uploadId=${uploadId}`, 'content')
      const part = `<Part><PartNumber>1</PartNumber><ETag>${headers.etag}</ETag></Part>`
      const document = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`
      const answer = await send('POST', `?uploadId=${uploadId}`, document)
      assert.is(/<Location>(.*)<\/Location>/.exec(answer.body)?.[1], `${url}/bucket/a%20b%26`)
      assert.match(answer.body, /<Key>a b&amp;<\/Key><ETag>(&quot;|")[0-9a-f]{32}-1/)
    }
  }))

test('a form gets the answer that it asks for', () =>
  withGateway(async ({ gateway }) => {
    const created = signed({ key: 'k', success_action_status: '201' })
    const answer = await postForm(gateway.url, created, { bucket })
    assert.is(answer.status, 201)
    assert.match(answer.headers.get('content-type') ?? '', /xml/)
    assert.match(
      answer.body,
      /<Location>http:\/\/127\.0\.0\.1:\d+\/bucket\/k<.*<Key>k<.*<ETag>(&quot;|")8d777f385d3dfec8815d20f7496026dc/,
    )
    const redirected = signed({ key: 'k', success_action_redirect: 'https://example.com/done' })
    const next = await postForm(gateway.url, redirected, { bucket })
    assert.is(next.status, 303)
    assert.match(
      next.headers.get('location') ?? '',
      /^https:\/\/example\.com\/done\?bucket=bucket&key=k&etag=/,
    )
  }))

test('a form that is not allowed, or that the store refuses, makes nothing', () =>
  withGateway(async ({ gateway }) => {
    const fields = signed({ key: 'k' })
    const wrong = signForm({ key: 'k' }, { signer: { ...credential, secretKey: 'wrong' }, bucket })
    const refused: readonly [Fields, bucketName: string, code: string][] = [
      [wrong, bucket, 'SignatureDoesNotMatch'],
      [{ key: 'k' }, bucket, 'AccessDenied'],
      [{ ...fields, 'x-amz-meta-a': 'b' }, bucket, 'AccessDenied'],
      [{ ...fields, 'x-amz-checksum-crc32': 'AAAAAA==' }, bucket, 'BadDigest'],
      [signForm({ key: 'k' }, { signer: credential, bucket: 'none.system' }), 'none.system', 'NoSuchBucket'],
      [signForm({ key: 'k' }, { signer: credential, bucket: 'nowhere' }), 'nowhere', 'NoSuchBucket'],
      [signed({ key: 'k', 'x-amz-server-side-encryption': 'AES128' }), bucket, 'InvalidArgument'],
      [signed({ key: 'k', 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }), bucket, 'BadDigest'],
    ]
    for (const [form, name, code] of refused) {
      assert.is((await postForm(gateway.url, form, { bucket: name })).code, code)
    }
    const got = await sendSigned(gateway.url, { method: 'GET', target: '/bucket/k' }, credential)
    assert.is(got.code, 'NoSuchKey')
  }))

test.run()
