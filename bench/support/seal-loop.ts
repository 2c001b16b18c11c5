import { createStreamNonce, sealPackages } from '../../engine/dare.ts'
import { free } from '../../engine/spent-buffers.ts'

/** The engine's inner loop for that many seconds: prints GB/s. */

const batch = Buffer.alloc(256 * 1024, 'x')
const key = Buffer.alloc(32, 7)
const nonce = createStreamNonce()
const batchesPerLook = 16
const gigabyte = 1e9

function seal(seconds: number): number {
  const startedAt = performance.now()
  let bytes = 0
  let elapsed = 0
  while (elapsed < seconds) {
    for (let index = 0; index < batchesPerLook; index++) {
      for (const piece of sealPackages(batch, { key, nonce, firstSequence: 0, final: false })) free(piece)
      bytes += batch.length
    }
    elapsed = (performance.now() - startedAt) / 1000
  }
  return bytes / elapsed / gigabyte
}

console.log(seal(Number(process.argv[2] ?? 1)))
