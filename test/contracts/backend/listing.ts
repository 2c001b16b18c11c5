import fc from 'fast-check'
import * as assert from 'uvu/assert'
import type { Backend, ListEntry, ListQuery } from '../../../s3api/backends/backend.ts'
import { compareUtf8, expectedPage } from '../../support/listing-model.ts'
import { type Bench, bucket, facts, type Open, put, rejectsWith } from './fixture.ts'
import { possibleKeys } from './limits.ts'
import { awkwardKeys } from './objects.ts'

const everything: ListQuery = { prefix: '', delimiter: '', startAfter: '', limit: 1000 }
const propertyRuns = process.env.SLOW === '1' ? 1000 : 40

export function listingContract(name: string, open: Open): void {
  const { fact, run } = facts(name, 'listing', open)

  fact('an empty bucket lists nothing', async ({ backend }) => {
    assert.equal(await backend.listObjects(bucket, everything), { entries: [], truncated: false })
  })

  fact('keys are listed in UTF-8 byte order, which is not that of UTF-16', async (bench) => {
    const keys = possibleKeys(awkwardKeys, bench.limits)
    await fill(bench, keys)
    const { entries } = await bench.backend.listObjects(bucket, everything)
    assert.equal(entries.map(nameOf), keys.sort(compareUtf8))
  })

  fact('a listing shows size, ETag, time, class and checksum of each object', async (bench) => {
    const checksum = { algorithm: 'SHA256', type: 'FULL_OBJECT', value: 'x'.repeat(44) } as const
    const { storageClass: other = 'GLACIER' } = bench.limits ?? {}
    const record = await put(bench, 'key', Buffer.from('content'), {
      record: { checksum, storageClass: other, envelope: Buffer.from('sealed') },
    })
    const { entries } = await bench.backend.listObjects(bucket, everything)
    const [entry] = entries
    assert.is(entry?.kind, 'object')
    if (entry?.kind !== 'object') return
    const { size, etag, modifiedAtMs, storageClass } = entry.record
    const shown = { size, etag, modifiedAtMs, storageClass, checksum: entry.record.checksum }
    assert.equal(shown, {
      size: record.size,
      etag: record.etag,
      modifiedAtMs: record.modifiedAtMs,
      storageClass: other,
      checksum,
    })
  })

  fact('a page of no entries is empty and not truncated', async (bench) => {
    await fill(bench, ['a', 'b'])
    const page = await bench.backend.listObjects(bucket, { ...everything, limit: 0 })
    assert.equal(page, { entries: [], truncated: false })
  })

  const fullTree = [
    'a',
    'a/',
    'a/b',
    'a/b/c',
    'a/c',
    'a0',
    'ab',
    'b/',
    'b/x/y',
    'b/x/z',
    'c//d',
    'c/d',
    '😀/1',
    '\uffff/1',
  ]
  for (const limit of [1, 2, 3, 5, 1000]) {
    fact(`pages of ${limit} tell the whole truth, for all prefixes and delimiters`, async (bench) => {
      const tree = possibleKeys(fullTree, bench.limits)
      await fill(bench, tree)
      for (const prefix of ['', 'a', 'a/', 'a/b', 'b/x/', 'c/', 'zzz', '😀', '\uffff']) {
        for (const delimiter of ['', '/', 'b', '/b', '//', '😀/']) {
          await expectPages(bench.backend, tree, { prefix, delimiter, limit })
        }
      }
    })
  }

  fact('a listing starts after any name, one that does not exist included', async (bench) => {
    const tree = possibleKeys(fullTree, bench.limits)
    await fill(bench, tree)
    for (const startAfter of [
      'a',
      'a/',
      'a/b',
      'a/b/',
      'a/zzz',
      'b/x/',
      'b/x/y',
      'c',
      '\u0001',
      '\uffff',
      '😀/',
      'zzz',
    ]) {
      for (const [prefix, delimiter] of [
        ['', ''],
        ['', '/'],
        ['a/', '/'],
        ['b/', '/'],
        ['a', 'b'],
      ] as const) {
        if (delimiter !== '' && bench.limits?.foldsMarkers === true) continue
        const query = { prefix, delimiter, startAfter, limit: 1000 }
        const page = await bench.backend.listObjects(bucket, query)
        assert.equal(page.entries.map(nameOf), expectedPage(tree, query).names, JSON.stringify(query))
      }
    }
  })

  fact('any keys, listed in pages of any size, are all there once', async (bench) => {
    const key = fc
      .array(fc.constantFrom('a', 'b', '/', '//', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'), {
        minLength: 1,
        maxLength: 6,
      })
      .map((pieces) => pieces.join(''))
    const run = async (any: readonly string[], prefix: string, delimiter: string, limit: number) => {
      const keys = possibleKeys(any, bench.limits)
      const name = `p${++count}`
      await bench.backend.createBucket(name)
      await fill(bench, keys, name)
      await expectPages(bench.backend, keys, { prefix, delimiter, limit }, name)
    }
    let count = 0
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 30 }),
        fc.constantFrom('', 'a', 'a/', '/', 'é', '😀', '\u{10ffff}'),
        fc.constantFrom('', '/', '//', 'a', '😀', '\u{10ffff}'),
        fc.integer({ min: 1, max: 8 }),
        run,
      ),
      // A name behind a common prefix that sorts above what stands for the end of it.
      { numRuns: propertyRuns, examples: [[['😀\u{10ffff}a', '\u{10ffff}a'], '', '😀', 1]] },
    )
  })

  fact('a large page that folds into few prefixes is found whole', async (bench) => {
    const keys = Array.from(
      { length: 1_200 },
      (_, index) => `d${index % 3}/${String(index).padStart(5, '0')}`,
    )
    await fill(bench, keys)
    for (const limit of [1, 2, 3, 1000]) {
      await expectPages(bench.backend, keys, { prefix: '', delimiter: '/', limit })
    }
    await expectPages(bench.backend, keys, { prefix: 'd1/', delimiter: '', limit: 100 })
    await rejectsWith('no-such-bucket', bench.backend.listObjects('gone', everything))
  })

  run()
}

function nameOf(entry: ListEntry): string {
  return entry.kind === 'object' ? entry.key : entry.prefix
}

async function fill(bench: Bench, keys: readonly string[], name: string = bucket): Promise<void> {
  for (let at = 0; at < keys.length; at += 100) {
    const some = keys.slice(at, at + 100)
    await Promise.all(some.map((key) => put(bench, key, Buffer.from(key), { inline: true, bucket: name })))
  }
}

/** Walks through all pages and compares each with the model. */
async function expectPages(
  backend: Backend,
  keys: readonly string[],
  query: Omit<ListQuery, 'startAfter'>,
  name: string = bucket,
): Promise<void> {
  for (let startAfter = ''; ; ) {
    const page = await backend.listObjects(name, { ...query, startAfter })
    const expected = expectedPage(keys, { ...query, startAfter })
    const where = JSON.stringify({ ...query, startAfter })
    assert.equal(page.entries.map(nameOf), expected.names, where)
    assert.is(page.truncated, expected.truncated, where)
    const last = page.entries.at(-1)
    if (!page.truncated || last === undefined) return
    startAfter = nameOf(last)
  }
}
