import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDiskStore } from '../../support/disk-store.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { tamperRows } from '../../support/store-rows.ts'

/** Rows and files that are not what was stored: an error of that object alone, which can be listed, replaced and deleted. */

const test = suite('s3api/backends/disk-damaged')

const large = Buffer.alloc(400_000, 'large')

const withObjects = (work: (front: TestFrontEnd) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    for (const [key, body] of Object.entries({ large, small: 'small', whole: 'whole' })) {
      assert.is((await front.send({ method: 'PUT', target: `/bucket/${key}`, body })).status, 200)
    }
    await work(front)
  })

const damage = (front: TestFrontEnd, column: string, value: string | number | bigint | null, key = 'small') =>
  tamperRows(front.directory, `UPDATE objects SET ${column} = ? WHERE key = ?`, value, key)

async function expectListed({ send }: TestFrontEnd): Promise<void> {
  for (const query of ['list-type=2', 'versions']) {
    const { status, body } = await send({ method: 'GET', target: `/bucket?${query}` })
    assert.is(status, 200, query)
    for (const [, size] of body.matchAll(/<Size>([^<]*)/g))
      assert.ok(Number.isSafeInteger(Number(size)), size)
    assert.equal(body.match(/<Key>[^<]*/g), ['<Key>large', '<Key>small', '<Key>whole'], query)
  }
}

async function expectDamaged({ send }: TestFrontEnd, key: string): Promise<void> {
  const target = `/bucket/${key}`
  for (const headers of [{}, { range: 'bytes=0-1' }]) {
    const { status, code } = await send({ method: 'GET', target, headers })
    assert.equal([status, code], [422, 'XMinioObjectTampered'])
  }
  assert.is((await send({ method: 'GET', target: '/bucket/whole' })).body, 'whole')
}

for (const [column, values] of Object.entries({
  details: [
    '{"head',
    'null',
    '[]',
    '5',
    '{}',
    '{"headers":{"content-type":5},"metadata":{}}',
    '{"headers":{},"metadata":{},"parts":5}',
    '{"headers":{},"metadata":{},"parts":[5]}',
    '{"headers":{},"metadata":{},"parts":[{"number":1,"size":4}]}',
    '{"headers":{},"metadata":{},"parts":[{"number":1,"size":5},{"number":2,"size":-1},{"number":3,"size":1}]}',
  ],
  checksum: ['{"algo', 'null', '5', '{"algorithm":5}'],
  size: [-1, 2 ** 53, 2n ** 63n - 1n, -(2n ** 60n)],
  modified_at_ms: [-1, Date.UTC(10_000), 2n ** 60n],
  etag: ['a\nb'],
  storage_class: ['a\nb'],
})) {
  test(`an object whose ${column} was damaged is 422, listed, replaced and deleted`, () =>
    withObjects(async (front) => {
      const target = '/bucket/small'
      for (const value of values) {
        damage(front, column, value)
        await expectListed(front)
        await expectDamaged(front, 'small')
        assert.is((await front.send({ method: 'HEAD', target })).status, 422)
        assert.is((await front.send({ method: 'PUT', target, body: 'new' })).status, 200)
        assert.is((await front.send({ method: 'GET', target })).body, 'new')
        damage(front, column, value)
        assert.is((await front.send({ method: 'DELETE', target })).status, 204)
        assert.is((await front.send({ method: 'PUT', target, body: 'small' })).status, 200)
      }
    }))
}

test('a version whose attributes cannot be read may be locked, and stays until they are mended', () =>
  withObjects(async (front) => {
    const target = '/bucket/small'
    for (const value of ['{"ret', 'null', '5']) {
      damage(front, 'attributes', value)
      await expectListed(front)
      await expectDamaged(front, 'small')
      for (const method of ['PUT', 'DELETE']) {
        const { status, code } = await front.send({ method, target })
        assert.equal([status, code], [422, 'XMinioObjectTampered'], method)
      }
    }
    damage(front, 'attributes', null)
    assert.is((await front.send({ method: 'GET', target })).body, 'small')
    assert.is((await front.send({ method: 'DELETE', target })).status, 204)
  }))

test('an object whose file or row of a stream is lost is 422, listed and deleted', () =>
  withObjects(async (front) => {
    const data = join(front.directory, '.sealgate', 'data')
    for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
      if (statSync(join(data, name)).isFile()) rmSync(join(data, name))
    }
    tamperRows(
      front.directory,
      "DELETE FROM streams WHERE object = (SELECT id FROM objects WHERE key = 'small')",
    )
    await expectListed(front)
    for (const key of ['large', 'small']) {
      await expectDamaged(front, key)
      assert.is((await front.send({ method: 'DELETE', target: `/bucket/${key}` })).status, 204)
    }
  }))

test('a bucket or delete marker whose time was damaged is listed, and what is in the bucket with it', () =>
  withObjects(async (front) => {
    const enabled = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
    await front.send({ method: 'PUT', target: '/bucket?versioning', body: enabled })
    assert.is((await front.send({ method: 'DELETE', target: '/bucket/small' })).status, 204)
    for (const value of [-1, Date.UTC(10_000), 2n ** 60n]) {
      tamperRows(front.directory, 'UPDATE buckets SET created_at_ms = ?', value)
      tamperRows(front.directory, 'UPDATE objects SET modified_at_ms = ? WHERE marker = 1', value)
      const buckets = await front.send({ method: 'GET', target: '/' })
      assert.match(buckets.body, '<Name>bucket</Name><CreationDate>1970-01-01T00:00:00.000Z')
      const versions = await front.send({ method: 'GET', target: '/bucket?versions' })
      assert.is(versions.body.match(/<Key>/g)?.length, 4)
      const { status, headers } = await front.send({ method: 'GET', target: '/bucket/small' })
      assert.equal([status, headers['x-amz-delete-marker']], [404, 'true'])
    }
  }))

for (const table of ['uploads', 'parts']) {
  test(`an upload with a row of ${table} that was damaged is 422, listed and aborted`, () =>
    withFrontEnd({}, async (front) => {
      await front.send({ method: 'PUT', target: '/bucket' })
      const column = table === 'uploads' ? 'id' : 'upload'
      for (const details of ['{"hea', 'null', '{}', '{"initiatedAtMs":1e99,"modifiedAtMs":1e99}']) {
        const begun = await front.send({ method: 'POST', target: '/bucket/object?uploads' })
        const id = begun.body.match(/<UploadId>([^<]*)/)?.[1]
        assert.ok(id)
        const target = `/bucket/object?uploadId=${id}`
        await front.send({ method: 'PUT', target: `${target}&partNumber=1`, body: 'part' })
        tamperRows(front.directory, `UPDATE ${table} SET details = ? WHERE ${column} = ?`, details, id)
        const parts = await front.send({ method: 'GET', target })
        assert.equal([parts.status, parts.code], [422, 'XMinioObjectTampered'], details)
        const uploads = await front.send({ method: 'GET', target: '/bucket?uploads' })
        assert.equal([uploads.status, uploads.body.match(/<UploadId>/g)?.length], [200, 1], details)
        assert.is((await front.send({ method: 'DELETE', target })).status, 204)
      }
    }))
}

/** Makes a file beside the store's folder, in the test's own: the id that would lead to it. */
function makeOutside(directory: string): { readonly id: string; readonly path: string } {
  const [id, path] = [join('..', 'outside'), join(directory, 'outside')]
  // Files are looked for in a folder that is named by the first two characters.
  assert.is(join(directory, '.sealgate', 'data', id.slice(0, 2), id), path)
  writeFileSync(path, large)
  return { id, path }
}

test('a row that names a file outside of the store has none: it is neither read nor copied', () =>
  withObjects(async (front) => {
    const { id } = makeOutside(front.directory)
    tamperRows(
      front.directory,
      "UPDATE streams SET file = ? WHERE object = (SELECT id FROM objects WHERE key = 'large')",
      id,
    )
    await expectDamaged(front, 'large')
    const headers = { 'x-amz-copy-source': 'bucket/large' }
    const copied = await front.send({ method: 'PUT', target: '/bucket/copy', headers })
    assert.is(copied.code, 'XMinioObjectTampered')
    await expectListed(front)
    assert.is((await front.send({ method: 'DELETE', target: '/bucket/large' })).status, 204)
  }))

test('the janitor removes no file outside of the store', async () => {
  const store = await openDiskStore()
  try {
    const { id, path } = makeOutside(store.directory)
    tamperRows(store.directory, 'INSERT INTO trash VALUES (?, 0)', id)
    await store.sweep()
    assert.ok(existsSync(path))
  } finally {
    await store.close()
  }
})

test.run()
