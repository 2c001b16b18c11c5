import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { postForm, signForm } from '../support/forms.ts'
import { credential, withGateway } from '../support/gateway-front-end.ts'

const test = suite('gateway/reserved-metadata')
const Bucket = 'bucket'
const Metadata = { sealgate: '1' }

test('the entry that marks encrypted objects is refused from clients before anything is stored', () =>
  withGateway(Bucket, async ({ store, gateway: { client, url } }) => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'source' }))
    for (const encryption of [{}, { ServerSideEncryption: 'AES256' }] as const) {
      const target = { Bucket, Key: 'target', Metadata, ...encryption }
      const copy = { CopySource: `${Bucket}/source`, MetadataDirective: 'REPLACE' } as const
      const refused = await Promise.allSettled([
        client.send(new PutObjectCommand({ ...target, Body: 'small' })),
        client.send(new PutObjectCommand({ ...target, Body: Buffer.alloc(300_000) })),
        client.send(new CreateMultipartUploadCommand(target)),
        client.send(new CopyObjectCommand({ ...target, ...copy })),
      ])
      for (const outcome of refused) {
        assert.is(outcome.status === 'rejected' && outcome.reason.name, 'InvalidArgument')
      }
    }
    const fields = { key: 'target', 'x-amz-meta-sealgate': '1' }
    const posted = await postForm(url, signForm(fields, { signer: credential, bucket: Bucket }), {
      bucket: Bucket,
    })
    assert.equal([posted.status, posted.code], [400, 'InvalidArgument'])
    const { Contents = [] } = await store.client.send(new ListObjectsV2Command({ Bucket }))
    assert.equal(
      Contents.map(({ Key }) => Key),
      ['source'],
    )
  }))

test.run()
