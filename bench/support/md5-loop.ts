import { createHash } from 'node:crypto'
import { Md5Kernels, startMd5 } from '../../engine/md5.ts'

/** MD5 on one core, of batches that wait at the same time: GB/s. */

const batchSize = 256 * 1024
const batchesPerLook = 16
const gigabyte = 1e9

export function hashTogether(streams: number, seconds: number): number {
  const kernels = new Md5Kernels()
  const updates = Array.from({ length: streams }, (_, index) => ({
    md5: startMd5(),
    bytes: Buffer.alloc(batchSize, `stream ${index}`),
  }))
  return rateOf(seconds, () => {
    kernels.update(updates)
    return streams * batchSize
  })
}

export function hashWithNode(seconds: number): number {
  const hash = createHash('md5')
  const batch = Buffer.alloc(batchSize, 'stream')
  return rateOf(seconds, () => {
    hash.update(batch)
    return batch.length
  })
}

function rateOf(seconds: number, work: () => number): number {
  const startedAt = performance.now()
  let [bytes, elapsed] = [0, 0]
  while (elapsed < seconds) {
    for (let count = 0; count < batchesPerLook; count++) bytes += work()
    elapsed = (performance.now() - startedAt) / 1000
  }
  return bytes / elapsed / gigabyte
}
