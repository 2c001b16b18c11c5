import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { free } from '../../engine/spent-buffers.ts'

const test = suite('engine/spent-buffers')

test('a freed buffer has no bytes, in any view of it', () => {
  const bytes = new Uint8Array(65_536).fill(1)
  const view = bytes.subarray(100, 200)
  free(bytes)
  assert.is(bytes.length, 0)
  assert.is(view.length, 0)
  assert.is(view.buffer.byteLength, 0)
})

test('bytes that share their buffer with others stay', () => {
  const bytes = new Uint8Array(65_536).fill(1)
  free(bytes.subarray(0, 65_535))
  free(bytes.subarray(1))
  assert.is(bytes.length, 65_536)
  assert.is(bytes[65_535], 1)
})

test('a Buffer of the shared pool stays', () => {
  const bytes = Buffer.from('a few bytes')
  free(bytes)
  assert.is(bytes.toString(), 'a few bytes')
})

test('memory that threads share stays', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(65_536))
  free(bytes)
  assert.is(bytes.length, 65_536)
})

test('freeing twice is freeing once', () => {
  const bytes = new Uint8Array(65_536)
  free(bytes)
  free(bytes)
  assert.is(bytes.length, 0)
})

test.run()
