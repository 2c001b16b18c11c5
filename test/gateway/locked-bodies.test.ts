import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { withDirectory } from '../support/files.ts'
import { serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { startRecordingRelay } from '../support/recording-relay.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'

const test = suite('gateway/locked-bodies')
const Bucket = 'bucket'
const lock = {
  ObjectLockMode: 'GOVERNANCE',
  ObjectLockRetainUntilDate: new Date(Date.now() + 3_600_000),
} as const
const partSize = 5 * 1024 * 1024
const bodies = { small: randomBytes(1000), large: randomBytes(700_001) }

/** A gateway that encrypts, before a store that is reached through a relay which remembers what went there. */
async function withGateway(
  { secure }: { readonly secure: boolean },
  work: (client: S3Client, sent: () => string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const authority = await createAuthority('a private authority')
    const caFile = join(directory, 'ca.pem')
    writeFileSync(caFile, authority.cert)
    const certificate = secure ? await createCertificate(authority) : undefined
    const store = await serveStore()
    const relay = await startRecordingRelay(store.url, certificate)
    const control = await startTestControl()
    const gateway = await serveGateway(relay.url, {
      keys: control.keys,
      frontEnd: { autoEncryption: true },
      ...(secure && { config: { caFile } }),
    })
    try {
      await gateway.client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
      await work(gateway.client, () => relay.sent())
    } finally {
      await gateway.close()
      await control.close()
      await relay.close()
      await store.close()
    }
  })
}

async function requireObject(client: S3Client, Key: string, bytes: Uint8Array): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  assert.ok(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes), `${Key} differs`)
}

/** What the requests that carry bytes into the bucket say of them, one line each: header names of checksums. */
function checksums(sent: string): string[] {
  const heads = sent.matchAll(/PUT (\/bucket\/\S+) HTTP\/1\.1\r\n((?:[^\r\n]+\r\n)+)/g)
  return [...heads]
    .filter(([, , head = '']) => !/^x-amz-copy-source:/m.test(head))
    .map(([, target = '', head = '']) => {
      const names = head.match(/^(content-md5|x-amz-trailer: .*|x-amz-checksum-[^:]*)/gm) ?? []
      return [target.replace(/&?uploadId=[^&]*/, ''), ...names.map((name) => name.trim())].join(' ')
    })
}

/** Of each completion, how many of its parts are named with a checksum, and how many without. */
function completedParts(sent: string): string[] {
  const documents = sent.match(/<CompleteMultipartUpload.*?<\/CompleteMultipartUpload>/gs) ?? []
  return documents.map((document) => {
    const parts = document.match(/<Part>.*?<\/Part>/gs) ?? []
    const checksummed = parts.filter((part) => /<ChecksumCRC32>[^<]{8}<\/ChecksumCRC32>/.test(part))
    return `${checksummed.length} with, ${parts.length - checksummed.length} without`
  })
}

for (const secure of [false, true]) {
  const transport = secure ? 'TLS' : 'plain HTTP'
  test(`over ${transport} every body of a locked object has a checksum with it, and no other has`, () =>
    withGateway({ secure }, async (client, sent) => {
      for (const [Key, Body] of Object.entries(bodies)) {
        await client.send(new PutObjectCommand({ Bucket, Key: `${Key}-free`, Body }))
        await client.send(new PutObjectCommand({ Bucket, Key, Body, ...lock }))
        await requireObject(client, Key, Body)
      }
      assert.equal(checksums(sent()), [
        '/bucket/small-free',
        '/bucket/small content-md5',
        '/bucket/large-free',
        '/bucket/large x-amz-trailer: x-amz-checksum-crc32',
      ])
    }))

  test(`over ${transport} so have the parts of a locked upload, and the record behind them; MinIO wants them named again`, () =>
    withGateway({ secure }, async (client, sent) => {
      for (const [Key, last, attributes] of [
        ['free', bodies.small, {}],
        ['small-end', bodies.small, lock],
        ['large-end', randomBytes(partSize), lock],
      ] as const) {
        const parts = [randomBytes(partSize), last]
        const { UploadId } = await client.send(
          new CreateMultipartUploadCommand({ Bucket, Key, ...attributes }),
        )
        const name = { Bucket, Key, UploadId }
        const Parts = []
        for (const [index, Body] of parts.entries()) {
          const PartNumber = index + 1
          const { ETag } = await client.send(new UploadPartCommand({ ...name, PartNumber, Body }))
          Parts.push({ PartNumber, ETag })
        }
        await client.send(new CompleteMultipartUploadCommand({ ...name, MultipartUpload: { Parts } }))
        await requireObject(client, Key, Buffer.concat(parts))
      }
      assert.equal(completedParts(sent()), ['0 with, 2 without', '2 with, 0 without', '3 with, 0 without'])
      assert.equal(checksums(sent()), [
        '/bucket/free?partNumber=1',
        '/bucket/free?partNumber=2',
        '/bucket/small-end?partNumber=1 x-amz-trailer: x-amz-checksum-crc32',
        '/bucket/small-end?partNumber=2 x-amz-trailer: x-amz-checksum-crc32',
        '/bucket/large-end?partNumber=1 x-amz-trailer: x-amz-checksum-crc32',
        '/bucket/large-end?partNumber=2 x-amz-trailer: x-amz-checksum-crc32',
        '/bucket/large-end?partNumber=3 x-amz-checksum-crc32',
      ])
    }))
}

test('the record behind a locked copy whose bytes stay in the store has its MD5', () =>
  withGateway({ secure: false }, async (client, sent) => {
    const Body = randomBytes(partSize)
    await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body }))
    // More than fits into the marker.
    const Metadata = { large: 'x'.repeat(1500) }
    const CopySource = `${Bucket}/source`
    const copy = { Bucket, Key: 'copy', CopySource, MetadataDirective: 'REPLACE', Metadata, ...lock } as const
    await client.send(new CopyObjectCommand(copy))
    await requireObject(client, 'copy', Body)
    assert.equal(checksums(sent()).slice(1), ['/bucket/copy?partNumber=2 content-md5'])
  }))

test.run()
