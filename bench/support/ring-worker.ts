import { writevSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { createStreamNonce, sealPackages } from '../../engine/dare.ts'
import { createYoungCollector } from '../../engine/young-garbage.ts'
import { type RingMemory, slotsPerThread, words, wordsPerJob } from './ring.ts'

/** The thread of a ring: seals and writes one job after another, as the engine's worker does. */

const batchesBetweenCollections = 16

function run({ control, slots, key }: RingMemory): void {
  const slotSize = slots.length / slotsPerThread
  const nonce = createStreamNonce()
  const collectYoung = createYoungCollector(batchesBetweenCollections)
  for (let done = 0; ; ) {
    while (Atomics.load(control, words.given) === done) Atomics.wait(control, words.given, done)
    if (Atomics.load(control, words.stop) === 1) break
    const slot = done % slotsPerThread
    const at = words.first + slot * wordsPerJob
    const [fd = 0, size = 0, firstSequence = 0, final = 0, position = 0] = control.subarray(
      at,
      at + wordsPerJob,
    )
    const plaintext = slots.subarray(slot * slotSize, slot * slotSize + size)
    writevSync(fd, sealPackages(plaintext, { key, nonce, firstSequence, final: final === 1 }), position)
    collectYoung()
    Atomics.store(control, words.done, ++done)
    Atomics.notify(control, words.done)
  }
  // Whoever still waits for a job sees the end.
  Atomics.notify(control, words.done)
}

run(workerData as RingMemory)
