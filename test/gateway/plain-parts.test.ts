import { createHash, randomBytes } from 'node:crypto'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { credential, type ServedFrontEnd, withGateway } from '../support/gateway-front-end.ts'
import { sendSigned } from '../support/signed-request.ts'

/** Parts of objects that the store has as they are: only it knows where they begin. */

const test = suite('gateway/plain-parts')
const Bucket = 'bucket'
const sizes = new Map([
  [1, 5 * 1024 * 1024],
  [3, 100_000],
])

async function upload({ client }: ServedFrontEnd, Key: string): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const Parts: CompletedPart[] = []
  for (const [PartNumber, size] of sizes) {
    const part = { Bucket, Key, UploadId, PartNumber, Body: randomBytes(size) }
    const { ETag } = await client.send(new UploadPartCommand(part))
    Parts.push({ PartNumber, ETag })
  }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
}

/** What is told of a part, and the digest of what is given. */
async function told({ url }: ServedFrontEnd, method: 'GET' | 'HEAD', target: string) {
  const { status, headers, body, code } = await sendSigned(url, { method, target }, credential)
  const digest = status === 206 ? createHash('sha256').update(body).digest('hex') : ''
  const shown = ['content-length', 'content-range', 'x-amz-mp-parts-count', 'etag'].map(
    (name) => headers[name],
  )
  return status === 206 ? { status, shown, digest } : { status, code }
}

for (const writer of ['store', 'gateway'] as const) {
  test(`a part is what the store says, of an object that was written through the ${writer}`, () =>
    withGateway(Bucket, async (sites) => {
      await upload(sites[writer], 'key')
      for (const method of ['GET', 'HEAD'] as const) {
        for (const [number, size] of sizes) {
          const part = await told(sites.gateway, method, `/${Bucket}/key?partNumber=${number}`)
          assert.equal(part, await told(sites.store, method, `/${Bucket}/key?partNumber=${number}`))
          assert.is(part.shown?.[0], String(size))
          assert.is(part.shown?.[2], '2')
        }
        for (const number of [0, 2, 4, 10_001]) {
          const part = await told(sites.gateway, method, `/${Bucket}/key?partNumber=${number}`)
          assert.equal(part, await told(sites.store, method, `/${Bucket}/key?partNumber=${number}`))
          assert.is(part.status, 400)
        }
      }
      const absent = await told(sites.gateway, 'GET', `/${Bucket}/absent?partNumber=1`)
      assert.is(absent.code, 'NoSuchKey')
    }))
}

test.run()
