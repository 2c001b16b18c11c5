import { randomBytes } from 'node:crypto'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ServedFrontEnd, withRelay } from '../support/gateway-front-end.ts'

/** A client that has lost the answer to its completion asks again. */

const test = suite('gateway/repeated-completions')
const Bucket = 'bucket'
const encrypted = { ServerSideEncryption: 'AES256' } as const

/** An upload with a part through each of the clients. */
async function startUpload(
  clients: readonly S3Client[],
  Key: string,
  encryption: typeof encrypted | Record<string, never>,
): Promise<(client: S3Client, condition?: { IfNoneMatch: '*' }) => Promise<string>> {
  const [first] = clients
  const created = await first?.send(new CreateMultipartUploadCommand({ Bucket, Key, ...encryption }))
  const upload = { Bucket, Key, UploadId: created?.UploadId }
  const Parts: CompletedPart[] = []
  for (const [index, client] of clients.entries()) {
    const part = { PartNumber: index + 1, Body: randomBytes(5 * 1024 * 1024) }
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, ...part }))
    Parts.push({ PartNumber: part.PartNumber, ETag })
  }
  const command = { ...upload, MultipartUpload: { Parts } }
  return async (client, condition = undefined) => {
    const completion = new CompleteMultipartUploadCommand({ ...command, ...condition })
    return client.send(completion).then(
      ({ ETag }: CompleteMultipartUploadCommandOutput) => String(ETag),
      (error: Error) => error.name,
    )
  }
}

/** The traces of uploads go some moments after the answer. */
async function swept({ client }: ServedFrontEnd): Promise<void> {
  for (;;) {
    const list = new ListObjectsV2Command({ Bucket: 'sealgate-system', Prefix: 'uploads/' })
    const { KeyCount = 0 } = await client.send(list)
    if (KeyCount === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a completion is answered again through a front-end that still believed in the upload', () =>
  withRelay(Bucket, async ({ store, gateway, other }) => {
    const complete = await startUpload([gateway.client, other.client], 'key', encrypted)
    const etag = await complete(gateway.client)
    assert.match(etag, /^"[0-9a-f]{32}-2"$/)
    await swept(store)
    assert.is(await complete(other.client), etag)
    assert.is(await complete(gateway.client), etag)
  }))

test('a completion of an upload without encryption is answered again', () =>
  withRelay(Bucket, async ({ gateway }) => {
    const complete = await startUpload([gateway.client], 'key', {})
    const etag = await complete(gateway.client)
    assert.match(etag, /^"[0-9a-f]{32}-1"$/)
    assert.is(await complete(gateway.client), etag)
  }))

test('a completion is no failure because the upload cannot be forgotten', () =>
  withRelay(Bucket, async ({ relay, gateway }) => {
    const complete = await startUpload([gateway.client], 'key', encrypted)
    relay.set(({ method, url = '' }) =>
      method === 'DELETE' && url.startsWith('/sealgate-system/uploads/')
        ? { status: 403, code: 'AccessDenied' }
        : undefined,
    )
    const etag = await complete(gateway.client, { IfNoneMatch: '*' })
    assert.match(etag, /^"[0-9a-f]{32}-1"$/)
    assert.is(await complete(gateway.client), etag)
  }))

test.run()
