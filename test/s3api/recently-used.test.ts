import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RecentlyUsed } from '../../s3api/recently-used.ts'

const test = suite('s3api/recently-used')

function filled(): { readonly values: RecentlyUsed<string, string>; readonly dropped: string[] } {
  const dropped: string[] = []
  const values = new RecentlyUsed<string, string>(10, (value) => dropped.push(value))
  for (const name of ['a', 'b', 'c']) values.set(name, name.toUpperCase(), 3)
  return { values, dropped }
}

test('the one that was used longest ago goes first', () => {
  const { values, dropped } = filled()
  assert.is(values.get('a'), 'A')
  assert.is(values.get('c'), 'C')
  values.set('d', 'D', 3)
  assert.equal([dropped, values.size, values.get('b')], [['B'], 3, undefined])
  values.set('e', 'E', 7)
  assert.equal([dropped, values.get('d'), values.get('e')], [['B', 'A', 'C'], 'D', 'E'])
})

test('a value in the place of another costs what it costs alone', () => {
  const { values, dropped } = filled()
  values.set('a', 'A2', 4)
  assert.equal([dropped, values.size], [['A'], 3])
  values.delete('b')
  values.delete('b')
  values.set('d', 'D', 3)
  assert.equal([dropped, values.size, values.get('a')], [['A', 'B'], 3, 'A2'])
})

test('what costs more than all may is not kept', () => {
  const { values, dropped } = filled()
  values.set('large', 'LARGE', 11)
  assert.equal([values.size, values.get('large')], [0, undefined])
  assert.equal(dropped, ['A', 'B', 'C', 'LARGE'])
})

test.run()
