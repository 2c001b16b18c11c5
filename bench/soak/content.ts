import { randomBytes } from 'node:crypto'

/**
 * What objects hold: a ring of random bytes, entered at a place that the object's seed names. So nothing has to be kept to know
 * what an object should be, and no two places of one object look alike: the ring's size is a prime.
 */

const ringSize = 1_048_583
const ring = randomBytes(ringSize)
const stride = 7_919
const pieceSize = 64 * 1024

/** Of an object's bytes those from `first` on, `size` of them. */
export function* contentPieces(
  seed: number,
  size: number,
  first = 0,
): Generator<Uint8Array, void, undefined> {
  for (let offset = first; offset < first + size; ) {
    const piece = at(seed, offset, Math.min(pieceSize, first + size - offset))
    yield piece
    offset += piece.length
  }
}

/** Whether what comes is what was stored, from that offset on. */
export class ContentCheck {
  readonly #seed: number
  #offset: number
  right = true

  constructor(seed: number, offset = 0) {
    this.#seed = seed
    this.#offset = offset
  }

  take(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length && this.right; ) {
      const expected = at(this.#seed, this.#offset, bytes.length - done)
      this.right = Buffer.compare(expected, bytes.subarray(done, done + expected.length)) === 0
      done += expected.length
      this.#offset += expected.length
    }
  }
}

/** At most so many bytes; fewer at the end of the ring. */
function at(seed: number, offset: number, size: number): Uint8Array {
  const start = (seed * stride + offset) % ringSize
  return ring.subarray(start, Math.min(start + size, ringSize))
}
