import { packagesPerBatch } from './messages.ts'
import { packageRange, packageSizeMax, payloadSizeMax } from './sizes.ts'
import type { ReadOptions } from './streams.ts'

/** One request to a thread, and what of its plaintext belongs to the range. */
export interface StoredBatch {
  readonly request: {
    readonly position: number
    readonly size: number
    readonly firstSequence: number
    readonly final: boolean
  }
  /** Plaintext bytes before the range in this batch. */
  readonly skip: number
  /** Plaintext bytes of the range in this batch. */
  readonly size: number
}

/** The batches that a range is read in, one after the other. */
export function* batchesOf({
  key,
  offset,
  size,
  plaintextSize,
}: Pick<ReadOptions, 'key' | 'offset' | 'size' | 'plaintextSize'>): Generator<StoredBatch, void, undefined> {
  const batchSize = packagesPerBatch * payloadSizeMax
  if (key === undefined) {
    for (let done = 0; done < size; done += batchSize) {
      const count = Math.min(batchSize, size - done)
      yield {
        request: { position: offset + done, size: count, firstSequence: 0, final: false },
        skip: 0,
        size: count,
      }
    }
    return
  }
  const range = packageRange({ offset, size, plaintextSize })
  const sealedBatchSize = packagesPerBatch * packageSizeMax
  let skip = range.skip
  let rest = size
  for (let done = 0, index = 0; done < range.sealedSize; done += sealedBatchSize, index++) {
    const sealedSize = Math.min(sealedBatchSize, range.sealedSize - done)
    const count = Math.min(batchSize - skip, rest)
    yield {
      request: {
        position: range.sealedOffset + done,
        size: sealedSize,
        firstSequence: range.firstSequence + index * packagesPerBatch,
        final: range.reachesEnd && done + sealedSize === range.sealedSize,
      },
      skip,
      size: count,
    }
    rest -= count
    skip = 0
  }
}
