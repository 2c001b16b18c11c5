import { createHash, randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withSdk } from '../../support/clients.ts'
import {
  type EncryptionMode,
  encryptionModes,
  readFields,
  shownBy,
  shownFields,
  sourceFields,
  writeFields,
} from '../../support/encryption-modes.ts'
import { withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/sse/copies')

const Bucket = 'bucket'
const partSize = 5 * 1024 * 1024
const single = randomBytes(200_001)
const whole = randomBytes(partSize + 70_000)
const [sourceSeed, targetSeed] = [1, 2]

const withBucket = (work: (client: S3Client) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await withSdk(front.url, work)
  })

async function contentOf(client: S3Client, Key: string, mode: EncryptionMode, seed: number, Range?: string) {
  const range = Range === undefined ? {} : { Range }
  const response = await client.send(
    new GetObjectCommand({ Bucket, Key, ...readFields(mode, seed), ...range }),
  )
  assert.equal(shownBy(response), shownFields(mode, seed))
  return { bytes: Buffer.from((await response.Body?.transformToByteArray()) ?? []), response }
}

async function putParts(client: S3Client, Key: string, mode: EncryptionMode): Promise<void> {
  const created = await client.send(
    new CreateMultipartUploadCommand({
      Bucket,
      Key,
      Metadata: { color: 'blue' },
      ContentType: 'text/plain',
      ...writeFields(mode, sourceSeed),
    }),
  )
  assert.equal(shownBy(created), shownFields(mode, sourceSeed))
  const upload = { Bucket, Key, UploadId: created.UploadId, ...readFields(mode, sourceSeed) }
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (const [index, Body] of [whole.subarray(0, partSize), whole.subarray(partSize)].entries()) {
    const part = await client.send(new UploadPartCommand({ ...upload, PartNumber: index + 1, Body }))
    assert.equal(shownBy(part), shownFields(mode, sourceSeed))
    Parts.push({ PartNumber: index + 1, ETag: part.ETag })
  }
  const done = await client.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
  )
  assert.match(done.ETag ?? '', /^"[0-9a-f]{32}-2"$/)
}

for (const from of encryptionModes) {
  test(`an object of one PUT and one of parts, ${from}, are copied to every encryption`, () =>
    withBucket(async (client) => {
      const properties = { Metadata: { color: 'blue' }, ContentType: 'text/plain' }
      await client.send(
        new PutObjectCommand({
          Bucket,
          Key: 'single',
          Body: single,
          ...properties,
          ...writeFields(from, sourceSeed),
        }),
      )
      await putParts(client, 'parts', from)
      for (const to of encryptionModes) {
        for (const [name, expected] of [
          ['single', single],
          ['parts', whole],
        ] as const) {
          const Key = `${name}-${to}`
          const copied = await client.send(
            new CopyObjectCommand({
              Bucket,
              Key,
              CopySource: `${Bucket}/${name}`,
              ...sourceFields(from, sourceSeed),
              ...writeFields(to, targetSeed),
            }),
          )
          assert.equal(shownBy(copied), shownFields(to, targetSeed), `${name} to ${to}`)
          const { bytes, response } = await contentOf(client, Key, to, targetSeed)
          assert.ok(bytes.equals(expected), `${name} to ${to}: the content differs`)
          assert.equal([response.Metadata, response.ContentType], [{ color: 'blue' }, 'text/plain'])
          const head = await client.send(
            new HeadObjectCommand({ Bucket, Key, ...readFields(to, targetSeed) }),
          )
          assert.equal([head.ContentLength, head.ETag], [expected.length, response.ETag])
          assert.equal(copied.CopyObjectResult?.ETag, response.ETag)
          if (to === 'plain' || to === 'sse-s3') expectMd5(response.ETag, expected)
          const range = `bytes=${expected.length - 70_010}-${expected.length - 69_990}`
          const some = await contentOf(client, Key, to, targetSeed, range)
          assert.ok(some.bytes.equals(expected.subarray(-70_010, -69_989)))
        }
      }
    }))

  test(`parts copied from an object of ${from} make objects of every encryption`, () =>
    withBucket(async (client) => {
      await client.send(
        new PutObjectCommand({ Bucket, Key: 'source', Body: whole, ...writeFields(from, sourceSeed) }),
      )
      for (const to of encryptionModes) {
        const Key = `target-${to}`
        const created = await client.send(
          new CreateMultipartUploadCommand({ Bucket, Key, ...writeFields(to, targetSeed) }),
        )
        const upload = { Bucket, Key, UploadId: created.UploadId, ...readFields(to, targetSeed) }
        const Parts: { PartNumber: number; ETag: string | undefined }[] = []
        for (const [index, CopySourceRange] of [
          `bytes=0-${partSize - 1}`,
          `bytes=${partSize}-${whole.length - 1}`,
        ].entries()) {
          const PartNumber = index + 1
          const copied = await client.send(
            new UploadPartCopyCommand({
              ...upload,
              ...sourceFields(from, sourceSeed),
              CopySource: `${Bucket}/source`,
              CopySourceRange,
              PartNumber,
            }),
          )
          assert.equal(shownBy(copied), shownFields(to, targetSeed))
          Parts.push({ PartNumber, ETag: copied.CopyPartResult?.ETag })
        }
        await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
        assert.ok((await contentOf(client, Key, to, targetSeed)).bytes.equals(whole), to)
      }
    }))
}

/** An ETag that looks like an MD5 has to be one. */
function expectMd5(etag: string | undefined, bytes: Buffer): void {
  const md5 = createHash('md5').update(bytes).digest('hex')
  assert.ok(etag === `"${md5}"` || /-\d+"$/.test(etag ?? ''), `${etag} is not the MD5 ${md5}`)
}

test.run()
