import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newVersionId } from '../../../s3api/sse/version-ids.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { refusal, withClient } from '../../support/s3-client.ts'

const test = suite('s3api/operations/versions')

const Bucket = 'versions'
const Key = 'a key'

/** Every fact holds for plain and for encrypted objects alike. */
const encryptions = [undefined, 'AES256'] as const

function versioned(
  title: string,
  check: (client: S3Client, put: (Body: string) => Promise<string>, front: TestFrontEnd) => Promise<void>,
): void {
  test(title, async () => {
    await withFrontEnd({}, (front) =>
      withClient(front.url, async (client) => {
        for (const ServerSideEncryption of encryptions) {
          await client.send(new CreateBucketCommand({ Bucket }))
          await setVersioning(client, 'Enabled')
          const put = async (Body: string) => {
            const command = new PutObjectCommand({ Bucket, Key, Body, ServerSideEncryption })
            return (await client.send(command)).VersionId ?? ''
          }
          await check(client, put, front)
          await removeBucket(client)
        }
      }),
    )
  })
}

async function removeBucket(client: S3Client): Promise<void> {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
  for (const { Key: key, VersionId } of [...Versions, ...DeleteMarkers]) {
    await client.send(new DeleteObjectCommand({ Bucket, Key: key, VersionId }))
  }
  await client.send(new DeleteBucketCommand({ Bucket }))
}

versioned('GET and HEAD give the version that is named, and name the one they give', async (client, put) => {
  const [first, second] = [await put('one'), await put('two')]
  assert.equal(await read(client, first), ['one', first])
  assert.equal(await read(client), ['two', second])
  const head = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId: first }))
  assert.is(head.VersionId, first)
  const unknown = await refusal(read(client, 'nothing-like-it'))
  assert.equal([unknown.name, unknown.$metadata.httpStatusCode], ['NoSuchVersion', 404])
})

versioned('a delete marker is 404 as the latest version and 405 by its id', async (client, put, { send }) => {
  await put('one')
  const deletion = await client.send(new DeleteObjectCommand({ Bucket, Key }))
  assert.is(deletion.DeleteMarker, true)
  const latest = await send({ method: 'GET', target: `/${Bucket}/a%20key` })
  assert.equal([latest.status, latest.code], [404, 'NoSuchKey'])
  assert.is(latest.headers['x-amz-delete-marker'], 'true')
  assert.is(latest.headers['x-amz-version-id'], deletion.VersionId)
  const target = `/${Bucket}/a%20key?versionId=${deletion.VersionId}`
  const named = await send({ method: 'GET', target })
  assert.equal([named.status, named.code], [405, 'MethodNotAllowed'])
  assert.is(named.headers['x-amz-delete-marker'], 'true')
  assert.is((await send({ method: 'HEAD', target })).status, 405)
  const undone = await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: deletion.VersionId }))
  assert.equal([undone.DeleteMarker, undone.VersionId], [true, deletion.VersionId])
  assert.is((await read(client))[0], 'one')
})

versioned('an older version is made the current one by copying it onto its key', async (client, put) => {
  const first = await put('one')
  await put('two')
  const CopySource = `/${Bucket}/a%20key?versionId=${first}`
  const copy = await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }))
  assert.is(copy.CopySourceVersionId, first)
  assert.equal(await read(client), ['one', copy.VersionId])
})

versioned('a multi-object delete removes versions and makes markers', async (client, put) => {
  const [first, second] = [await put('one'), await put('two')]
  const Objects = [{ Key, VersionId: first }, { Key: 'nothing' }]
  const { Deleted = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  assert.equal(Deleted[0], { Key, VersionId: first })
  assert.is(Deleted[1]?.DeleteMarker, true)
  assert.ok(Deleted[1]?.DeleteMarkerVersionId)
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
  assert.equal(
    Versions.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]),
    [[second, true]],
  )
  assert.equal(
    DeleteMarkers.map((marker) => marker.Key),
    ['nothing'],
  )
})

versioned('versions are listed page by page with the plaintext’s sizes', async (client, put) => {
  const written = [await put('1'), await put('22'), await put('333')]
  const found: (readonly [string | undefined, number | undefined])[] = []
  let [KeyMarker, VersionIdMarker]: (string | undefined)[] = []
  for (;;) {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, KeyMarker, VersionIdMarker }),
    )
    found.push(...(page.Versions ?? []).map(({ VersionId, Size }) => [VersionId, Size] as const))
    if (page.IsTruncated !== true) break
    ;[KeyMarker, VersionIdMarker] = [page.NextKeyMarker, page.NextVersionIdMarker]
  }
  assert.equal(found, written.map((id, index) => [id, index + 1] as const).toReversed())
})

versioned(
  'a suspended bucket says so, and writes the null version without naming it',
  async (client, put) => {
    const kept = await put('kept')
    await setVersioning(client, 'Suspended')
    assert.is((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status, 'Suspended')
    assert.is(await put('null one'), '')
    assert.equal(await read(client), ['null one', 'null'])
    assert.equal(await read(client, kept), ['kept', kept])
    const deletion = await client.send(new DeleteObjectCommand({ Bucket, Key }))
    assert.equal([deletion.DeleteMarker, deletion.VersionId], [true, 'null'])
  },
)

test('a bucket that never had versioning names no version and takes `null` for one', async () => {
  await withFrontEnd({}, ({ url }) =>
    withClient(url, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket }))
      assert.is((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status, undefined)
      assert.is((await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))).VersionId, undefined)
      assert.equal(await read(client, 'null'), ['x', undefined])
      const deletion = await client.send(new DeleteObjectCommand({ Bucket, Key }))
      assert.equal([deletion.DeleteMarker, deletion.VersionId], [undefined, undefined])
      await client.send(new DeleteBucketCommand({ Bucket }))
    }),
  )
})

test('a version id that is not heeded is refused, and so is an empty one', async () => {
  await withFrontEnd({}, async ({ send }) => {
    await send({ method: 'PUT', target: '/versions' })
    for (const [method, target] of [
      ['PUT', '/versions/key?versionId=x'],
      ['GET', '/versions?versionId=x'],
      ['GET', '/versions/key?versionId='],
    ] as const) {
      assert.is((await send({ method, target })).code, 'InvalidArgument', target)
    }
  })
})

test('a store that gives another version than the one asked for is found out', async () => {
  await withFrontEnd({}, ({ url, backend }) =>
    withClient(url, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket }))
      await setVersioning(client, 'Enabled')
      const put = (Body: string, encrypted: boolean) =>
        client.send(
          new PutObjectCommand({ Bucket, Key, Body, ...(encrypted && { ServerSideEncryption: 'AES256' }) }),
        )
      const { VersionId: asked = '' } = await put('asked for', true)
      const stored = await backend.getObject(Bucket, Key)
      assert.is(newVersionId(stored.record), asked)
      for (const encrypted of [true, false]) {
        await put('another', encrypted)
        const another = await backend.getObject(Bucket, Key)
        await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: asked }))
        // The other version's record and bytes under the id that the client knows.
        await backend.putObject({
          bucket: Bucket,
          key: Key,
          record: another.record,
          data: { kind: 'same-as', object: another },
          newVersionId: () => asked,
        })
        assert.is((await refusal(read(client, asked))).name, 'XMinioObjectTampered')
      }
    }),
  )
})

async function read(client: S3Client, VersionId?: string): Promise<[string, string | undefined]> {
  const { Body, VersionId: given } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return [(await Body?.transformToString()) ?? '', given]
}

async function setVersioning(client: S3Client, Status: 'Enabled' | 'Suspended'): Promise<void> {
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
}

test.run()
