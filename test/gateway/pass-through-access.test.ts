import { createHash } from 'node:crypto'
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { credential, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { sendSigned } from '../support/signed-request.ts'

const test = suite('gateway/pass-through-access')

test('what goes through is asked for first, also what only a body names', async () => {
  const store = await serveStore()
  try {
    const gateway = await serveGateway(store.url, { config: { systemBucket: 'none.system' } })
    try {
      const name = { Bucket: 'bucket', Key: 'key' }
      await gateway.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
      await gateway.client.send(new PutObjectCommand({ ...name, Body: 'data' }))
      const documents = [
        ['POST', '/bucket?delete', '<Delete><Object><Key>key</Key></Object></Delete>'],
        [
          'PUT',
          '/bucket/key?tagging',
          '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>',
        ],
        ['PUT', '/bucket/key', 'other'],
      ] as const
      for (const [method, target, body] of documents) {
        const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
        const answer = await sendSigned(gateway.url, { method, target, body, headers }, undefined)
        assert.is(answer.code, 'AccessDenied', target)
      }
      assert.is((await gateway.client.send(new HeadObjectCommand(name))).ContentLength, 4)
    } finally {
      await gateway.close()
    }
  } finally {
    await store.close()
  }
})

test('a document that goes through is no larger than its operation takes', async () => {
  const store = await serveStore()
  try {
    const gateway = await serveGateway(store.url, { config: { systemBucket: 'none.system' } })
    try {
      await gateway.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
      await store.served()
      for (const [method, target, size] of [
        ['POST', '/bucket?delete', 2 * 1024 * 1024],
        ['POST', '/bucket/key?uploadId=some', 4 * 1024 * 1024],
        ['PUT', '/bucket/key?tagging', 64 * 1024],
        ['PUT', '/bucket?policy', 20 * 1024],
        ['DELETE', '/bucket/key', 64 * 1024],
      ] as const) {
        const request = { method, target, body: Buffer.alloc(size + 1) }
        const answer = await sendSigned(gateway.url, request, credential)
        assert.is(answer.code, 'MaxMessageLengthExceeded', target)
      }
      const reached = (await store.served()).map(({ operation }) => operation)
      assert.equal(
        reached.filter((name) => !/^(Get|Head)/.test(name)),
        [],
      )
    } finally {
      await gateway.close()
    }
  } finally {
    await store.close()
  }
})

test.run()
