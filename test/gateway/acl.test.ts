import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { withDirectory } from '../support/files.ts'
import { alice, bob } from '../support/front-end.ts'
import { credential, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { type Response, type SentRequest, type Signer, sendSigned } from '../support/signed-request.ts'

const test = suite('gateway/acl')

type Send = (request: SentRequest, by?: Signer | 'nobody') => Promise<Response>

/** A gateway with users of its own, all objects encrypted, before a store with access control lists. */
function withGateway(
  objectOwnership: 'BucketOwnerEnforced' | 'ObjectWriter',
  work: (sites: { readonly send: Send; readonly atStore: Send }) => Promise<void>,
): Promise<void> {
  return withDirectory((directory) =>
    withKept(async (keep) => {
      const usersFile = join(directory, 'users.json')
      writeFileSync(usersFile, JSON.stringify({ users: [alice, bob] }))
      const { keys } = keep(await startTestControl())
      const store = keep(await serveStore(undefined, { objectOwnership: 'ObjectWriter' }))
      const gateway = keep(
        await serveGateway(store.url, {
          keys,
          frontEnd: { usersFile, objectOwnership, autoEncryption: true },
        }),
      )
      const sender =
        (url: string): Send =>
        (request, by = credential) =>
          sendSigned(url, request, by === 'nobody' ? undefined : by)
      await work({ send: sender(gateway.url), atStore: sender(store.url) })
    }),
  )
}

const get = (target: string) => ({ method: 'GET', target })
const put = (target: string, headers: Record<string, string> = {}, body = 'data') => ({
  method: 'PUT',
  target,
  headers,
  body,
})
const open = { 'x-amz-acl': 'public-read' }

test('a list that a request names is the store’s too, however the object is made', () =>
  withGateway('ObjectWriter', async ({ send, atStore }) => {
    await send(put('/hers', {}, ''), alice)
    await send(put('/hers/put', open), alice)
    await send(put('/hers/private'), alice)
    await send(put('/hers/copied', { ...open, 'x-amz-copy-source': '/hers/private' }, ''), alice)
    const { body: created } = await send(
      { method: 'POST', target: '/hers/parts?uploads', headers: open },
      alice,
    )
    const id = /<UploadId>(.*)<\/UploadId>/.exec(created)?.[1] ?? ''
    const { headers } = await send(put(`/hers/parts?partNumber=1&uploadId=${id}`), alice)
    const parts = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${headers.etag}</ETag></Part></CompleteMultipartUpload>`
    const completed = await send({ method: 'POST', target: `/hers/parts?uploadId=${id}`, body: parts }, alice)
    assert.is(completed.status, 200)
    for (const key of ['put', 'copied', 'parts']) {
      assert.is((await send(get(`/hers/${key}`), 'nobody')).body, 'data', key)
      const direct = await atStore(get(`/hers/${key}`), 'nobody')
      assert.is(direct.status, 200, key)
      assert.not.match(direct.body, /^data/)
      const list = (await send(get(`/hers/${key}?acl`), alice)).body
      assert.match(list, /<Owner><ID>alice-id</, key)
      assert.match(list, /AllUsers<\/URI><\/Grantee><Permission>READ</, key)
      assert.is((await send(get(`/hers/${key}?acl`), bob)).code, 'AccessDenied', key)
    }
    assert.is((await send(get('/hers/private'), 'nobody')).code, 'AccessDenied')
    assert.is((await atStore(get('/hers/private'), 'nobody')).code, 'AccessDenied')
  }))

test('a list can be changed by name and by document, and comes back as it was set', () =>
  withGateway('ObjectWriter', async ({ send, atStore }) => {
    await send(put('/hers', {}, ''), alice)
    await send(put('/hers/a'), alice)
    assert.is((await send(put('/hers/a?acl', open, ''), alice)).status, 200)
    assert.is((await send(get('/hers/a'), 'nobody')).body, 'data')
    assert.is((await atStore(get('/hers/a'), 'nobody')).status, 200)
    const shown = (await send(get('/hers/a?acl'), alice)).body
    const changed = shown.replace('<Permission>READ<', '<Permission>READ_ACP<')
    assert.is.not(changed, shown)
    assert.is((await send(put('/hers/a?acl', {}, changed), alice)).status, 200)
    assert.is((await send(get('/hers/a?acl'), 'nobody')).body, changed)
    assert.is((await send(get('/hers/a'), 'nobody')).code, 'AccessDenied')
    assert.is((await send(put('/hers/a?acl', { 'x-amz-acl': 'private' }, ''), alice)).status, 200)
    assert.is((await send(get('/hers/a?acl'), 'nobody')).code, 'AccessDenied')
    assert.is((await atStore(get('/hers/a?acl'), 'nobody')).code, 'AccessDenied')
    const grants = { 'x-amz-grant-full-control': 'id=alice-id', 'x-amz-grant-read-acp': `uri=${everybody}` }
    assert.is((await send(put('/hers/b', grants), alice)).status, 200)
    assert.is((await send(get('/hers/b?acl'), 'nobody')).body, changed)
  }))

test('a grant to a user whom the store does not know is refused, and changes nothing', () =>
  withGateway('ObjectWriter', async ({ send }) => {
    await send(put('/hers', {}, ''), alice)
    const grant = { 'x-amz-grant-read': 'id=bob-id' }
    assert.is((await send(put('/hers/a', grant), alice)).code, 'InvalidArgument')
    assert.is((await send(get('/hers/a'), alice)).code, 'NoSuchKey')
    await send(put('/hers/a'), alice)
    assert.is((await send(put('/hers/a?acl', grant, ''), alice)).code, 'InvalidArgument')
    assert.is((await send(get('/hers/a'), bob)).code, 'AccessDenied')
  }))

test('an object is its writer’s, whoever keeps it', () =>
  withGateway('ObjectWriter', async ({ send }) => {
    await send(put('/hers', { 'x-amz-acl': 'public-read-write' }, ''), alice)
    await send(put('/hers/his'), bob)
    assert.is((await send(get('/hers/his'), bob)).body, 'data')
    assert.is((await send(get('/hers/his'), alice)).code, 'AccessDenied')
    assert.match((await send(get('/hers/his?acl'), bob)).body, /<Owner><ID>bob-id</)
  }))

test('a store that takes nothing without bucket-owner-full-control gets it', () =>
  withGateway('BucketOwnerEnforced', async ({ send, atStore }) => {
    await send(put('/bucket', {}, ''))
    const policy = {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:PutObject',
        Resource: 'arn:aws:s3:::bucket/*',
        Condition: { StringNotEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
      },
    }
    assert.is((await atStore(put('/bucket?policy', {}, JSON.stringify(policy)))).status, 204)
    assert.is((await send(put('/bucket/a'))).code, 'AccessDenied')
    const given = { 'x-amz-acl': 'bucket-owner-full-control' }
    assert.is((await send(put('/bucket/a', given))).status, 200)
    assert.is((await send(put('/bucket/b', { ...given, 'x-amz-copy-source': '/bucket/a' }, ''))).status, 200)
    assert.is((await send(put('/bucket/a', open))).code, 'AccessControlListNotSupported')
    assert.is((await send(get('/bucket/b'))).body, 'data')
  }))

const everybody = '"http://acs.amazonaws.com/groups/global/AllUsers"'

test.run()
