import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { takeRandom } from '../../engine/index.ts'

const test = suite('engine/random')

test('what is drawn has its size, comes once, and is the caller’s own', () => {
  const seen = new Set<string>()
  for (let draw = 0; draw < 10_000; draw++) {
    const size = 12 + (draw % 53)
    const bytes = takeRandom(size)
    assert.is(bytes.length, size)
    assert.is(bytes.buffer.byteLength, size)
    // Zeroing what was drawn, as callers do with keys, must not show in what comes next.
    const start = Buffer.from(bytes.subarray(0, 12)).toString('hex')
    assert.not(seen.has(start), `draw ${draw}`)
    seen.add(start)
    bytes.fill(0)
  }
})

test('every byte is drawn: none stays the same over many draws', () => {
  const size = 1024
  const changed = new Uint8Array(size)
  const first = takeRandom(size)
  for (let draw = 0; draw < 8; draw++) {
    const bytes = takeRandom(size)
    for (let index = 0; index < size; index++) changed[index] ||= Number(bytes[index] !== first[index])
  }
  assert.ok(changed.every((byte) => byte === 1))
  assert.throws(() => takeRandom(size + 1), RangeError)
})

test.run()
