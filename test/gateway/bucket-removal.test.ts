import {
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withGateway } from '../support/gateway-front-end.ts'

const test = suite('gateway/bucket-removal')
const Bucket = 'bucket'

test('a bucket that is kept by old versions, and not removed, keeps its running uploads', () =>
  withGateway(Bucket, async ({ gateway: { client } }) => {
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'key' }))
    const encrypted = { ServerSideEncryption: 'AES256' } as const
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'running', ...encrypted }),
    )
    const removed = client.send(new DeleteBucketCommand({ Bucket }))
    assert.is(await removed.catch((error: Error) => error.name), 'BucketNotEmpty')
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
    assert.equal(
      Uploads?.map((upload) => upload.UploadId),
      [UploadId],
    )
  }))

test.run()
