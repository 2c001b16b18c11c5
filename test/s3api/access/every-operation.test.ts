import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needsOf } from '../../../s3api/access/needs.ts'
import type { Operation } from '../../../s3api/operation.ts'
import { operations } from '../../../s3api/operations/index.ts'
import { alice, bob, withFrontEnd } from '../../support/front-end.ts'
import { openRaw } from '../../support/raw-http.ts'
import { signedHead } from '../../support/raw-uploads.ts'
import type { Signer } from '../../support/signed-request.ts'

const test = suite('s3api/access/every-operation')

/** They name what they work on in their bodies, and ask for each of it there; tests of their own prove that. */
const askedInTheBody = new Set(['DeleteObjects', 'PostObject', 'PutObjectTagging'])

/** A request that the operation's row matches. */
function requestFor({ method, scope, query = [], header }: Operation) {
  const path = { service: '/', bucket: '/private', object: '/private/key' }[scope]
  const named = query.map((name) => `${name}=${name === 'list-type' ? '2' : '1'}`)
  return {
    method,
    target: named.length === 0 ? path : `${path}?${named.join('&')}`,
    headers: header?.present === true ? { [header.name]: '/private/key' } : {},
  }
}

test('no operation begins before it is allowed, whoever sends the request', async () => {
  const begun: string[] = []
  const rows: readonly Operation[] = operations
  const watched = rows.map((row) => ({
    ...row,
    handle: async () => {
      begun.push(row.name)
      return { status: 200 }
    },
  }))
  const barred = { ...bob, policy: { Statement: { Effect: 'Deny', Action: '*', Resource: '*' } } }
  await withFrontEnd({ users: [alice, barred], operations: watched }, async ({ backend, send }) => {
    await backend.createBucket('private', { owner: 'somebody-else' })
    for (const row of rows) {
      if (askedInTheBody.has(row.name)) continue
      const request = requestFor(row)
      for (const by of ['nobody', alice, barred] as const) {
        // Whoever has an account may list the buckets that are theirs, and make some.
        if (by === alice && ['ListBuckets', 'CreateBucket'].includes(row.name)) continue
        const { status } = await send(request, by)
        assert.is(status, 403, `${row.name} for ${by === 'nobody' ? by : by.name}`)
      }
      assert.equal(begun, [], row.name)
      assert.is((await send(request)).status, 200, row.name)
      assert.equal(begun.splice(0), [row.name])
    }
  })
})

test('an operation that asks for nothing beforehand says what its body asks for, or is a form', () => {
  const rows: readonly Operation[] = operations
  for (const row of rows) {
    const { target, ...request } = requestFor(row)
    const facts = { rawUrl: target, bucket: 'b', key: 'k', secure: true, remoteAddress: '', query: new Map() }
    const headers = new Map(Object.entries(request.headers))
    const needs = needsOf(row, { ...facts, method: request.method, headers })
    const later = needs.every(({ anyKey, tagsToCome }) => anyKey === true || tagsToCome === true)
    assert.is(later, row.needsOfBody !== undefined, row.name)
    if (row.form !== true) assert.is(askedInTheBody.has(row.name), later, row.name)
  }
})

test('each key of a multi-object delete is asked for', async () => {
  await withFrontEnd({}, async ({ backend, send }) => {
    await backend.createBucket('private', { owner: alice.id })
    const body = '<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>'
    const request = { method: 'POST', target: '/private?delete', body }
    const md5 = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const denied = await send({ ...request, headers: md5 }, bob)
    assert.is(denied.body.match(/<Code>AccessDenied<\/Code>/g)?.length, 2)
    assert.not.match((await send({ ...request, headers: md5 }, alice)).body, /AccessDenied/)
  })
})

test('what can name no object is refused before a policy is asked about it', async () => {
  await withFrontEnd({}, async ({ backend, send }) => {
    await backend.createBucket('hers', { owner: alice.id })
    const long = 'a'.repeat(1025)
    const body = `<Delete><Object><Key>${long}</Key></Object><Object><Key>a</Key><VersionId>${long}</VersionId></Object></Delete>`
    const md5 = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const answer = await send({ method: 'POST', target: '/hers?delete', body, headers: md5 }, alice)
    assert.equal(answer.body.match(/<Code>\w+/g), ['<Code>KeyTooLongError', '<Code>InvalidArgument'])
  })
})

test('a tagging document is read before its sender is judged only where a policy asks about tags', async () => {
  await withFrontEnd({}, async ({ frontEnd, send }) => {
    await send({ method: 'PUT', target: '/hers' }, alice)
    await send({ method: 'PUT', target: '/hers/key', body: 'hers' }, alice)
    const statusOf = async (by: Signer) => {
      const connection = openRaw(frontEnd.port)
      const more = 'Expect: 100-continue\r\n'
      connection.write(signedHead(frontEnd.port, 'PUT', '/hers/key?tagging', { size: 60_000, more, by }))
      const [, status] = await connection.until(/^HTTP\/1\.1 (\d+)/)
      connection.destroy()
      return status
    }
    const allow = (action: string, conditions: object = {}) => {
      const statement = { Effect: 'Allow', Principal: '*', Action: action, Resource: 'arn:aws:s3:::hers/*' }
      const body = JSON.stringify({ Statement: { ...statement, ...conditions } })
      return send({ method: 'PUT', target: '/hers?policy', body }, alice)
    }
    assert.equal([await statusOf(bob), await statusOf(alice)], ['403', '100'])
    await allow('s3:GetObject')
    assert.is(await statusOf(bob), '403')
    await allow('s3:PutObjectTagging')
    assert.is(await statusOf(bob), '100')
    await allow('s3:PutObjectTagging', { Condition: { StringEquals: { 's3:RequestObjectTag/a': 'b' } } })
    assert.is(await statusOf(bob), '100')
    const tags = (value: string) =>
      `<Tagging><TagSet><Tag><Key>a</Key><Value>${value}</Value></Tag></TagSet></Tagging>`
    const tag = (value: string) =>
      send({ method: 'PUT', target: '/hers/key?tagging', body: tags(value) }, bob)
    assert.equal([(await tag('c')).status, (await tag('b')).status], [403, 200])
  })
})

test('nobody sends a multi-object delete in vain: its body is asked for where the bucket could allow it', async () => {
  const config = { objectOwnership: 'ObjectWriter' } as const
  await withFrontEnd({ config }, async ({ frontEnd, send }) => {
    await send({ method: 'PUT', target: '/hers' }, alice)
    const head = 'POST /hers?delete HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000\r\n'
    const statusOf = async () => {
      const connection = openRaw(frontEnd.port)
      connection.write(`${head}Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\nExpect: 100-continue\r\n\r\n`)
      const [, status] = await connection.until(/^HTTP\/1\.1 (\d+)/)
      connection.destroy()
      return status
    }
    const allowTo = (Principal: unknown) => ({
      Statement: { Effect: 'Allow', Principal, Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::hers/a*' },
    })
    assert.is(await statusOf(), '403')
    for (const [Principal, status] of [
      [{ AWS: `arn:aws:iam:::user/${bob.name}` }, '403'],
      ['*', '100'],
    ]) {
      const body = JSON.stringify(allowTo(Principal))
      assert.is((await send({ method: 'PUT', target: '/hers?policy', body }, alice)).status, 204)
      assert.is(await statusOf(), status)
    }
    await send({ method: 'DELETE', target: '/hers?policy' }, alice)
    const open = { method: 'PUT', target: '/hers?acl', headers: { 'x-amz-acl': 'public-read-write' } }
    assert.is((await send(open, alice)).status, 200)
    assert.is(await statusOf(), '100')
  })
})

test('a policy sees the tags that a request is about to set', async () => {
  const condition = { StringEquals: { 's3:RequestObjectTag/kind': 'open' } }
  const allow = { Effect: 'Allow', Action: ['s3:PutObject', 's3:PutObjectTagging'], Resource: '*' }
  const limited = {
    ...alice,
    policy: {
      Statement: [
        { ...allow, Action: 's3:PutObject' },
        { ...allow, Condition: condition },
      ],
    },
  }
  await withFrontEnd({ users: [limited] }, async ({ backend, send }) => {
    await backend.createBucket('tagged', { owner: limited.id })
    await send({ method: 'PUT', target: '/tagged/key', body: 'x' }, limited)
    const tag = (value: string) => ({
      method: 'PUT',
      target: '/tagged/key?tagging',
      body: `<Tagging><TagSet><Tag><Key>kind</Key><Value>${value}</Value></Tag></TagSet></Tagging>`,
    })
    assert.is((await send(tag('secret'), limited)).code, 'AccessDenied')
    assert.is((await send(tag('open'), limited)).status, 200)
    assert.is((await send(tag('open'), 'nobody')).code, 'AccessDenied')
  })
})

test('a bucket of somebody else is neither read nor written, and its objects are not told apart from missing ones', async () => {
  await withFrontEnd({}, async ({ send }) => {
    assert.is((await send({ method: 'PUT', target: '/mine' }, alice)).status, 200)
    assert.is((await send({ method: 'PUT', target: '/mine/key', body: 'secret' }, alice)).status, 200)
    for (const by of [bob, 'nobody'] as const) {
      for (const target of ['/mine/key', '/mine/none', '/mine', '/mine?list-type=2', '/mine?acl']) {
        assert.is((await send({ method: 'GET', target }, by)).code, 'AccessDenied', target)
      }
      assert.is((await send({ method: 'HEAD', target: '/mine/key' }, by)).status, 403)
      assert.is((await send({ method: 'HEAD', target: '/mine/none' }, by)).status, 403)
      assert.is((await send({ method: 'PUT', target: '/mine/key', body: 'x' }, by)).code, 'AccessDenied')
      assert.is((await send({ method: 'DELETE', target: '/mine/key' }, by)).code, 'AccessDenied')
      assert.is((await send({ method: 'DELETE', target: '/mine' }, by)).code, 'AccessDenied')
      assert.is((await send({ method: 'GET', target: '/nobodys/key' }, by)).code, 'NoSuchBucket')
    }
    assert.is((await send({ method: 'GET', target: '/mine/key' }, alice)).body, 'secret')
    assert.is((await send({ method: 'GET', target: '/mine/none' }, alice)).code, 'NoSuchKey')
    assert.is((await send({ method: 'GET', target: '/mine/key' })).body, 'secret')
    assert.is((await send({ method: 'PUT', target: '/mine' }, bob)).code, 'BucketAlreadyExists')
    assert.is((await send({ method: 'PUT', target: '/mine' }, alice)).status, 200)
    assert.match((await send({ method: 'GET', target: '/' }, alice)).body, /<Name>mine<\/Name>/)
    assert.not.match((await send({ method: 'GET', target: '/' }, bob)).body, /<Name>/)
    assert.is((await send({ method: 'GET', target: '/' }, 'nobody')).code, 'AccessDenied')
  })
})

test('a copy needs its source to be readable and its target to be writable', async () => {
  await withFrontEnd({}, async ({ send }) => {
    await send({ method: 'PUT', target: '/hers' }, alice)
    await send({ method: 'PUT', target: '/his' }, bob)
    await send({ method: 'PUT', target: '/hers/key', body: 'secret' }, alice)
    const copy = (target: string, source: string) => ({
      method: 'PUT',
      target,
      headers: { 'x-amz-copy-source': source },
    })
    for (const source of ['/hers/key', 'hers/key', '%2Fhers/key', 'hers%2Fkey', '/hers/none']) {
      assert.is((await send(copy('/his/stolen', source), bob)).code, 'AccessDenied', source)
      assert.is((await send(copy('/his/stolen?partNumber=1&uploadId=u', source), bob)).code, 'AccessDenied')
    }
    assert.is((await send(copy('/his/gift', '/hers/key'), alice)).code, 'AccessDenied')
    assert.is((await send(copy('/hers/copy', '/hers/key'), alice)).status, 200)
  })
})

test('a bucket that has another owner than expected is not touched', async () => {
  await withFrontEnd({}, async ({ send }) => {
    await send({ method: 'PUT', target: '/hers' }, alice)
    const expecting = (owner: string) => ({
      method: 'PUT',
      target: '/hers/key',
      body: 'x',
      headers: { 'x-amz-expected-bucket-owner': owner },
    })
    assert.is((await send(expecting(bob.id), alice)).code, 'AccessDenied')
    assert.is((await send(expecting(alice.id), alice)).status, 200)
  })
})

test.run()
