import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { versionsAfter } from '../../../../s3api/backends/gateway/version-names.ts'
import { XmlList } from '../../../../s3api/backends/gateway/xml-list.ts'
import { rejection } from '../../../support/throws.ts'

const test = suite('s3api/backends/gateway/version-names')
const query = { prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 1 }

interface Entry {
  readonly id: string
  readonly latest?: boolean
  readonly marker?: boolean
}

/** Of the key `a`. */
function page(
  entries: readonly Entry[],
  { truncated, prefix }: { readonly truncated: boolean; readonly prefix?: string },
): XmlList {
  const shown = entries.map(({ id, latest = false, marker = false }) => {
    const name = marker ? 'DeleteMarker' : 'Version'
    return `<${name}><Key>a</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest></${name}>`
  })
  const folded = prefix === undefined ? '' : `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`
  const text = `<R><IsTruncated>${truncated}</IsTruncated>${shown.join('')}${folded}</R>`
  return new XmlList(Buffer.from(text), 'R')
}

function idsOf({ entries }: Awaited<ReturnType<typeof versionsAfter>>): string[] {
  return entries.map((entry) => entry.text('VersionId'))
}

test('a page that begins with the marker is what stands behind it', async () => {
  const counts: number[] = []
  const all = [{ id: 'v3', latest: true }, { id: 'v2' }, { id: 'v1' }]
  const store = async (count: number) => {
    counts.push(count)
    return page(all.slice(0, count), { truncated: count < all.length })
  }
  const after = { ...query, keyMarker: 'a', versionIdMarker: 'v3' }
  assert.equal(idsOf(await versionsAfter({ ...after, limit: 2 }, store)), ['v2'])
  assert.equal(counts, [2])
  const alone = await versionsAfter(after, store)
  assert.equal([idsOf(alone), alone.truncated], [['v2'], true])
  assert.equal(counts, [2, 1, 2])
})

test('a common prefix that is the marker does not come again', async () => {
  const store = async (count: number) =>
    page(count === 1 ? [] : [{ id: 'v1' }], { truncated: count === 1, prefix: 'b/' })
  const after = { ...query, delimiter: '/', keyMarker: 'b/' }
  const { entries, prefixes } = await versionsAfter(after, store)
  assert.equal([entries.length, prefixes.length], [1, 0])
})

test('a store that tells of nothing but the marker is an error, not a listing without end', async () => {
  let asked = 0
  const stuck = async () => {
    asked++
    return page([{ id: 'v3' }], { truncated: true })
  }
  const error = await rejection(versionsAfter({ ...query, keyMarker: 'a', versionIdMarker: 'v3' }, stuck))
  assert.ok(error instanceof BackendError && error.code === 'unavailable')
  assert.match(error.message, /none of it is told/)
  assert.is(asked, 2)
})

test('an end of nothing but the marker is an empty page', async () => {
  const after = { ...query, keyMarker: 'a', versionIdMarker: 'v1' }
  const last = await versionsAfter(after, async () => page([{ id: 'v1' }], { truncated: false }))
  assert.equal([last.entries, last.truncated], [[], false])
})

test('the latest version stands before a delete marker, also where the store has all markers first', async () => {
  const list = page([{ id: 'm', marker: true }, { id: 'v2', latest: true }, { id: 'v1' }], {
    truncated: false,
  })
  assert.equal(idsOf(await versionsAfter({ ...query, limit: 10 }, async () => list)), ['v2', 'm', 'v1'])
})

test.run()
