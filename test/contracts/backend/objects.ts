import { randomBytes } from 'node:crypto'
import * as assert from 'uvu/assert'
import { inlineDataSizeMax, type ObjectRecord } from '../../../s3api/backends/backend.ts'
import { bytesOf } from '../../support/stored.ts'
import {
  bucket,
  dataOf,
  etagOf,
  expectObject,
  facts,
  newVersionId,
  type Open,
  put,
  rejectsWith,
  staged,
} from './fixture.ts'
import { possibleKeys } from './limits.ts'

/** Keys that file systems and stores have had trouble with. */
export const awkwardKeys = [
  'a',
  'a/b',
  'a/b/',
  'a/',
  '/a',
  'a//b',
  './a',
  '../a',
  'a/../b',
  '..',
  '.',
  ' ',
  'with blank and +',
  'per%20cent',
  'a\nb',
  'back\\slash',
  'colon:star*question?',
  'quote\'"<>&',
  '.sealgate/meta.sqlite',
  'Ünïcödé',
  'U\u0308',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '😀',
  '\u{10ffff}',
  'x'.repeat(1024),
  `${'d/'.repeat(511)}ff`,
  '😀'.repeat(256),
]

export function objectContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'objects', open)

  fact('a record comes back with every member as it was put', async (bench) => {
    const bytes = randomBytes(1000)
    const members: Partial<ObjectRecord> = {
      storageClass: bench.limits?.storageClass ?? 'REDUCED_REDUNDANCY',
      checksum: { algorithm: 'CRC32C', type: 'FULL_OBJECT', value: 'sOO8/Q==' },
      envelope: new Uint8Array(randomBytes(300)),
      modifiedAtMs: 1_234_567_890_001,
    }
    const record = await put(bench, 'key', bytes, { record: members })
    await put(bench, 'bare', bytes, { record: { headers: {}, metadata: {} } })
    for (const backendOf of [async () => bench.backend, bench.reopen]) {
      const backend = await backendOf()
      const { record: got } = await backend.getObject(bucket, 'key')
      assert.equal(normal(got), normal(record))
      const bare = await backend.getObject(bucket, 'bare')
      assert.equal(normal(bare.record), normal(recordWithout(bytes)))
    }
  })

  for (const size of [0, 1, 65_536, 65_537, inlineDataSizeMax]) {
    fact(`${size} bytes beside the record come back`, async (bench) => {
      const bytes = randomBytes(size)
      await put(bench, 'key', bytes, { inline: true })
      await expectObject(bench, 'key', bytes)
      await expectObject(bench, 'key', bytes, { backend: await bench.reopen() })
    })
  }

  for (const size of [1, 65_536, inlineDataSizeMax + 1, 3_000_001]) {
    fact(`${size} staged bytes come back`, async (bench) => {
      const bytes = randomBytes(size)
      await put(bench, 'key', bytes)
      await expectObject(bench, 'key', bytes)
      await expectObject(bench, 'key', bytes, { backend: await bench.reopen() })
      assert.equal(await bench.garbage(), [])
    })
  }

  fact('an object that is not there is no-such-key', async ({ backend }) => {
    await rejectsWith('no-such-key', backend.getObject(bucket, 'key'))
    await backend.deleteObject({ bucket, key: 'key' })
  })

  fact('a put replaces record and data, and leaves nothing of the old ones', async (bench) => {
    const contents = [randomBytes(200_000), randomBytes(10), randomBytes(300_000), Buffer.alloc(0)]
    for (const [index, bytes] of contents.entries()) {
      await put(bench, 'key', bytes, { inline: index % 2 === 1 })
      const { record } = await expectObject(bench, 'key', bytes)
      assert.is(record.etag, etagOf(bytes))
    }
    assert.equal(await bench.garbage(), [])
  })

  fact('a deleted object is gone, and its data too', async (bench) => {
    await put(bench, 'key', randomBytes(200_000))
    await bench.backend.deleteObject({ bucket, key: 'key' })
    await rejectsWith('no-such-key', bench.backend.getObject(bucket, 'key'))
    assert.equal(await bench.garbage(), [])
  })

  fact('keys are bytes: no two of them are the same object', async (bench) => {
    const keys = possibleKeys(awkwardKeys, bench.limits)
    for (const key of keys) await put(bench, key, Buffer.from(`content of ${key}`), { inline: true })
    for (const key of keys) await expectObject(bench, key, Buffer.from(`content of ${key}`))
    const doomed = keys.filter((_, index) => index % 2 === 0)
    for (const key of doomed) await bench.backend.deleteObject({ bucket, key })
    for (const key of keys) {
      if (doomed.includes(key)) await rejectsWith('no-such-key', bench.backend.getObject(bucket, key))
      else await expectObject(bench, key, Buffer.from(`content of ${key}`))
    }
  })

  fact('objects of one key in two buckets are two objects', async (bench) => {
    await bench.backend.createBucket('other')
    await put(bench, 'key', Buffer.from('one'))
    await put(bench, 'key', Buffer.from('two'), { bucket: 'other' })
    await bench.backend.deleteObject({ bucket, key: 'key' })
    await expectObject(bench, 'key', Buffer.from('two'), { bucket: 'other' })
  })

  fact('a handle on a replaced object gives its own data or replaced', async (bench) => {
    for (const inline of [true, false]) {
      const old = randomBytes(100_000)
      await put(bench, 'key', old, { inline })
      const handle = await bench.backend.getObject(bucket, 'key')
      await put(bench, 'key', randomBytes(100_000), { inline })
      await bench.garbage()
      const got = await dataOf(bench.backend, handle).catch((error: unknown) => error)
      if (got instanceof Buffer) assert.ok(got.equals(old))
      else await rejectsWith('replaced', Promise.reject(got))
    }
  })

  fact('data that is open stays readable when its object goes', async (bench) => {
    const old = randomBytes(3_000_000)
    await put(bench, 'key', old)
    const handle = await bench.backend.getObject(bucket, 'key')
    const half = old.length / 2
    const sources = bench.backend.openData(handle, [{ index: 0, offset: half, size: half }])
    const { value: source } = await sources.next()
    await bench.backend.deleteObject({ bucket, key: 'key' })
    await bench.garbage()
    const read = source && (await bytesOf(source, { offset: half, size: half }))
    await sources.return()
    assert.ok(read?.equals(old.subarray(half)))
  })

  fact('staged data that is discarded leaves nothing, also twice', async (bench) => {
    const data = await staged(bench.backend, 'key', randomBytes(200_000))
    await data.staged.discard()
    await data.staged.discard()
    assert.equal(await bench.garbage(), [])
  })

  fact('discarding data that was used up does nothing', async (bench) => {
    const bytes = randomBytes(200_000)
    const data = await staged(bench.backend, 'key', bytes)
    const record = recordWithout(bytes)
    await bench.backend.putObject({ bucket, key: 'key', record, data, newVersionId })
    await data.staged.discard()
    await expectObject(bench, 'key', bytes)
  })

  run()
}

function recordWithout(bytes: Uint8Array): ObjectRecord {
  return {
    size: bytes.length,
    etag: etagOf(bytes),
    modifiedAtMs: 1_700_000_000_123,
    headers: {},
    metadata: {},
    storageClass: 'STANDARD',
  }
}

/** For comparison: bytes as hex, whatever class of array they come in. */
function normal({ envelope, ...rest }: ObjectRecord) {
  return { ...rest, envelope: envelope && Buffer.from(envelope).toString('hex') }
}
