import { createHash, createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { patternBytes } from '../../support/bytes.ts'
import { type Fields, type PostedForm, postForm, signForm } from '../../support/forms.ts'
import { alice, bob, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import type { Signer } from '../../support/signed-request.ts'

const test = suite('s3api/operations/post-object')

function post({ url }: TestFrontEnd, fields: Fields, form: Partial<PostedForm> = {}) {
  return postForm(url, fields, { bucket: 'hers', ...form })
}

function signed(fields: Fields, signer: Signer = alice, conditions: readonly unknown[] = []): Fields {
  return signForm(fields, { signer, bucket: 'hers', conditions })
}

async function withBucket(work: (front: TestFrontEnd) => Promise<void>): Promise<void> {
  await withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/hers' }, alice)
    await work(front)
  })
}

test('a signed form makes the object that its fields describe', async () => {
  await withBucket(async (front) => {
    const fields = signed({
      key: 'up/a b',
      'Content-Type': 'text/x-test',
      'x-amz-meta-who': 'Zoë',
      tagging: '<Tagging><TagSet><Tag><Key>a+b</Key><Value>1 2</Value></Tag></TagSet></Tagging>',
    })
    const file = patternBytes(300_000)
    const answer = await post(front, fields, { file: Buffer.from(file) })
    assert.is(answer.status, 204, answer.body)
    assert.is(answer.headers.get('etag'), `"${createHash('md5').update(file).digest('hex')}"`)
    assert.is(answer.headers.get('location'), `${front.url}/hers/up/a%20b`)
    const got = await front.send({ method: 'GET', target: '/hers/up/a%20b' }, alice)
    assert.is(got.headers['content-type'], 'text/x-test')
    assert.is(got.headers['x-amz-tagging-count'], '1')
    assert.is(got.headers['content-length'], '300000')
    const tags = await front.send({ method: 'GET', target: '/hers/up/a%20b?tagging' }, alice)
    assert.match(tags.body, /<Key>a\+b<\/Key><Value>1 2<\/Value>/)
  })
})

test('tags of a form that are no document of tags are refused, and nothing is stored', () =>
  withBucket(async (front) => {
    const tag = '<Tag><Key>a</Key><Value>1</Value></Tag>'
    for (const tagging of [
      'a=1',
      ' ',
      '<Tagging/>',
      `<Tagging>${tag}</Tagging>`,
      '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
      '<Tagging><TagSet><Tag><Value>1</Value></Tag></TagSet></Tagging>',
      `<Tagging><TagSet>${tag}</TagSet>`,
    ]) {
      const answer = await post(front, signed({ key: 'tagged', tagging }))
      assert.is(answer.status, 400, tagging)
      assert.match(answer.body, /<Code>MalformedXML<\/Code>/)
    }
    const head = await front.send({ method: 'HEAD', target: '/hers/tagged' }, alice)
    assert.is(head.status, 404)
    const whole = await post(
      front,
      signed({ key: 'tagged', tagging: `<Tagging><TagSet>${tag}</TagSet></Tagging>` }),
    )
    assert.is(whole.status, 204)
  }))

test('any field takes the name of the file where it wants that, and the policy judges what comes of it', () =>
  withBucket(async (front) => {
    const variable = ['$', '{filename}'].join('')
    const conditions = [
      ['starts-with', '$key', 'up/a'],
      ['starts-with', '$x-amz-meta-name', '<a'],
    ]
    const fields = {
      ...signed({}, alice, conditions),
      key: `up/${variable}`,
      'x-amz-meta-name': `<${variable}>`,
    }
    const made = await post(front, fields, { name: 'C:\\temp\\a.txt' })
    assert.is(made.status, 204, made.body)
    const { headers } = await front.send({ method: 'HEAD', target: '/hers/up/a.txt' }, alice)
    assert.is(headers['x-amz-meta-name'], '<a.txt>')
    const refused = await post(front, fields, { name: 'b.txt' })
    assert.is(refused.status, 403, refused.body)
  }))

test('every kind of encryption can be asked for in fields', async () => {
  await withBucket(async (front) => {
    const customer = {
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key': 'pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=',
      'x-amz-server-side-encryption-customer-key-md5': 'DWygnHRtgiJ77HCm+1rvHw==',
    }
    const kms = {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'my-minio-key',
    }
    const stored = async (encryption: Fields, headers: Record<string, string> = {}) => {
      const answer = await post(front, signed({ key: 'k', ...encryption }))
      assert.is(answer.status, 204, answer.body)
      return front.send({ method: 'GET', target: '/hers/k', headers }, alice)
    }
    assert.is(
      (await stored({ 'x-amz-server-side-encryption': 'AES256' })).headers['x-amz-server-side-encryption'],
      'AES256',
    )
    assert.is((await stored(kms)).headers['x-amz-server-side-encryption-aws-kms-key-id'], 'my-minio-key')
    assert.is((await stored(customer)).status, 400)
    assert.is((await stored(customer, customer)).body, 'data')
    const wrong = await post(front, signed({ key: 'k', 'x-amz-server-side-encryption': 'AES128' }))
    assert.is(wrong.code, 'InvalidArgument')
    const body = JSON.stringify({
      Statement: {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:PutObject',
        Resource: 'arn:aws:s3:::hers/*',
        Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } },
      },
    })
    assert.is((await front.send({ method: 'PUT', target: '/hers?policy', body }, alice)).status, 204)
    assert.is((await post(front, signed({ key: 'k' }))).code, 'AccessDenied')
    assert.is((await post(front, signed({ key: 'k', 'x-amz-server-side-encryption': 'AES256' }))).status, 204)
  })
})

test('a form may do what its signer may, and says no more than its policy', async () => {
  await withBucket(async (front) => {
    assert.is((await post(front, signed({ key: 'k' }, bob))).code, 'AccessDenied')
    assert.is((await post(front, { key: 'k' })).code, 'AccessDenied')
    assert.is((await post(front, { ...signed({ key: 'k' }), acl: 'private' })).code, 'AccessDenied')
    assert.is((await post(front, { ...signed({ key: 'k' }), key: 'other' })).code, 'AccessDenied')
    assert.is(
      (await post(front, signed({ key: 'k' }, { ...alice, secretKey: 'wrong' }))).code,
      'SignatureDoesNotMatch',
    )
    assert.is(
      (await post(front, signed({ key: 'k' }, { ...alice, accessKey: 'NOBODY' }))).code,
      'InvalidAccessKeyId',
    )
    assert.is(
      (await post(front, { ...signed({ key: 'k' }), 'x-amz-security-token': 'x' })).code,
      'InvalidToken',
    )
    const { policy: _policy, ...unsigned } = signed({ key: 'k' })
    assert.is((await post(front, unsigned)).code, 'InvalidArgument')
    const short = signed({ key: 'k' }, alice, [['content-length-range', 0, 3]])
    assert.is((await post(front, short)).code, 'EntityTooLarge')
    assert.is((await post(front, signed({ key: 'k' }), { bucket: 'none' })).status, 403)
    const otherKey = await post(front, { ...signed({ key: 'k' }), key: 'other' })
    assert.match(otherKey.body, 'Policy Condition failed: [&quot;eq&quot;, &quot;$key&quot;, &quot;k&quot;]')
    const wrongSum = await post(front, { ...signed({ key: 'k' }), 'x-amz-checksum-crc32': 'AAAAAA==' })
    assert.is(wrongSum.code, 'BadDigest')
    assert.is((await post(front, signed({ key: 'k', 'x-amz-meta-a': 'b\u0001' }))).code, 'InvalidArgument')
    for (const name of ['x-amz-meta-ü', 'x-amz-meta-a b'])
      assert.is((await post(front, signed({ key: 'k', [name]: '1' }))).code, 'InvalidArgument', name)
    assert.is((await post(front, signed({ key: 'k\0' }))).code, 'InvalidURI')
    assert.is((await front.send({ method: 'GET', target: '/hers/k' }, alice)).code, 'NoSuchKey')
  })
})

test('success is told as the form wants it', async () => {
  await withBucket(async (front) => {
    const created = await post(front, signed({ key: 'a&b', success_action_status: '201' }))
    assert.is(created.status, 201)
    const location = `${front.url}/hers/a%26b`
    assert.is(created.headers.get('location'), location)
    assert.match(
      created.body,
      `<PostResponse><Location>${location}</Location><Bucket>hers</Bucket><Key>a&amp;b<`,
    )
    assert.is((await post(front, signed({ key: 'k', success_action_status: '200' }))).status, 200)
    assert.is((await post(front, signed({ key: 'k', success_action_status: '404' }))).status, 204)
    const redirected = await post(
      front,
      signed({ key: 'a b', success_action_redirect: 'https://example.com/done?x=1' }),
    )
    assert.is(redirected.status, 303)
    const etag = encodeURIComponent(`"${createHash('md5').update('data').digest('hex')}"`)
    assert.is(
      redirected.headers.get('location'),
      `https://example.com/done?x=1&bucket=hers&key=a%20b&etag=${etag}`,
    )
    const nowhere = signed({ key: 'k', success_action_redirect: 'javascript:alert(1)' })
    assert.is((await post(front, nowhere)).status, 204)
  })
})

test('forms signed with Signature V2 are accepted unless it is off', async () => {
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(Date.now() + 60_000).toISOString(),
      conditions: [{ bucket: 'hers' }, ['starts-with', '$key', '']],
    }),
  ).toString('base64')
  const signature = createHmac('sha1', alice.secretKey).update(policy).digest('base64')
  const form = { key: 'k', AWSAccessKeyId: alice.accessKey, policy, signature }
  await withBucket(async (front) => {
    assert.is((await post(front, form)).status, 204)
    assert.is((await post(front, { ...form, signature: `${signature}x` })).code, 'SignatureDoesNotMatch')
    const { signature: _signature, ...without } = form
    assert.is((await post(front, without)).code, 'InvalidArgument')
  })
  await withFrontEnd({ config: { signatureV2: 'off' } }, async (front) => {
    await front.send({ method: 'PUT', target: '/hers' }, alice)
    assert.is((await post(front, form)).code, 'InvalidRequest')
  })
})

test.run()
