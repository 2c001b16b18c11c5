import { strict as assert } from 'node:assert'

/** Bytes for tests: made without cost, compared without printing megabytes. */

/** `size` bytes that repeat at no distance that matters (a prime), so that a swap or a shift shows. */
export function patternBytes(size: number, seed = 0): Uint8Array {
  const period = 251
  const bytes = new Uint8Array(size)
  for (let index = 0; index < Math.min(size, period); index++) bytes[index] = (index + seed) % period
  for (let done = period; done < size; done *= 2) bytes.copyWithin(done, 0, Math.min(done, size - done))
  // The distance between packages is in the bytes too.
  for (let offset = 0; offset < size; offset += 4096) bytes[offset] = (offset / 4096 + seed) & 0xff
  return bytes
}

/** assert.equal for bytes; says where they part, not what they are. */
export function equalBytes(actual: Uint8Array, expected: Uint8Array, what = 'bytes'): void {
  assert.equal(actual.length, expected.length, `${what}: size`)
  if (Buffer.compare(actual, expected) === 0) return
  const index = actual.findIndex((byte, position) => byte !== expected[position])
  assert.fail(`${what}: byte ${index} of ${expected.length} differs`)
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** The bytes in pieces of the sizes given, over and over; copies, for the pool frees what it has used up. */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let offset = 0, index = 0; offset < bytes.length; index++) {
    const size = Math.max(1, sizes[index % sizes.length] ?? 1)
    yield bytes.slice(offset, offset + size)
    offset += size
  }
}
