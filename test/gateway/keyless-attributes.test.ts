import { createHash } from 'node:crypto'
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

/** SSE-C objects in double mode: the store shows them to nobody without the key, but S3 wants none for what is beside them. */

const test = suite('gateway/keyless-attributes')
const customerKey = Buffer.alloc(32, 5)
const prefix = 'x-amz-server-side-encryption-customer-'
const own = {
  [`${prefix}algorithm`]: 'AES256',
  [`${prefix}key`]: customerKey.toString('base64'),
  [`${prefix}key-md5`]: createHash('md5').update(customerKey).digest('base64'),
}
const until = new Date(Date.now() + 3_600_000).toISOString()
const ofColor = (color: string) => ({ StringEquals: { 's3:ExistingObjectTag/color': color } })
const tagger = {
  ...bob,
  policy: {
    Statement: [
      {
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::bucket/*',
        Condition: ofColor('red'),
      },
    ],
  },
}

type Send = (request: SentRequest, by?: Signer) => Promise<Response>

function withDouble(work: (send: Send) => Promise<void>): Promise<void> {
  return withDirectory((directory) =>
    withKept(async (keep) => {
      const usersFile = join(directory, 'users.json')
      writeFileSync(usersFile, JSON.stringify({ users: [alice, tagger] }))
      const { keys } = keep(await startTestControl())
      const store = keep(await serveStore(keys, { objectOwnership: 'ObjectWriter' }))
      const gateway = keep(
        await serveGateway(store.url, {
          keys,
          config: { double: { s3: true, c: true } },
          frontEnd: { usersFile, objectOwnership: 'ObjectWriter' },
        }),
      )
      await work((request, by = credential) => sendSigned(gateway.url, request, by))
    }),
  )
}

const get = (target: string, headers: Record<string, string> = {}) => ({ method: 'GET', target, headers })
const put = (target: string, headers: Record<string, string> = {}, body = 'data') => ({
  method: 'PUT',
  target,
  headers,
  body,
})

test('tags and locks of a version are told without its key', () =>
  withDouble(async (send) => {
    await send(put('/bucket', { 'x-amz-bucket-object-lock-enabled': 'true' }, ''))
    const lock = {
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': until,
      'x-amz-object-lock-legal-hold': 'ON',
    }
    const locked = await send(put('/bucket/key', { ...own, ...lock, 'x-amz-tagging': 'color=light%20red' }))
    assert.is(locked.status, 200)
    await send(put('/bucket/key', own))
    const version = `versionId=${locked.headers['x-amz-version-id']}`
    assert.is((await send(get(`/bucket/key?${version}`))).status, 400, 'the object itself')
    const told = async (query: string) => {
      const { status, body, headers } = await send(get(`/bucket/key?${query}`))
      const found = body.match(/<(Key|Value|Mode|RetainUntilDate|Status|Code)>[^<]*/g) ?? []
      return [status, headers['x-amz-version-id'] === locked.headers['x-amz-version-id'], ...found]
    }
    const tags = ['<Key>color', '<Value>light red']
    assert.equal(await told(`tagging&${version}`), [200, true, ...tags])
    assert.equal(await told(`retention&${version}`), [
      ...[200, false],
      ...['<Mode>GOVERNANCE', `<RetainUntilDate>${until}`],
    ])
    assert.equal(await told(`legal-hold&${version}`), [200, false, '<Status>ON'])
    assert.equal(await told('tagging'), [200, false])
    const none = [404, false, '<Code>NoSuchObjectLockConfiguration']
    assert.equal([await told('retention'), await told('legal-hold')], [none, none])
    assert.equal(await told('tagging&versionId=null'), [404, false, '<Code>NoSuchVersion'])
  }))

test('policies see its tags, and lists its owner, when it is read with its key', () =>
  withDouble(async (send) => {
    await send(put('/bucket', {}, ''))
    await send(put('/bucket/red', { ...own, 'x-amz-tagging': 'color=red' }))
    await send(put('/bucket/blue', { ...own, 'x-amz-tagging': 'color=blue' }))
    assert.is((await send(get('/bucket/red', own), bob)).body, 'data')
    assert.is((await send(get('/bucket/blue', own), bob)).code, 'AccessDenied')
    await send(put('/bucket/open', { ...own, 'x-amz-acl': 'public-read' }))
    assert.is((await send(get('/bucket/open', own), alice)).body, 'data')
    assert.is((await send(get('/bucket/red', own), alice)).code, 'AccessDenied')
  }))

test.run()
