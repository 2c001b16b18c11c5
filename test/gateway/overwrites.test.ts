import { randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ServedFrontEnd, withRelay } from '../support/gateway-front-end.ts'

/** Objects that are overwritten between a gateway's look-up and its use of what it has found. */

const test = suite('gateway/overwrites')
const Bucket = 'bucket'
const encrypted = { ServerSideEncryption: 'AES256' } as const
/** More than a look-up brings, so that data is asked for by itself. */
const size = 200_000

interface Sites {
  readonly gateway: ServedFrontEnd
  /** The newest content of `key`. */
  newest(): Buffer
  /** Overwrites `key` before requests to the store for which `wanted` holds, `times` in all. */
  overwrite(
    times: number,
    wanted: (request: string, headers: NodeJS.Dict<string | string[]>) => boolean,
  ): void
  remove(): Promise<unknown>
}

function withSites(work: (sites: Sites) => Promise<void>): Promise<void> {
  return withRelay(Bucket, async ({ relay, gateway, other: { client } }) => {
    let content = Buffer.alloc(0)
    const put = async () => {
      content = randomBytes(size)
      await client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: content, ...encrypted }))
    }
    await put()
    await work({
      gateway,
      newest: () => content,
      overwrite(times, wanted) {
        let left = times
        relay.set(async ({ method, url, headers }) => {
          if (!wanted(`${method} ${url}`, headers) || left === 0) return undefined
          left--
          await put()
          return undefined
        })
      },
      remove: () => client.send(new DeleteObjectCommand({ Bucket, Key: 'key' })),
    })
  })
}

async function read({ client }: ServedFrontEnd, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

const isRead = (request: string, headers: NodeJS.Dict<string | string[]>) =>
  request.startsWith(`GET /${Bucket}/key`) && headers['if-match'] !== undefined
const isCopy = (request: string) => request.startsWith(`PUT /${Bucket}/copy`)

test('a copy whose source is overwritten meanwhile copies the new one', () =>
  withSites(async ({ gateway, newest, overwrite }) => {
    overwrite(2, isCopy)
    const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/key`, ...encrypted }
    await gateway.client.send(new CopyObjectCommand(copy))
    assert.ok((await read(gateway, 'copy')).equals(newest()))
    overwrite(2, isCopy)
    await gateway.client.send(new CopyObjectCommand({ ...copy, Key: 'copy-2', IfNoneMatch: '*' }))
    assert.ok((await read(gateway, 'copy-2')).equals(newest()))
    const refused = gateway.client.send(new CopyObjectCommand({ ...copy, IfNoneMatch: '*' }))
    assert.is(await refused.catch((error: Error) => error.name), 'PreconditionFailed')
  }))

test('a copy that writes its data anew, and a copy to a part, take the new source too', () =>
  withSites(async ({ gateway, newest, overwrite }) => {
    overwrite(2, isRead)
    const CopySource = `${Bucket}/key`
    await gateway.client.send(new CopyObjectCommand({ Bucket, Key: 'plain', CopySource }))
    assert.ok((await read(gateway, 'plain')).equals(newest()))
    const upload = { Bucket, Key: 'parts' }
    const { UploadId } = await gateway.client.send(
      new CreateMultipartUploadCommand({ ...upload, ...encrypted }),
    )
    overwrite(2, isRead)
    const part = { ...upload, UploadId, PartNumber: 1, CopySource }
    const { CopyPartResult } = await gateway.client.send(new UploadPartCopyCommand(part))
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]
    await gateway.client.send(
      new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }),
    )
    assert.ok((await read(gateway, 'parts')).equals(newest()))
  }))

test('a GET of an object that is overwritten again and again is to be tried again, never an absence', () =>
  withSites(async ({ gateway, newest, overwrite, remove }) => {
    overwrite(3, isRead)
    assert.ok((await read(gateway, 'key')).equals(newest()))
    overwrite(100, isRead)
    const failed = await read(gateway, 'key').catch((error: Error) => error.name)
    assert.is(failed, 'ServiceUnavailable')
    overwrite(0, isRead)
    await remove()
    assert.is(await read(gateway, 'key').catch((error: Error) => error.name), 'NoSuchKey')
  }))

test.run()
