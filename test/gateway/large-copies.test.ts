import { randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { serveGateway, serveStore } from '../support/gateway-front-end.ts'

const test = suite('gateway/large-copies')
const Bucket = 'bucket'
const mib = 1024 ** 2

test('what CopyObject does not take is copied part by part inside the store, its last part never too small', async () => {
  const control = await startTestControl()
  const store = await serveStore()
  try {
    const gateway = await serveGateway(store.url, {
      keys: control.keys,
      copyLimits: { copySizeMax: 8 * mib, pieceSize: 6 * mib },
    })
    const { client } = gateway
    try {
      await client.send(new CreateBucketCommand({ Bucket }))
      const bytes = randomBytes(13 * mib)
      const cases = [
        [
          'sealed',
          13 * mib,
          { ServerSideEncryption: 'AES256' },
          ['UploadPartCopy', 'UploadPartCopy', 'UploadPart'],
        ],
        ['plain', 13 * mib, {}, ['UploadPartCopy', 'UploadPartCopy']],
        ['small', 7 * mib, { ServerSideEncryption: 'AES256' }, undefined],
      ] as const
      for (const [Key, size, encryption, parts] of cases) {
        const Body = bytes.subarray(0, size)
        const put = await client.send(
          new PutObjectCommand({ Bucket, Key, Body, Metadata: { a: 'b' }, ...encryption }),
        )
        await store.served()
        const copy = { Bucket, Key: `${Key}-copy`, CopySource: `${Bucket}/${Key}`, ...encryption }
        await client.send(new CopyObjectCommand(copy))
        const asked = (await store.served())
          .filter(({ key }) => key === copy.Key)
          .map(({ operation }) => operation)
        const expected =
          parts === undefined
            ? ['CopyObject']
            : ['CreateMultipartUpload', ...parts, 'CompleteMultipartUpload']
        assert.equal(asked, expected, Key)
        const head = await client.send(new HeadObjectCommand({ Bucket, Key: copy.Key }))
        // As on AWS, a plain object that was put together of parts has their ETag.
        if (Key !== 'plain') assert.is(head.ETag, put.ETag, Key)
        assert.equal(head.Metadata, { a: 'b' }, Key)
        const { Body: got } = await client.send(new GetObjectCommand({ Bucket, Key: copy.Key }))
        assert.ok(Buffer.from((await got?.transformToByteArray()) ?? []).equals(Body), Key)
      }
    } finally {
      await gateway.close()
    }
  } finally {
    await store.close()
    await control.close()
  }
})

test.run()
