import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEnvelope } from '../../../s3api/sse/envelope.ts'
import {
  objectText,
  type RunningControl,
  type RunningFrontEnd,
  withKeySystem,
} from '../../support/key-system.ts'
import { toConfig, until } from '../../support/vault/fixture.ts'
import { seedPolicy } from '../../support/vault/seed.ts'
import { startVaultSimulator, type VaultSimulator } from '../../support/vault-simulator.ts'

const test = suite('s3api/sse/key-ids')

const defaultKey = 'my-minio-key'
const bucketKey = 'bucket-key'
const requestKey = 'request-key'

interface Scene {
  readonly vault: VaultSimulator
  readonly control: RunningControl
  readonly front: RunningFrontEnd
}

/** Three keys in one Vault; one bucket has a key of its own as its default encryption. */
async function withKeys(check: (scene: Scene) => Promise<void>): Promise<void> {
  const vault = await startVaultSimulator()
  try {
    const policy = [defaultKey, bucketKey, requestKey].map(seedPolicy).join('')
    const credentials = await vault.setUpSeed({ policy })
    for (const key of [bucketKey, requestKey]) await vault.admin()('PUT', `transit/keys/${key}`, {})
    await withKeySystem(async (system) => {
      const control = await system.startControl({ config: toConfig(vault.endpoint, credentials) })
      await until(async () => (await control.keys.status()).ready)
      const front = await system.startFrontEnd()
      for (const bucket of ['plain-bucket', 'own-bucket']) {
        assert.is((await front.send({ method: 'PUT', target: `/${bucket}` })).status, 200)
      }
      const body = `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${bucketKey}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`
      const set = await front.send({ method: 'PUT', target: '/own-bucket?encryption=', body })
      assert.is(set.status, 200)
      await check({ vault, control, front })
    })
  } finally {
    await vault.close()
  }
}

const sseKms = (keyId: string, context?: Record<string, string>) => ({
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id': keyId,
  ...(context !== undefined && {
    'x-amz-server-side-encryption-context': Buffer.from(JSON.stringify(context)).toString('base64'),
  }),
})

async function keyIdOf({ backend }: RunningFrontEnd, bucket: string, key: string) {
  const { record } = await backend.getObject(bucket, key)
  assert.ok(record.envelope)
  return parseEnvelope(record.envelope).kms?.keyId
}

test('the key is the request’s, else the bucket’s, else the default one, all at once', () =>
  withKeys(async ({ vault, front }) => {
    const puts = Array.from({ length: 30 }, async (_, index) => {
      const targets = [
        front.put(`/own-bucket/default-${index}`, {}),
        front.put(`/own-bucket/request-${index}`, sseKms(requestKey)),
        front.put(`/plain-bucket/${index}`),
      ]
      for (const answer of await Promise.all(targets)) assert.is(answer.status, 200)
    })
    await Promise.all(puts)
    assert.is(await keyIdOf(front, 'own-bucket', 'default-0'), bucketKey)
    assert.is(await keyIdOf(front, 'own-bucket', 'request-0'), requestKey)
    assert.is(await keyIdOf(front, 'plain-bucket', '0'), defaultKey)
    for (const key of [defaultKey, bucketKey, requestKey]) {
      assert.is(vault.count(`datakey/plaintext/${key}`), 1, key)
    }
    const read = await front.get('/own-bucket/request-7')
    assert.is(read.body, objectText)
    assert.is(read.headers['x-amz-server-side-encryption-aws-kms-key-id'], requestKey)
    assert.is((await front.backend.system.list('epochs/', { after: '', limit: 10 })).length, 3)
    assert.is((await front.backend.system.list('fingerprints/', { after: '', limit: 10 })).length, 3)
  }))

test('contexts of clients have epochs of their own, and read back', () =>
  withKeys(async ({ vault, front }) => {
    for (const [key, context] of [
      ['a', { project: 'x' }],
      ['b', { project: 'y' }],
      ['c', { project: 'x' }],
    ] as const) {
      assert.is((await front.put(`/plain-bucket/${key}`, sseKms(requestKey, context))).status, 200)
    }
    assert.is(vault.count(`datakey/plaintext/${requestKey}`), 2)
    for (const key of ['a', 'b', 'c']) assert.is((await front.get(`/plain-bucket/${key}`)).body, objectText)
  }))

test('one key that is disabled leaves the others alone', () =>
  withKeys(async ({ control, front }) => {
    await front.put('/own-bucket/default', {})
    await front.put('/own-bucket/request', sseKms(requestKey))
    await control.disable(bucketKey)
    await until(async () => (await front.get('/own-bucket/default')).status === 403)
    assert.is((await front.put('/own-bucket/another', {})).status, 403)
    assert.is((await front.put('/own-bucket/another', sseKms(requestKey))).status, 200)
    assert.is((await front.get('/own-bucket/request')).body, objectText)
  }))

test('a key that does not exist is told by its name, and costs nobody else anything', () =>
  withKeys(async ({ front }) => {
    await front.put('/plain-bucket/object')
    const refused = await front.put('/plain-bucket/other', sseKms('no-such-key'))
    assert.ok(refused.status === 400 || refused.status === 403)
    assert.is((await front.get('/plain-bucket/object')).body, objectText)
    assert.is((await front.put('/plain-bucket/other')).status, 200)
  }))

test.run()
