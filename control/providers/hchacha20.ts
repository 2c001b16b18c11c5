/**
 * HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2): 32 bytes from a key of 32 bytes and an input of 16. node:crypto has the cipher
 * ChaCha20, but not this function of its core.
 */

const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const
const doubleRounds = 10
/** Indexes of the words that a quarter round works on: the columns, then the diagonals. */
const quarterRounds = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const

export function hchacha20(key: Uint8Array, input: Uint8Array): Uint8Array {
  if (key.length !== 32 || input.length !== 16) throw new RangeError('a key has 32 bytes, an input 16')
  const state = new Uint32Array([...constants, ...words(key), ...words(input)])
  for (let round = 0; round < doubleRounds; round++) {
    for (const [a, b, c, d] of quarterRounds) quarterRound(state, a, b, c, d)
  }
  const output = new DataView(new ArrayBuffer(32))
  // The first and the last row.
  const taken = [...state.subarray(0, 4), ...state.subarray(12)]
  for (const [index, word] of taken.entries()) output.setUint32(4 * index, word, true)
  state.fill(0)
  return new Uint8Array(output.buffer)
}

function quarterRound(state: Uint32Array, a: number, b: number, c: number, d: number): void {
  step(state, a, b, d, 16)
  step(state, c, d, b, 12)
  step(state, a, b, d, 8)
  step(state, c, d, b, 7)
}

/** x += y; z = (z ^ x) <<< count, in 32 bits. */
function step(state: Uint32Array, x: number, y: number, z: number, count: number): void {
  state[x] = (state[x] as number) + (state[y] as number)
  const mixed = (state[z] as number) ^ (state[x] as number)
  state[z] = (mixed << count) | (mixed >>> (32 - count))
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true))
}
