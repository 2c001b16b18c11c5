import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Backend } from '../../../../s3api/backends/backend.ts'
import { openDiskBackend } from '../../../../s3api/backends/disk/index.ts'
import { compareUtf8, expectedPage } from '../../../support/listing-model.ts'
import { type MinioFolder, withMinioFolder } from '../../../support/minio-folder.ts'
import { propertyRuns } from '../../../support/property.ts'

const test = suite('s3api/backends/minio/folder-listing')
const log = pino({ level: 'silent' })
const bucket = 'bucket'

/** Files and empty folders (with a slash) of MinIO's, and keys of ours. */
async function withKeys(
  { theirs, ours }: { readonly theirs: readonly string[]; readonly ours: readonly string[] },
  work: (backend: Backend, folder: MinioFolder) => Promise<void>,
): Promise<void> {
  await withMinioFolder(async (folder) => {
    mkdirSync(join(folder.path, bucket))
    for (const key of theirs) {
      if (key.endsWith('/')) mkdirSync(folder.dataPath(bucket, key), { recursive: true })
      else folder.put(bucket, key, 'theirs')
    }
    const backend = await openDiskBackend({ directory: folder.path, log, readMinio: true, fsync: 'never' })
    try {
      for (const key of ours) {
        const record = { size: 4, etag: 'ours', modifiedAtMs: 1, headers: {}, metadata: {} }
        await backend.putObject({
          bucket,
          key,
          record: { ...record, storageClass: 'STANDARD' },
          data: { kind: 'bytes', bytes: Buffer.from('ours') },
          newVersionId: () => 'null',
        })
      }
      await work(backend, folder)
    } finally {
      await backend.close()
    }
  })
}

interface Query {
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
}

/** Walks the pages of both kinds of listing to the end, and compares each with the truth. */
async function expectPages(backend: Backend, keys: readonly string[], query: Query): Promise<void> {
  for (let startAfter = '', afterKey = false, more = true; more; ) {
    const page = await backend.listObjects(bucket, { ...query, startAfter })
    const names = page.entries.map((entry) => (entry.kind === 'prefix' ? entry.prefix : entry.key))
    const what = JSON.stringify({ ...query, startAfter })
    assert.equal({ names, truncated: page.truncated }, expectedPage(keys, { ...query, startAfter }), what)
    const versions = await backend.listVersions(bucket, {
      ...query,
      keyMarker: startAfter,
      versionIdMarker: afterKey ? 'null' : '',
    })
    const versionNames = versions.entries.map((entry) => (entry.kind === 'prefix' ? entry.prefix : entry.key))
    assert.equal([versionNames, versions.truncated], [names, page.truncated], `versions: ${what}`)
    more = page.truncated
    startAfter = names.at(-1) ?? ''
    afterKey = page.entries.at(-1)?.kind === 'object'
  }
}

const theirs = [
  'a-',
  'a.txt',
  'a/b',
  'a/b0',
  'a/c/d',
  'a/c/e/',
  'a0',
  'b/x/y/z',
  'e/',
  'ä/ö',
  '\uffff',
  '😀/1',
  '😀/2',
]
const ours = ['a', 'a/b', 'a/c', 'a//b', 'a/c/', 'b/x/', 'b/x/y', 'b/x/y/z', 'f', '\uffff/', '😀']

for (const limit of [1, 2, 3, 1000]) {
  test(`pages of ${limit} tell the whole truth of both, for all prefixes and delimiters`, () =>
    withKeys({ theirs, ours }, async (backend) => {
      const keys = [...new Set([...theirs, ...ours])]
      for (const prefix of ['', 'a', 'a/', 'a/c', 'a/c/e/', 'b/x/', 'e', 'e/', 'zz', '😀', '\uffff', '..']) {
        for (const delimiter of ['', '/', 'b', '/b', '//', '.'])
          await expectPages(backend, keys, { prefix, delimiter, limit })
      }
    }))
}

test('a listing starts after any name, also one that does not exist', () =>
  withKeys({ theirs, ours }, async (backend) => {
    const keys = [...new Set([...theirs, ...ours])]
    for (const startAfter of [
      'a',
      'a/',
      'a/b',
      'a/b/c',
      'a/c/d',
      'a/c/e/',
      'a/c/e/f',
      'b/x',
      'e',
      'e/',
      '../a',
      '~',
    ]) {
      for (const delimiter of ['', '/']) {
        const query = { prefix: '', delimiter, startAfter, limit: 4 }
        const page = await backend.listObjects(bucket, query)
        const names = page.entries.map((entry) => (entry.kind === 'prefix' ? entry.prefix : entry.key))
        assert.equal({ names, truncated: page.truncated }, expectedPage(keys, query), JSON.stringify(query))
      }
    }
  }))

test('what is ours is shown where both have a key', () =>
  withKeys({ theirs: ['a', 'b'], ours: ['b', 'c'] }, async (backend) => {
    const page = await backend.listObjects(bucket, { prefix: '', delimiter: '', startAfter: '', limit: 9 })
    const sizes = page.entries.map((entry) => entry.kind === 'object' && [entry.key, entry.record.size])
    assert.equal(sizes, [
      ['a', 6],
      ['b', 4],
      ['c', 4],
    ])
  }))

test('any tree is listed right', () => {
  const element = fc.constantFrom('a', 'b', 'ab', 'a.', 'é', '😀', '\uffee')
  const key = fc.array(element, { minLength: 1, maxLength: 4 }).map((elements) => elements.join('/'))
  const trees = fc.record({
    theirs: fc.array(key, { maxLength: 12 }),
    ours: fc.array(key, { maxLength: 5 }),
    prefix: fc.oneof(fc.constant(''), key),
    delimiter: fc.constantFrom('', '/', 'a'),
    limit: fc.integer({ min: 1, max: 5 }),
  })
  return fc.assert(
    fc.asyncProperty(trees, async ({ theirs: files, ours: own, ...query }) => {
      // A file cannot be a folder, too.
      const kept = files.filter((file) => !files.some((other) => other.startsWith(`${file}/`)))
      await withKeys({ theirs: kept, ours: own }, (backend) =>
        expectPages(backend, [...new Set([...kept, ...own])], query),
      )
    }),
    propertyRuns,
  )
})

test('a folder of more names than are held at a time is listed in order and whole', () =>
  withMinioFolder(async (folder) => {
    const count = 9_000
    const keys = Array.from({ length: count }, (_, index) => `many/${(index * 7919) % count}`)
    mkdirSync(join(folder.path, bucket, 'many'), { recursive: true })
    for (const key of keys) folder.put(bucket, key, 'x')
    const backend = await openDiskBackend({ directory: folder.path, log, readMinio: true })
    try {
      const sorted = [...keys].sort(compareUtf8)
      for (let done = 0, startAfter = ''; done < count; done += 1_000) {
        const page = await backend.listObjects(bucket, {
          prefix: '',
          delimiter: '',
          startAfter,
          limit: 1_000,
        })
        const names = page.entries.map((entry) => (entry.kind === 'object' ? entry.key : ''))
        assert.equal(names, sorted.slice(done, done + 1_000))
        assert.is(page.truncated, done + 1_000 < count)
        startAfter = names.at(-1) ?? ''
      }
      const folded = await backend.listObjects(bucket, {
        prefix: '',
        delimiter: '/',
        startAfter: '',
        limit: 5,
      })
      assert.equal(folded, { entries: [{ kind: 'prefix', prefix: 'many/' }], truncated: false })
    } finally {
      await backend.close()
    }
  }))

test('a page goes on behind names that were remembered and are gone, and is empty at the end only', () =>
  withKeys({ theirs: ['a', 'b', 'c', 'd', 'e'], ours: ['c0', 'f'] }, async (backend, folder) => {
    const query = { prefix: '', delimiter: '', limit: 2 }
    await expectPages(backend, ['a', 'b', 'c', 'c0', 'd', 'e', 'f'], query)
    for (const key of ['a', 'b', 'c']) rmSync(folder.dataPath(bucket, key))
    await expectPages(backend, ['c0', 'd', 'e', 'f'], query)
    for (const key of ['d', 'e']) rmSync(folder.dataPath(bucket, key))
    await expectPages(backend, ['c0', 'f'], query)
  }))

test.run()
