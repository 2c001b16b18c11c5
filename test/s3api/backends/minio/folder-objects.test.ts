import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { payloadSizeMax } from '../../../../engine/index.ts'
import { equalBytes, patternBytes } from '../../../support/bytes.ts'
import { startTestControl } from '../../../support/control.ts'
import { serveMinioFolder } from '../../../support/gateway-front-end.ts'
import {
  fsJsonOf,
  type MinioFolder,
  sealedForCustomer,
  withMinioFolder,
} from '../../../support/minio-folder.ts'
import { readVectors } from '../../../support/vectors.ts'

const test = suite('s3api/backends/minio/folder-objects')

interface Vector {
  readonly bucket: string
  readonly key: string
  readonly mode: 'plain' | 'SSE-S3' | 'SSE-KMS' | 'SSE-C'
  /** As MinIO showed it. */
  readonly etag: string
  readonly fsJson: string
  readonly dataHex: string
}

/** What a server of 2019 has written, one of 2021, and one of 2022 with a secret key, whose bytes are the master key's. */
const vectors: readonly Vector[] = [
  ...readVectors<
    readonly {
      readonly kind: string
      readonly bucket: string
      readonly object: string
      readonly fsJson: object
      readonly clientETag: string
      readonly dataHex: string
    }[]
  >('minio-objects')
    .filter(({ kind }) => kind === 'fs')
    .map(({ bucket, object, fsJson, clientETag, dataHex }) => ({
      bucket,
      key: object,
      mode: object === 'c.txt' ? ('SSE-C' as const) : ('SSE-S3' as const),
      etag: clientETag.replaceAll('"', ''),
      fsJson: JSON.stringify(fsJson),
      dataHex,
    })),
  ...readVectors<readonly Vector[]>('minio-fs'),
]
const plaintext = 'hello minio sse\n'
const textOf = ({ key }: Vector) => (key === 'empty.txt' ? '' : plaintext)
const key = Uint8Array.from({ length: 32 }, (_, index) => index)
const customer = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: Buffer.from(key).toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
}
const shown = { plain: undefined, 'SSE-C': undefined, 'SSE-S3': 'AES256', 'SSE-KMS': 'aws:kms' } as const
const nameOf = ({ bucket, key: Key, mode }: Vector) => ({
  Bucket: bucket,
  Key,
  ...(mode === 'SSE-C' && customer),
})

async function withServer(
  prepare: (folder: MinioFolder) => void,
  work: (client: S3Client, folder: MinioFolder) => Promise<void>,
): Promise<void> {
  await withMinioFolder(async (folder) => {
    prepare(folder)
    const control = await startTestControl()
    const server = await serveMinioFolder(folder.path, control.keys)
    try {
      await work(server.client, folder)
    } finally {
      await server.close()
      await control.close()
    }
  })
}

const withVectors = (work: (client: S3Client, folder: MinioFolder) => Promise<void>): Promise<void> =>
  withServer((folder) => {
    for (const { bucket, key: name, fsJson, dataHex } of vectors) {
      folder.put(bucket, name, Buffer.from(dataHex, 'hex'), fsJson)
    }
    mkdirSync(join(folder.path, 'vec21', 'marker'))
  }, work)

async function read(client: S3Client, input: GetObjectCommandInput) {
  const answer = await client.send(new GetObjectCommand(input))
  return { ...answer, text: (await answer.Body?.transformToString()) ?? '' }
}

const errorOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: Error) => error.name,
  )

test('all objects that MinIO has written are read, whole and in ranges, with the ETag that it showed', () =>
  withVectors(async (client) => {
    for (const vector of vectors) {
      const whole = await read(client, nameOf(vector))
      assert.is(whole.text, textOf(vector), vector.key)
      assert.is(whole.ETag, `"${vector.etag}"`, vector.key)
      const head = await client.send(new HeadObjectCommand(nameOf(vector)))
      assert.is(head.ContentLength, textOf(vector).length)
      assert.is(head.ETag, whole.ETag)
      assert.is(head.ServerSideEncryption, shown[vector.mode], vector.key)
      if (textOf(vector) === '') continue
      const part = await read(client, { ...nameOf(vector), Range: 'bytes=6-10' })
      assert.is(part.text, 'minio', vector.key)
    }
  }))

test('headers, metadata, tags, time and parts are those that MinIO knew', () =>
  withServer(
    (folder) => {
      for (const { bucket, key: name, fsJson, dataHex } of vectors) {
        folder.put(bucket, name, Buffer.from(dataHex, 'hex'), fsJson)
        utimesSync(folder.dataPath(bucket, name), 1_600_000_000, 1_600_000_000.75)
      }
    },
    async (client) => {
      const name = { Bucket: 'vec21', Key: 'dir/q"uo<t>e& ä' }
      const head = await client.send(new HeadObjectCommand(name))
      assert.equal(head.Metadata, { color: 'blue' })
      assert.is(head.CacheControl, 'no-store')
      assert.is(head.LastModified?.getTime(), 1_600_000_000_000)
      const { TagSet } = await client.send(new GetObjectTaggingCommand(name))
      assert.equal(TagSet, [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: 'ä' },
      ])
      for (const Key of ['mp/s3.bin', 'mp/plain.bin']) {
        const part = await read(client, { Bucket: 'vec21', Key, PartNumber: 3 })
        assert.equal([part.text, part.PartsCount], [plaintext, 1], Key)
      }
    },
  ))

test('the storage class is the one that MinIO showed, and that of none STANDARD', () =>
  withServer(
    (folder) => {
      // Written by MinIO RELEASE.2022-05-26T05-48-41Z.
      const etag = 'b946de2fd1b8a647c38a0800c2cc0d2e'
      const meta = {
        'content-type': 'binary/octet-stream',
        etag,
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      }
      folder.put('bucket', 'reduced', plaintext, fsJsonOf(meta))
      folder.put('bucket', 'odd', plaintext, fsJsonOf({ ...meta, 'x-amz-storage-class': 'a\nb' }))
    },
    async (client) => {
      const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket: 'bucket', Key }))
      assert.is((await head('reduced')).StorageClass, 'REDUCED_REDUNDANCY')
      assert.is((await head('odd')).StorageClass, undefined)
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
      assert.equal(
        Contents?.map(({ Key, StorageClass }) => [Key, StorageClass]),
        [
          ['odd', 'STANDARD'],
          ['reduced', 'REDUCED_REDUNDANCY'],
        ],
      )
    },
  ))

test('a list shows all of them with plaintext sizes, and an empty folder as the object that it was', () =>
  withVectors(async (client) => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'vec21' }))
    const found = Contents.map(({ Key, Size }) => [Key, Size])
    assert.equal(found, [
      ['dir/c.txt', 16],
      ['dir/q"uo<t>e& ä', 16],
      ['empty.txt', 0],
      ['marker/', 0],
      ['mp/c.bin', 16],
      ['mp/plain.bin', 16],
      ['mp/s3.bin', 16],
      ['plain.txt', 16],
    ])
    const etags = new Map(Contents.map(({ Key, ETag }) => [Key, ETag]))
    for (const { bucket, key: name, etag, mode } of vectors) {
      if (bucket !== 'vec21') continue
      // What only the KMS could tell is at least not taken for an MD5.
      const shown =
        mode === 'SSE-S3' && !etag.includes('-') ? /^"[0-9a-f]{32}-1"$/ : new RegExp(`^"${etag}"$`)
      assert.match(etags.get(name) ?? '', shown, name)
    }
    const marker = await client.send(new HeadObjectCommand({ Bucket: 'vec21', Key: 'marker/' }))
    assert.is(marker.ContentLength, 0)
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: 'vec21' }))
    assert.equal(
      Versions.map(({ Key, Size, VersionId, IsLatest }) => [Key, Size, VersionId, IsLatest]),
      found.map(([Key, Size]) => [Key, Size, 'null', true]),
    )
    const old = await read(client, { Bucket: 'vec21', Key: 'plain.txt', VersionId: 'null' })
    assert.is(old.text, plaintext)
  }))

test('ranges across the parts of an object, and its empty parts, are right to the byte', () => {
  const bytes = patternBytes(2 * payloadSizeMax + 5, 3)
  const cuts = [0, payloadSizeMax, payloadSizeMax, payloadSizeMax + 9, bytes.length]
  const streams = [2, 5, 6, 9].map((number, index) => ({
    number,
    bytes: bytes.subarray(cuts[index], cuts[index + 1]),
  }))
  const object = { bucket: 'bucket', key: 'parts' }
  const sealed = sealedForCustomer(object, key, streams)
  const parts = streams.map((stream) => ({ number: stream.number, size: stream.bytes.length }))
  return withServer(
    (folder) => {
      folder.put(object.bucket, object.key, sealed.data, sealed.fsJson)
      folder.put(object.bucket, 'plain', bytes, fsJsonOf({ etag: `${'a'.repeat(32)}-4` }, parts))
    },
    async (client) => {
      for (const Key of ['parts', 'plain']) {
        const name = { Bucket: object.bucket, Key, ...(Key === 'parts' && customer) }
        const edges = [0, 1, payloadSizeMax - 1, payloadSizeMax, payloadSizeMax + 8, payloadSizeMax + 9]
        for (const first of edges) {
          for (const last of [...edges, bytes.length - 1].filter((end) => end >= first)) {
            const Range = `bytes=${first}-${last}`
            const { Body } = await client.send(new GetObjectCommand({ ...name, Range }))
            const got = await Body?.transformToByteArray()
            equalBytes(got ?? new Uint8Array(0), bytes.subarray(first, last + 1), `${Key} ${Range}`)
          }
        }
        const { ContentLength } = await client.send(new HeadObjectCommand({ ...name, PartNumber: 9 }))
        assert.is(ContentLength, bytes.length - payloadSizeMax - 9)
      }
    },
  )
})

test('a file that MinIO was never told about is an object without metadata', () =>
  withServer(
    (folder) => folder.put('bucket', 'dropped', 'content'),
    async (client, folder) => {
      const name = { Bucket: 'bucket', Key: 'dropped' }
      const { text, ETag, ServerSideEncryption } = await read(client, name)
      assert.is(text, 'content')
      assert.is(ServerSideEncryption, undefined)
      assert.match(ETag ?? '', /^"[0-9a-f]{32}-1"$/)
      writeFileSync(folder.dataPath('bucket', 'dropped'), 'another')
      utimesSync(folder.dataPath('bucket', 'dropped'), 1, 1)
      const after = await read(client, name)
      assert.is(after.text, 'another')
      assert.is.not(after.ETag, ETag)
    },
  ))

test('a copy is one of ours, which needs MinIO’s folder no longer', () =>
  withVectors(async (client, folder) => {
    await client.send(new CreateBucketCommand({ Bucket: 'moved' }))
    for (const vector of vectors) {
      const { bucket, key: Key } = vector
      const source = `${bucket}/${encodeURIComponent(Key)}`
      const customerSource =
        vector.mode === 'SSE-C' &&
        ({
          CopySourceSSECustomerAlgorithm: customer.SSECustomerAlgorithm,
          CopySourceSSECustomerKey: customer.SSECustomerKey,
          CopySourceSSECustomerKeyMD5: customer.SSECustomerKeyMD5,
        } as const)
      // One whose stored bytes are taken over, and one that is encrypted now or no longer.
      const encrypted = { ServerSideEncryption: 'AES256' } as const
      const copy = { CopySource: source, Bucket: 'moved', ...customerSource }
      await client.send(new CopyObjectCommand({ ...copy, Key: `${bucket}/${Key}`, ...encrypted }))
      await client.send(new CopyObjectCommand({ ...copy, Key: `plain/${bucket}/${Key}` }))
    }
    const bytes = Buffer.from(vectors[0]?.dataHex ?? '', 'hex')
    equalBytes(readFileSync(folder.dataPath('vec', 's3.txt')), bytes)
    for (const bucket of ['vec', 'vec21', 'vec22']) folder.empty(bucket)
    for (const vector of vectors) {
      const name = `${vector.bucket}/${vector.key}`
      const moved = await read(client, { Bucket: 'moved', Key: name })
      assert.equal([moved.text, moved.ServerSideEncryption], [textOf(vector), 'AES256'], vector.key)
      const plain = await read(client, { Bucket: 'moved', Key: `plain/${name}` })
      assert.equal([plain.text, plain.ServerSideEncryption], [textOf(vector), undefined], vector.key)
    }
    const tags = await client.send(new GetObjectTaggingCommand({ Bucket: 'moved', Key: 'vec21/plain.txt' }))
    assert.equal(tags.TagSet, [{ Key: 'a', Value: '1' }])
    assert.is(await errorOf(read(client, { Bucket: 'vec21', Key: 'plain.txt' })), 'NoSuchKey')
  }))

test('what is written over an object of MinIO’s counts, and the folder of MinIO stays as it was', () =>
  withVectors(async (client, folder) => {
    const before = snapshot(folder)
    const name = { Bucket: 'vec21', Key: 'plain.txt' }
    const { ETag } = await client.send(new HeadObjectCommand(name))
    const put = (condition: object, Body = 'ours') =>
      client.send(new PutObjectCommand({ ...name, ...condition, Body }))
    assert.is(await errorOf(put({ IfNoneMatch: '*' })), 'PreconditionFailed')
    assert.is(await errorOf(put({ IfMatch: '"other"' })), 'PreconditionFailed')
    await put({ IfMatch: ETag })
    assert.is((await read(client, name)).text, 'ours')
    await put({}, 'ours again')
    await client.send(new PutObjectCommand({ ...name, Key: 'new', Body: 'x' }))
    await client.send(new DeleteObjectCommand({ ...name, Key: 'new' }))
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ ...name, Prefix: 'pl' }))
    assert.equal(
      Contents.map(({ Key, Size }) => [Key, Size]),
      [['plain.txt', 10]],
    )
    assert.equal(snapshot(folder), before)
  }))

test('what would have to change or hide an object of MinIO’s is refused', () =>
  withVectors(async (client) => {
    const name = { Bucket: 'vec21', Key: 'mp/s3.bin' }
    const refused = (command: Promise<unknown>) => errorOf(command)
    assert.is(await refused(client.send(new DeleteObjectCommand(name))), 'MethodNotAllowed')
    const Tagging = { TagSet: [] }
    assert.is(
      await refused(client.send(new PutObjectTaggingCommand({ ...name, Tagging }))),
      'MethodNotAllowed',
    )
    assert.is(await refused(client.send(new DeleteBucketCommand({ Bucket: 'vec21' }))), 'BucketNotEmpty')
    const versioning = { Bucket: 'vec21', VersioningConfiguration: { Status: 'Enabled' } } as const
    assert.is(await refused(client.send(new PutBucketVersioningCommand(versioning))), 'NotImplemented')
    assert.is((await read(client, name)).text, plaintext)
  }))

/** Everything but our own folder, with its times. */
function snapshot({ path }: MinioFolder): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.sealgate'))
    .sort()
    .map((name) => {
      const { size, mtimeMs, ctimeMs } = statSync(join(path, name))
      return [name, size, mtimeMs, ctimeMs].join(' ')
    })
}

test.run()
