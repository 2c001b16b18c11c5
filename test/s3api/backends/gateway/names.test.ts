import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { listNames } from '../../../../s3api/backends/gateway/names.ts'
import { XmlList } from '../../../../s3api/backends/gateway/xml-list.ts'
import { rejection } from '../../../support/throws.ts'

const test = suite('s3api/backends/gateway/names')
const query = { prefix: '', delimiter: '', startAfter: '', limit: 10 }

function page(keys: readonly string[], { truncated }: { readonly truncated: boolean }): XmlList {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')
  const text = `<ListBucketResult><IsTruncated>${truncated}</IsTruncated>${contents}</ListBucketResult>`
  return new XmlList(Buffer.from(text), 'ListBucketResult')
}

test('short pages of the store become one', async () => {
  const markers: string[] = []
  const { names, truncated } = await listNames(query, async ({ 'start-after': marker }) => {
    markers.push(marker)
    return marker === '' ? page(['a', 'b'], { truncated: true }) : page(['c'], { truncated: false })
  })
  assert.equal(
    names.map(({ text }) => text),
    ['a', 'b', 'c'],
  )
  assert.is(truncated, false)
  assert.equal(markers, ['', 'b'])
})

test('a store that gives the same page again and again is an error, not a listing without end', async () => {
  let asked = 0
  const stuck = async () => {
    asked++
    return page(['a', 'b'], { truncated: true })
  }
  for (const startAfter of ['', 'b', 'c']) {
    const error = await rejection(listNames({ ...query, startAfter }, stuck))
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
    assert.match(error.message, /stands before it/)
  }
  assert.is(asked, 4)
})

test('a common prefix that the marker begins with is not before it', async () => {
  const text =
    '<ListBucketResult><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes></ListBucketResult>'
  const list = new XmlList(Buffer.from(text), 'ListBucketResult')
  const folded = { ...query, delimiter: '/', startAfter: 'a/zzz' }
  const { names } = await listNames(folded, async () => list)
  assert.equal(
    names.map((name) => name.text),
    ['a/'],
  )
})

test.run()
