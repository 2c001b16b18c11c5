import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Cursor, cursorAfter, scanPage } from '../../../s3api/backends/name-pages.ts'
import { compareUtf8, expectedPage } from '../../support/listing-model.ts'
import { propertyRuns } from '../../support/property.ts'

const test = suite('s3api/backends/name-pages')

interface Query {
  readonly prefix: string
  readonly delimiter: string
  readonly startAfter: string
  readonly limit: number
}

/** A page of names that are in order, and what it took. */
async function pageOf(keys: readonly string[], query: Query) {
  let [rows, fetches] = [0, 0]
  const { entries, truncated } = await scanPage<string>({
    ...query,
    from: cursorAfter(query.startAfter, query),
    fetch({ key, past }: Cursor, end, count) {
      let start = 0
      for (let stop = keys.length; start < stop; ) {
        const middle = (start + stop) >> 1
        const order = compareUtf8(keys[middle] ?? '', key)
        if (order < 0 || (past && order === 0)) start = middle + 1
        else stop = middle
      }
      const found = keys.slice(start, start + count)
      const below = end === undefined ? found : found.filter((name) => compareUtf8(name, end) < 0)
      rows += below.length
      fetches++
      return below
    },
    keyOf: (row) => row,
    after: (row) => ({ key: row, past: true }),
  })
  const names = entries.map((entry) => (entry.kind === 'prefix' ? entry.prefix : entry.row))
  return { page: { names, truncated }, rows, fetches }
}

const whole = { prefix: '', delimiter: '/', startAfter: '', limit: 1000 }
const padded = (index: number) => String(index).padStart(4, '0')

test('a page of folders does not read what is in them, and lets others have their turn', async () => {
  const keys = Array.from({ length: 1_100 * 300 }, (_, index) => {
    return `${padded(Math.floor(index / 300))}/${padded(index % 300)}`
  })
  let turns = 0
  let done = false
  const turn = () => {
    turns++
    if (!done) setImmediate(turn)
  }
  setImmediate(turn)
  const { page, rows } = await pageOf(keys, whole)
  done = true
  assert.equal([page.names.length, page.names[999], page.truncated], [1000, '0999/', true])
  assert.ok(rows < 15_000, `${rows} rows`)
  assert.ok(turns > 5, `${turns} turns`)
})

test('names that are not folded, or few below each prefix, take few fetches', async () => {
  const plain = Array.from({ length: 3_000 }, (_, index) => padded(index))
  assert.is((await pageOf(plain, whole)).fetches, 2)
  const pairs = plain.map((_, index) => `${padded(index >> 1)}/${index % 2}`)
  assert.ok((await pageOf(pairs, whole)).fetches < 15)
})

test('a page is what the model has, whatever is folded', async () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'ü'), minLength: 1, maxLength: 6 })
  const query = fc.record({
    prefix: fc.constantFrom('', 'a', 'a/', 'b'),
    delimiter: fc.constantFrom('', '/', 'a'),
    startAfter: fc.constantFrom('', 'a', 'a/', 'ab', 'b/'),
    limit: fc.integer({ min: 1, max: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { maxLength: 60 }), query, async (keys, asked) => {
      const { page } = await pageOf([...keys].sort(compareUtf8), asked)
      assert.equal(page, expectedPage(keys, asked))
    }),
    { numRuns: propertyRuns.numRuns * 10 },
  )
})

test.run()
