import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { alice, bob, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/access/acl')
const get = (target: string) => ({ method: 'GET', target })
const put = (target: string, headers: Record<string, string> = {}, body = 'data') => ({
  method: 'PUT',
  target,
  headers,
  body,
})
const make = (headers: Record<string, string> = {}) => ({ method: 'PUT', target: '/hers', headers })
const writers = { 'x-amz-object-ownership': 'ObjectWriter' }

async function withBucket(headers: Record<string, string>, work: (front: TestFrontEnd) => Promise<void>) {
  await withFrontEnd({}, async (front) => {
    assert.is((await front.send(make(headers), alice)).status, 200)
    await work(front)
  })
}

test('where objects belong to the bucket’s owner, lists are shown and nothing else', async () => {
  await withBucket({}, async ({ send }) => {
    assert.match((await send(get('/hers?ownershipControls'), alice)).body, />BucketOwnerEnforced</)
    assert.is(
      (await send(put('/hers/a', { 'x-amz-acl': 'public-read' }), alice)).code,
      'AccessControlListNotSupported',
    )
    assert.is(
      (await send(put('/hers?acl', { 'x-amz-acl': 'public-read' }, ''), alice)).code,
      'AccessControlListNotSupported',
    )
    // Clients that send these without being asked get what they ask for.
    for (const acl of ['private', 'bucket-owner-full-control', 'bucket-owner-read']) {
      assert.is((await send(put('/hers/a', { 'x-amz-acl': acl }), alice)).status, 200, acl)
      assert.is((await send(put('/hers/a?acl', { 'x-amz-acl': acl }, ''), alice)).status, 200, acl)
    }
    const list = (await send(get('/hers/a?acl'), alice)).body
    assert.match(
      list,
      /<ID>alice-id<\/ID><DisplayName>Alice<\/DisplayName><\/Grantee><Permission>FULL_CONTROL</,
    )
    assert.is((await send(put('/hers?acl', {}, list), alice)).status, 200)
    const opened = list.replace('</AccessControlList>', `${grant('public')}</AccessControlList>`)
    assert.is((await send(put('/hers?acl', {}, opened), alice)).code, 'AccessControlListNotSupported')
  })
  await withBucket({ 'x-amz-object-ownership': 'BucketOwnerEnforced' }, async ({ send }) => {
    assert.is(
      (await send(put('/hers/a', { 'x-amz-acl': 'private' }), alice)).code,
      'AccessControlListNotSupported',
    )
  })
  await withFrontEnd({}, async ({ send }) => {
    const refused = await send(make({ 'x-amz-acl': 'public-read' }), alice)
    assert.is(refused.code, 'InvalidBucketAclWithObjectOwnership')
    assert.is((await send(get('/hers'))).code, 'NoSuchBucket')
  })
})

test('canned lists open buckets and objects as far as their names say', async () => {
  await withBucket({ ...writers, 'x-amz-acl': 'public-read' }, async ({ send }) => {
    await send(put('/hers/private'), alice)
    await send(put('/hers/open', { 'x-amz-acl': 'public-read' }), alice)
    await send(put('/hers/known', { 'x-amz-acl': 'authenticated-read' }), alice)
    assert.is((await send(get('/hers'), 'nobody')).status, 200)
    assert.is((await send(get('/hers/open'), 'nobody')).status, 200)
    assert.is((await send(get('/hers/private'), 'nobody')).code, 'AccessDenied')
    assert.is((await send(get('/hers/known'), 'nobody')).code, 'AccessDenied')
    assert.is((await send(get('/hers/known'), bob)).status, 200)
    assert.is((await send(get('/hers/none'), bob)).code, 'NoSuchKey')
    assert.is((await send(put('/hers/new'), bob)).code, 'AccessDenied')
    assert.is((await send(get('/hers/open?acl'), bob)).code, 'AccessDenied')
    assert.is((await send(put('/hers?acl', { 'x-amz-acl': 'public-read-write' }, ''), alice)).status, 200)
    assert.is((await send(put('/hers/new'), bob)).status, 200)
    // What he wrote is his: its owner reads it, she cannot.
    assert.is((await send(get('/hers/new'), bob)).status, 200)
    assert.is((await send(get('/hers/new'), alice)).code, 'AccessDenied')
    assert.is((await send({ method: 'DELETE', target: '/hers/new' }, alice)).status, 204)
    assert.is((await send(put('/hers/open?acl', { 'x-amz-acl': 'private' }, ''), alice)).status, 200)
    assert.is((await send(get('/hers/open'), 'nobody')).code, 'AccessDenied')
  })
})

test('what a writer gives the bucket’s owner in full is the owner’s where the bucket prefers that', async () => {
  await withBucket(
    { 'x-amz-object-ownership': 'BucketOwnerPreferred', 'x-amz-acl': 'public-read-write' },
    async ({ send }) => {
      await send(put('/hers/given', { 'x-amz-acl': 'bucket-owner-full-control' }), bob)
      await send(put('/hers/kept'), bob)
      assert.match((await send(get('/hers/given?acl'), alice)).body, /<Owner><ID>alice-id</)
      assert.match((await send(get('/hers/kept?acl'), bob)).body, /<Owner><ID>bob-id</)
      assert.match((await send(get('/hers'), alice)).body, /<ID>bob-id<\/ID>/)
      // From now on everything is hers.
      assert.is((await send(put('/hers?acl', { 'x-amz-acl': 'private' }, ''), alice)).status, 200)
      const enforced =
        '<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>'
      assert.is((await send(put('/hers?ownershipControls', {}, enforced), alice)).status, 200)
      assert.is((await send(get('/hers/kept'), alice)).status, 200)
      assert.is((await send(get('/hers/kept'), bob)).code, 'AccessDenied')
    },
  )
})

test('grants name users by id and e-mail address, and groups', async () => {
  await withBucket(writers, async ({ send }) => {
    await send(put('/hers/a', { 'x-amz-grant-read': 'emailAddress="BOB@example.com"' }), alice)
    assert.is((await send(get('/hers/a'), bob)).status, 200)
    assert.is((await send(get('/hers/a?acl'), bob)).code, 'AccessDenied')
    await send(
      put('/hers/a', { 'x-amz-grant-read-acp': 'id=bob-id', 'x-amz-grant-full-control': 'id="alice-id"' }),
      alice,
    )
    assert.is((await send(get('/hers/a?acl'), bob)).status, 200)
    assert.is((await send(get('/hers/a'), bob)).code, 'AccessDenied')
    const document = `<AccessControlPolicy><Owner><ID>alice-id</ID></Owner><AccessControlList>${grant('public')}${grant('bob')}</AccessControlList></AccessControlPolicy>`
    assert.is((await send(put('/hers/a?acl', {}, document), alice)).status, 200)
    assert.is((await send(get('/hers/a'), 'nobody')).status, 200)
    assert.is((await send(put('/hers/a?acl', {}, document), bob)).status, 200)
    const refused: [headers: Record<string, string>, body: string, code: string][] = [
      [{ 'x-amz-grant-read': 'id=nobody' }, '', 'InvalidArgument'],
      [{ 'x-amz-grant-read': 'uri=http://x/AllUsers' }, '', 'InvalidArgument'],
      [{ 'x-amz-grant-read': 'emailAddress=x@y' }, '', 'UnresolvableGrantByEmailAddress'],
      [{ 'x-amz-grant-read': 'everybody' }, '', 'InvalidArgument'],
      [{ 'x-amz-acl': 'open' }, '', 'InvalidArgument'],
      [{ 'x-amz-acl': 'private', 'x-amz-grant-read': 'id=bob-id' }, '', 'InvalidRequest'],
      [{ 'x-amz-acl': 'private' }, document, 'UnexpectedContent'],
      [{}, document.replace('READ', 'LOOK'), 'MalformedACLError'],
      [{}, document.replace('alice-id', 'bob-id'), 'AccessDenied'],
      [{}, '<AccessControlPolicy/>', 'MalformedACLError'],
      [{}, 'x', 'MalformedACLError'],
    ]
    for (const [headers, body, code] of refused) {
      assert.is(
        (await send(put('/hers/a?acl', headers, body), alice)).code,
        code,
        JSON.stringify(headers) + body,
      )
    }
  })
})

test('who may write by a policy alone needs another permission to open what is written to others', async () => {
  const allow = (...Action: string[]) => ({ Statement: { Effect: 'Allow', Action, Resource: '*' } })
  const carol = { accessKey: 'CAROL', secretKey: 'carol-secret', id: 'carol-id', name: 'Carol' }
  const writer = { ...carol, policy: allow('s3:PutObject') }
  const opener = { ...carol, accessKey: 'OPENER', id: 'opener-id', policy: allow('s3:PutObject*') }
  await withFrontEnd({ users: [alice, bob, writer, opener] }, async ({ send }) => {
    await send(make(writers), alice)
    const open = { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: 'arn:aws:s3:::hers/*' }
    await send(put('/hers?policy', {}, JSON.stringify({ Statement: open })), alice)
    const lists: [headers: Record<string, string>, opens: boolean][] = [
      [{ 'x-amz-acl': 'private' }, false],
      [{ 'x-amz-acl': 'bucket-owner-full-control' }, false],
      [{ 'x-amz-grant-full-control': 'id="alice-id"' }, false],
      [{ 'x-amz-acl': 'public-read' }, true],
      [{ 'x-amz-acl': 'authenticated-read' }, true],
      [{ 'x-amz-grant-read': 'id=alice-id, uri=http://acs.amazonaws.com/groups/global/AllUsers' }, true],
      [{ 'x-amz-grant-read': 'id=opener-id' }, true],
      [{ 'x-amz-grant-read': 'id=alice-id', 'x-amz-grant-write-acp': 'emailAddress=bob@example.com' }, true],
    ]
    for (const [headers, opens] of lists) {
      for (const by of [writer, { ...bob, id: 'bob-id' }, 'nobody'] as const) {
        const { status } = await send(put('/hers/a', headers), by)
        assert.is(status, opens ? 403 : 200, JSON.stringify([headers, by]))
      }
      for (const by of [alice, opener, undefined]) {
        assert.is((await send(put('/hers/b', headers), by)).status, 200, JSON.stringify(headers))
      }
    }
    const copy = { 'x-amz-copy-source': '/hers/b', 'x-amz-acl': 'public-read' }
    const reader = { ...open, Action: ['s3:PutObject', 's3:GetObject'] }
    await send(put('/hers?policy', {}, JSON.stringify({ Statement: reader })), alice)
    assert.is((await send(put('/hers/a', copy, ''), bob)).code, 'AccessDenied')
    // Whom the bucket's list lets write may open what they write.
    await send({ method: 'DELETE', target: '/hers?policy' }, alice)
    await send(put('/hers?acl', { 'x-amz-acl': 'public-read-write' }, ''), alice)
    assert.is((await send(put('/hers/c', { 'x-amz-acl': 'public-read' }), bob)).status, 200)
    assert.is((await send(put('/hers/c', { 'x-amz-acl': 'public-read' }), writer)).status, 200)
  })
})

test('blocked public lists are refused, ignored ones do not count', async () => {
  const block = (name: string) =>
    put(
      '/hers?publicAccessBlock',
      {},
      `<PublicAccessBlockConfiguration><${name}>TRUE</${name}></PublicAccessBlockConfiguration>`,
    )
  await withBucket({ ...writers, 'x-amz-acl': 'public-read' }, async ({ send }) => {
    await send(block('BlockPublicAcls'), alice)
    for (const acl of ['public-read', 'public-read-write', 'authenticated-read']) {
      assert.is((await send(put('/hers/a', { 'x-amz-acl': acl }), alice)).code, 'AccessDenied')
      assert.is((await send(put('/hers?acl', { 'x-amz-acl': acl }, ''), alice)).code, 'AccessDenied')
    }
    assert.is((await send(get('/hers'), 'nobody')).status, 200)
    await send(block('IgnorePublicAcls'), alice)
    assert.is((await send(get('/hers'), 'nobody')).code, 'AccessDenied')
    assert.match((await send(get('/hers?policyStatus'), alice)).body, /<IsPublic>false</)
  })
})

test('a bucket whose list opens it cannot be made to ignore lists unseen', async () => {
  await withBucket({ ...writers, 'x-amz-acl': 'public-read' }, async ({ send }) => {
    const enforced =
      '<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>'
    const refused = await send(put('/hers?ownershipControls', {}, enforced), alice)
    assert.is(refused.code, 'InvalidBucketAclWithObjectOwnership')
    assert.is(
      (await send(put('/hers?ownershipControls', {}, '<OwnershipControls/>'), alice)).code,
      'MalformedXML',
    )
    assert.is((await send({ method: 'DELETE', target: '/hers?ownershipControls' }, alice)).status, 204)
    // The server's default is what counts now.
    assert.is((await send(get('/hers'), 'nobody')).code, 'AccessDenied')
  })
})

function grant(to: 'public' | 'bob'): string {
  const grantee =
    to === 'bob' ? '<ID>bob-id</ID>' : '<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>'
  const permission = to === 'bob' ? 'WRITE_ACP' : 'READ'
  return `<Grant><Grantee>${grantee}</Grantee><Permission>${permission}</Permission></Grant>`
}

test('a version id that is empty names no version', async () => {
  await withBucket({}, async ({ send }) => {
    await send(put('/hers/a'), alice)
    const list = (await send(get('/hers/a?acl'), alice)).body
    assert.is((await send(get('/hers/a?acl&versionId='), alice)).code, 'InvalidArgument')
    assert.is((await send(put('/hers/a?acl&versionId=', {}, list), alice)).code, 'InvalidArgument')
  })
})

test.run()
