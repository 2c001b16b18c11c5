import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { alice, bob, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/access/bucket-policy')
const objects = 'arn:aws:s3:::hers/*'

async function setPolicy({ send }: TestFrontEnd, ...statements: readonly unknown[]): Promise<void> {
  const body = JSON.stringify({ Version: '2012-10-17', Statement: statements })
  assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, alice)).status, 204)
}

const put = (key: string, headers: Record<string, string> = {}) => ({
  method: 'PUT',
  target: `/hers/${key}`,
  body: 'data',
  headers,
})
const get = (target: string) => ({ method: 'GET', target })

/** Her bucket, with an object. */
async function withBucket(work: (front: TestFrontEnd) => Promise<void>, users?: readonly unknown[]) {
  await withFrontEnd(users === undefined ? {} : { users }, async (front) => {
    assert.is((await front.send({ method: 'PUT', target: '/hers' }, alice)).status, 200)
    assert.is((await front.send(put('key'), alice)).status, 200)
    await work(front)
  })
}

test('a policy is given back as it was set, and is gone when it is removed', async () => {
  await withBucket(async ({ send }) => {
    assert.is((await send(get('/hers?policy'), alice)).code, 'NoSuchBucketPolicy')
    const body = `{ "Statement": {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"${objects}"}}`
    assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, bob)).code, 'AccessDenied')
    assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, alice)).status, 204)
    const answer = await send(get('/hers?policy'), alice)
    assert.is(answer.body, body)
    assert.is(answer.headers['content-type'], 'application/json')
    assert.match((await send(get('/hers?policyStatus'), alice)).body, /<IsPublic>true</)
    assert.is((await send(get('/hers/key'), 'nobody')).body, 'data')
    assert.is((await send(get('/hers/none'), 'nobody')).code, 'AccessDenied')
    assert.is((await send({ method: 'DELETE', target: '/hers?policy' }, alice)).status, 204)
    assert.is((await send(get('/hers/key'), 'nobody')).code, 'AccessDenied')
    assert.match((await send(get('/hers?policyStatus'), alice)).body, /<IsPublic>false</)
    const malformed = await send({ method: 'PUT', target: '/hers?policy', body: '{"Statement":[]}' }, alice)
    assert.is(malformed.code, 'MalformedPolicy')
  })
})

test('what is not encrypted as the policy demands is refused, the root user’s too, before its headers are looked at', async () => {
  await withBucket(async (front) => {
    const deny = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: objects }
    const sse = 's3:x-amz-server-side-encryption'
    // As AWS's documents show it: one statement for the wrong encryption, one for none.
    await setPolicy(
      front,
      { Sid: 'DenyIncorrect', ...deny, Condition: { StringNotEquals: { [sse]: 'AES256' } } },
      { Sid: 'DenyUnencrypted', ...deny, Condition: { Null: { [sse]: 'true' } } },
    )
    const { send } = front
    for (const by of [alice, undefined]) {
      assert.is((await send(put('a'), by)).code, 'AccessDenied')
      for (const wrong of ['aws:kms', 'AES192', 'none']) {
        const refused = await send(put('a', { 'x-amz-server-side-encryption': wrong }), by)
        assert.is(refused.code, 'AccessDenied', wrong)
      }
      assert.is((await send(put('a', { 'x-amz-server-side-encryption': 'AES256' }), by)).status, 200)
    }
    const start = { method: 'POST', target: '/hers/big?uploads' }
    assert.is((await send(start, alice)).code, 'AccessDenied')
    const upload = await send({ ...start, headers: { 'x-amz-server-side-encryption': 'AES256' } }, alice)
    const id = /<UploadId>([^<]+)</.exec(upload.body)?.[1]
    // Parts do not repeat what the upload was begun with.
    const part = await send(
      { method: 'PUT', target: `/hers/big?partNumber=1&uploadId=${id}`, body: 'x' },
      alice,
    )
    assert.is(part.status, 200)
    const forged = await send(
      { method: 'PUT', target: '/hers/big?partNumber=1&uploadId=none', body: 'x' },
      alice,
    )
    assert.is(forged.code, 'AccessDenied')
  })
})

test('customer keys can be denied, and demanded', async () => {
  const customer = {
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-server-side-encryption-customer-key': 'pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=',
    'x-amz-server-side-encryption-customer-key-md5': 'DWygnHRtgiJ77HCm+1rvHw==',
  }
  const algorithm = 's3:x-amz-server-side-encryption-customer-algorithm'
  const deny = { Effect: 'Deny', Principal: { AWS: '*' }, Action: 's3:PutObject', Resource: objects }
  await withBucket(async (front) => {
    await setPolicy(front, { ...deny, Condition: { Null: { [algorithm]: 'false' } } })
    assert.is((await front.send(put('a', customer), alice)).code, 'AccessDenied')
    assert.is((await front.send(put('a'), alice)).status, 200)
    await setPolicy(front, { ...deny, Condition: { Null: { [algorithm]: 'true' } } })
    assert.is((await front.send(put('a'), alice)).code, 'AccessDenied')
    assert.is((await front.send(put('a', customer), alice)).status, 200)
  })
})

test('a policy that denies everything does not lock its owner out of the policy itself', async () => {
  await withBucket(async (front) => {
    const resources = ['arn:aws:s3:::hers', objects]
    await setPolicy(front, { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: resources })
    assert.is((await front.send(get('/hers/key'), alice)).code, 'AccessDenied')
    assert.is((await front.send(get('/hers/key'))).code, 'AccessDenied')
    assert.is((await front.send(get('/hers?policy'))).status, 200)
    assert.is((await front.send({ method: 'DELETE', target: '/hers?policy' }, bob)).code, 'AccessDenied')
    assert.is((await front.send({ method: 'DELETE', target: '/hers?policy' }, alice)).status, 204)
    assert.is((await front.send(get('/hers/key'), alice)).status, 200)
  })
})

test('tags of an object decide who reads it, and its reader cannot choose them', async () => {
  await withBucket(async (front) => {
    const { send } = front
    const condition = { StringEquals: { 's3:ExistingObjectTag/level': 'public' } }
    await setPolicy(
      front,
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: objects, Condition: condition },
      { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: objects },
    )
    assert.is((await send(get('/hers/key'), bob)).code, 'AccessDenied')
    assert.is((await send(put('key', { 'x-amz-tagging': 'level=public' }), bob)).code, 'AccessDenied')
    assert.is((await send(put('key', { 'x-amz-tagging': 'level=public' }), alice)).status, 200)
    assert.is((await send(get('/hers/key'), bob)).status, 200)
  })
})

test('missing objects are told to those who may list what they ask for', async () => {
  await withBucket(async (front) => {
    const condition = { StringLike: { 's3:prefix': 'public/*' } }
    const list = { Effect: 'Allow', Principal: '*', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::hers' }
    await setPolicy(front, { ...list, Condition: condition })
    assert.is((await front.send(get('/hers/public/none'), bob)).code, 'NoSuchKey')
    assert.is((await front.send(get('/hers/private/none'), bob)).code, 'AccessDenied')
    assert.is((await front.send(get('/hers/key'), bob)).code, 'AccessDenied')
    assert.is((await front.send(get('/hers?prefix=public%2Fx'), bob)).status, 200)
    assert.is((await front.send(get('/hers'), bob)).code, 'AccessDenied')
  })
})

test('an address counts as the client’s own when a trusted proxy says it', async () => {
  await withFrontEnd({ config: { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] } }, async (front) => {
    await front.send({ method: 'PUT', target: '/hers' }, alice)
    await front.send(put('key'), alice)
    const condition = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }
    const open = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: objects }
    await setPolicy(front, { ...open, Condition: condition })
    const from = async (forwarded?: string) => {
      const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
      return (await front.send({ ...get('/hers/key'), headers }, 'nobody')).status
    }
    assert.is(await from('192.0.2.9'), 200)
    assert.is(await from('192.0.2.9, 10.1.2.3'), 200)
    // What stands before the last address is the client's word.
    assert.is(await from('192.0.2.9, 198.51.100.1'), 403)
    assert.is(await from('192.0.2.9, nonsense'), 403)
    assert.is(await from('198.51.100.1'), 403)
    assert.is(await from(), 403)
  })
  await withBucket(async (front) => {
    const condition = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }
    const open = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: objects }
    await setPolicy(front, { ...open, Condition: condition })
    const headers = { 'x-forwarded-for': '192.0.2.9' }
    assert.is((await front.send({ ...get('/hers/key'), headers }, 'nobody')).status, 403)
  })
})

test('tags of a copy’s source need permission to be read, and those of its target to be set', async () => {
  await withBucket(async (front) => {
    const { send } = front
    await send({ method: 'PUT', target: '/his' }, bob)
    await send(put('tagged', { 'x-amz-tagging': 'level=public' }), alice)
    const readable = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: objects }
    await setPolicy(front, readable)
    const copy = (source: string, headers: Record<string, string> = {}) => ({
      method: 'PUT',
      target: '/his/copy',
      headers: { 'x-amz-copy-source': source, ...headers },
    })
    assert.is((await send(copy('/hers/key'), bob)).status, 200)
    assert.is((await send(copy('/hers/tagged'), bob)).code, 'AccessDenied')
    assert.is((await send(copy('/hers/tagged', { 'x-amz-tagging-directive': 'REPLACE' }), bob)).status, 200)
    await setPolicy(front, { ...readable, Action: ['s3:GetObject', 's3:GetObjectTagging'] })
    assert.is((await send(copy('/hers/tagged'), bob)).status, 200)
    const wanted = { 'x-amz-object-attributes': 'ETag' }
    assert.is((await send({ ...get('/hers/key?attributes'), headers: wanted }, bob)).code, 'AccessDenied')
  })
})

test('tags that a copy does not take over satisfy no policy', async () => {
  await withBucket(async (front) => {
    const Condition = { StringNotEquals: { 's3:RequestObjectTag/level': 'public' } }
    await setPolicy(front, {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objects,
      Condition,
    })
    const tagging = { 'x-amz-tagging': 'level=public' }
    const { status, code } = await front.send(put('new', tagging), alice)
    assert.is(status, 200, code)
    const copy = async (headers: Record<string, string> = {}) => {
      const { body: _, ...request } = put('copy', {
        'x-amz-copy-source': '/hers/key',
        ...tagging,
        ...headers,
      })
      return (await front.send(request, alice)).code
    }
    assert.is(await copy(), 'AccessDenied')
    assert.is(await copy({ 'x-amz-tagging-directive': 'COPY' }), 'AccessDenied')
    assert.is(await copy({ 'x-amz-tagging-directive': 'REPLACE' }), undefined)
  })
})

test('a user with a policy of their own has that and nothing more', async () => {
  const statement = [
    { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject', 's3:CreateBucket'], Resource: '*' },
    { Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::hers/secret/*' },
  ]
  const carol = { accessKey: 'CAROL', secretKey: 'carol-secret', id: 'carol-id', name: 'Carol' }
  const users = [alice, { ...carol, policy: { Version: '2012-10-17', Statement: statement } }]
  await withBucket(async ({ send }) => {
    assert.is((await send(get('/hers/key'), carol)).status, 200)
    assert.is((await send(get('/hers/secret/key'), carol)).code, 'AccessDenied')
    assert.is((await send(get('/hers'), carol)).code, 'AccessDenied')
    assert.is((await send({ method: 'DELETE', target: '/hers/key' }, carol)).code, 'AccessDenied')
    assert.is((await send({ method: 'PUT', target: '/carols' }, carol)).status, 200)
    assert.is((await send({ method: 'DELETE', target: '/carols' }, carol)).code, 'AccessDenied')
    assert.is((await send(get('/'), carol)).code, 'AccessDenied')
    const open = { method: 'PUT', target: '/carols2', headers: { 'x-amz-object-ownership': 'ObjectWriter' } }
    assert.is((await send(open, carol)).code, 'AccessDenied')
  }, users)
})

test('a public access block keeps a bucket from becoming public, and from being so', async () => {
  await withBucket(async (front) => {
    const { send } = front
    const block = (...names: readonly string[]) => ({
      method: 'PUT',
      target: '/hers?publicAccessBlock',
      body: `<PublicAccessBlockConfiguration>${names.map((name) => `<${name}>true</${name}>`).join('')}</PublicAccessBlockConfiguration>`,
    })
    const open = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: objects }
    assert.is(
      (await send(get('/hers?publicAccessBlock'), alice)).code,
      'NoSuchPublicAccessBlockConfiguration',
    )
    await setPolicy(front, open)
    assert.is((await send(block('RestrictPublicBuckets'), alice)).status, 200)
    assert.is((await send(get('/hers/key'), 'nobody')).code, 'AccessDenied')
    assert.is((await send(get('/hers/key'), bob)).code, 'AccessDenied')
    assert.is((await send(get('/hers/key'), alice)).status, 200)
    assert.is((await send(block('BlockPublicPolicy'), alice)).status, 200)
    const body = JSON.stringify({ Statement: open })
    assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, alice)).code, 'AccessDenied')
    await setPolicy(front, { ...open, Principal: { CanonicalUser: bob.id } })
    assert.is((await send(get('/hers/key'), bob)).status, 200)
    assert.is((await send(get('/hers/key'), 'nobody')).code, 'AccessDenied')
    assert.match((await send(get('/hers?publicAccessBlock'), alice)).body, /<BlockPublicPolicy>true</)
    assert.is((await send({ method: 'DELETE', target: '/hers?publicAccessBlock' }, alice)).status, 204)
    assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, alice)).status, 204)
  })
})

test('a denied version is denied however it is named: in the URL, as a copy’s source, in a document', async () => {
  await withBucket(async (front) => {
    const { send } = front
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
    await send({ method: 'PUT', target: '/hers?versioning', body }, alice)
    await send({ method: 'PUT', target: '/his' }, bob)
    const store = async () => String((await send(put('denied'), alice)).headers['x-amz-version-id'])
    const [first, second] = [await store(), await store()]
    const all = {
      Principal: '*',
      Action: ['s3:GetObjectVersion', 's3:DeleteObjectVersion'],
      Resource: objects,
    }
    const denied = { StringEquals: { 's3:VersionId': first } }
    await setPolicy(front, { ...all, Effect: 'Allow' }, { ...all, Effect: 'Deny', Condition: denied })
    const copy = (version: string) => {
      const headers = { 'x-amz-copy-source': `/hers/denied?versionId=${version}` }
      return send({ method: 'PUT', target: '/his/copy', headers }, bob)
    }
    const deleting = `<Delete>${[first, second].map((id) => `<Object><Key>denied</Key><VersionId>${id}</VersionId></Object>`).join('')}</Delete>`
    const md5 = { 'content-md5': createHash('md5').update(deleting).digest('base64') }
    assert.is((await send(get(`/hers/denied?versionId=${first}`), bob)).code, 'AccessDenied')
    assert.is((await send(get(`/hers/denied?versionId=${second}`), bob)).status, 200)
    assert.equal([(await copy(first)).code, (await copy(second)).status], ['AccessDenied', 200])
    const outcome = await send({ method: 'POST', target: '/hers?delete', body: deleting, headers: md5 }, bob)
    assert.match(outcome.body, new RegExp(`<Error><Key>denied</Key><VersionId>${first}`))
    assert.match(outcome.body, new RegExp(`<Deleted><Key>denied</Key><VersionId>${second}`))
  })
})

test('a stored policy that exceeds a bound of today denies everything, and its owner can replace it', async () => {
  await withBucket(async ({ backend, send }) => {
    const open = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }
    const stored = {
      Statement: { ...open, Resource: ['arn:aws:s3:::hers/*', `arn:aws:s3:::hers/*${'?'.repeat(300)}*`] },
    }
    await backend.setBucketSetting('hers', 'policy', JSON.stringify(stored))
    for (const by of [alice, bob, undefined, 'nobody'] as const) {
      assert.is((await send(get('/hers/key'), by)).code, 'AccessDenied')
    }
    assert.is((await send(get('/hers?policy'), alice)).status, 200)
    const body = JSON.stringify(stored)
    assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, alice)).code, 'MalformedPolicy')
    assert.is((await send({ method: 'DELETE', target: '/hers?policy' }, alice)).status, 204)
    assert.is((await send(get('/hers/key'), alice)).status, 200)
  })
})

test.run()
