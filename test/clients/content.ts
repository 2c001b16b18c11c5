import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs'

/** Files to be stored: random, but with a text every KiB that can be looked for in the store. */

export const marker = 'THIS-IS-PLAINTEXT-AND-MUST-NOT-BE-FOUND-AT-REST'
const blockSize = 1024
const pieceSize = 4 * 1024 * 1024
const piece = Buffer.concat(
  Array.from({ length: pieceSize / blockSize }, () =>
    Buffer.concat([Buffer.from(marker), randomBytes(blockSize - marker.length)]),
  ),
)

/** At most a few hundred MiB. */
export function marked(size: number): Buffer {
  return Buffer.alloc(size, piece)
}

export function writeMarked(file: string, size: number): void {
  const target = openSync(file, 'w')
  try {
    for (let rest = size; rest > 0; rest -= pieceSize) {
      writeSync(target, piece.subarray(0, Math.min(rest, pieceSize)))
    }
  } finally {
    closeSync(target)
  }
}

/** Whether the file is what {@link writeMarked} wrote. */
export function isMarked(file: string, size: number): boolean {
  if (statSync(file).size !== size) return false
  const source = openSync(file, 'r')
  const found = Buffer.alloc(pieceSize)
  try {
    for (let rest = size; rest > 0; rest -= pieceSize) {
      const expected = piece.subarray(0, Math.min(rest, pieceSize))
      const count = readSync(source, found, 0, expected.length, null)
      if (!found.subarray(0, count).equals(expected)) return false
    }
    return true
  } finally {
    closeSync(source)
  }
}
