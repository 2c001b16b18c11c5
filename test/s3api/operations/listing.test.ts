import {
  DeleteObjectsCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  ListObjectsV2Command,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { minioClient, withSdk } from '../../support/clients.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { compareUtf8, expectedPage } from '../../support/listing-model.ts'

const test = suite('s3api/operations/listing')

const Bucket = 'bucket'

const withKeys = (
  keys: readonly string[],
  work: (front: TestFrontEnd, client: S3Client) => Promise<void>,
): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.backend.createBucket(Bucket)
    const record = {
      size: 0,
      etag: 'e',
      modifiedAtMs: 1000,
      headers: {},
      metadata: {},
      storageClass: 'STANDARD',
    }
    const data = { kind: 'bytes', bytes: new Uint8Array(0) } as const
    for (let at = 0; at < keys.length; at += 500) {
      const some = keys.slice(at, at + 500)
      await Promise.all(
        some.map((key) =>
          front.backend.putObject({ bucket: Bucket, key, record, data, newVersionId: () => 'v' }),
        ),
      )
    }
    await withSdk(front.url, (client) => work(front, client))
  })

const many = Array.from({ length: 2_500 }, (_, index) => {
  const folder = ['', 'a/', 'a/b/', 'ü/', '😀/', '\ufa10/'][index % 6] ?? ''
  return `${folder}${(index * 7919) % 2_503} é+&%`
})

test('2,500 keys are listed in pages of 7 and 1000, each once, in UTF-8 byte order', () =>
  withKeys(many, async (front, client) => {
    const sorted = [...many].sort(compareUtf8)
    for (const pageSize of [7, 1000]) {
      const seen: string[] = []
      for await (const page of paginateListObjectsV2({ client, pageSize }, { Bucket })) {
        const names = page.Contents?.map(({ Key = '' }) => Key) ?? []
        assert.is(page.KeyCount, names.length)
        assert.is(names.length, Math.min(pageSize, sorted.length - seen.length))
        seen.push(...names)
      }
      assert.equal(seen, sorted)
    }
    const byMinio: string[] = []
    for await (const { name } of minioClient(front.url).listObjectsV2(Bucket, '', true)) byMinio.push(name)
    assert.equal(byMinio, sorted)
  }))

const tree = [
  'a',
  'a/',
  'a/b',
  'a/b/c',
  'a0',
  'b/x/y',
  'b/x/z',
  'c//d',
  'c/d',
  '😀/1',
  '\ufa10/1',
  ' +&%',
  'é',
]

test('pages of one entry of both versions tell the whole truth, with any prefix and delimiter', () =>
  withKeys(tree, async (_front, client) => {
    for (const [Prefix, Delimiter] of [
      ['', '/'],
      ['', ''],
      ['a', '/'],
      ['a/', '/'],
      ['c/', '/'],
      ['', '//'],
      ['b/x/', ''],
      ['nothing', '/'],
    ] as const) {
      const expected = expectedPage(tree, {
        prefix: Prefix,
        delimiter: Delimiter,
        startAfter: '',
        limit: 1000,
      })
      for (const EncodingType of [undefined, 'url'] as const) {
        const query = { Bucket, Prefix, Delimiter, MaxKeys: 1, ...(EncodingType && { EncodingType }) }
        const v2: string[] = []
        for (let ContinuationToken: string | undefined; ; ) {
          const page = await client.send(new ListObjectsV2Command({ ...query, ContinuationToken }))
          v2.push(...namesOf(page, EncodingType))
          ContinuationToken = page.NextContinuationToken
          if (page.IsTruncated !== true) break
        }
        assert.equal(v2, expected.names, JSON.stringify(query))
        const v1: string[] = []
        for (let Marker = ''; ; ) {
          const page = await client.send(new ListObjectsCommand({ ...query, Marker }))
          const names = namesOf(page, EncodingType)
          v1.push(...names)
          if (page.IsTruncated !== true) break
          Marker = decode(page.NextMarker, EncodingType) ?? names.at(-1) ?? ''
        }
        assert.equal(v1, expected.names, JSON.stringify(query))
      }
    }
  }))

function namesOf(
  page: Pick<ListObjectsCommandOutput, 'Contents' | 'CommonPrefixes'>,
  encoding: 'url' | undefined,
): string[] {
  const names = [
    ...(page.Contents ?? []).map(({ Key }) => decode(Key, encoding) ?? ''),
    ...(page.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix, encoding) ?? ''),
  ]
  return names.sort(compareUtf8)
}

function decode(text: string | undefined, encoding: 'url' | undefined): string | undefined {
  return text === undefined || encoding === undefined ? text : decodeURIComponent(text)
}

test('arguments of listings that mean nothing are refused', () =>
  withKeys([], async (front) => {
    for (const query of [
      'max-keys=-1',
      'max-keys=x',
      'max-keys=99999999999',
      'encoding-type=xml',
      'list-type=3',
      'list-type=2&continuation-token=%21',
      // A U+0000.
      'list-type=2&continuation-token=AA',
    ]) {
      const { status, code } = await front.send({ method: 'GET', target: `/bucket?${query}` })
      assert.equal([status, code], [400, 'InvalidArgument'], query)
    }
    const none = await front.send({ method: 'GET', target: '/bucket?max-keys=0' })
    assert.match(none.body, '<IsTruncated>false</IsTruncated>')
  }))

test('many objects are deleted with one request, each with an outcome of its own', () =>
  withKeys(many.slice(0, 1000), async (front, client) => {
    const Objects = many.slice(0, 999).map((Key) => ({ Key }))
    const { Deleted = [], Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [...Objects, { Key: 'was never there' }] } }),
    )
    assert.equal([Deleted.length, Errors.length], [1000, 0])
    const left = await client.send(new ListObjectsV2Command({ Bucket }))
    assert.equal(
      left.Contents?.map(({ Key }) => Key),
      [many[999]],
    )
    const tooMany = {
      Delete: { Objects: Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` })) },
    }
    const refused: unknown = await client
      .send(new DeleteObjectsCommand({ Bucket, ...tooMany }))
      .catch((error: unknown) => error)
    assert.ok(refused instanceof Error && refused.name === 'MalformedXML')
    const longest = 'k'.repeat(1024)
    const long = { Delete: { Objects: [{ Key: `${longest}k` }, { Key: longest }] } }
    const some = await client.send(new DeleteObjectsCommand({ Bucket, ...long }))
    assert.equal(
      [some.Errors?.map(({ Code }) => Code), some.Deleted?.map(({ Key }) => Key)],
      [['KeyTooLongError'], [longest]],
    )
    const body = '<Delete><Object><Key>a</Key></Object></Delete>'
    const unchecked = await front.send({ method: 'POST', target: '/bucket?delete=', body })
    assert.is(unchecked.code, 'InvalidRequest')
  }))

test.run()
