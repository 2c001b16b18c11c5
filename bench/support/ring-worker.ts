import { writevSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { createStreamNonce, sealPackages } from '../../engine/dare.ts'
import { free } from '../../engine/spent-buffers.ts'
import { type RingMemory, slotsPerThread, words, wordsPerJob } from './ring.ts'

/** The thread of a ring: seals and writes one job after another, as the engine's worker does. */

function run({ control, slots, key }: RingMemory): void {
  const slotSize = slots.length / slotsPerThread
  const nonce = createStreamNonce()
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
    const sealed = sealPackages(plaintext, { key, nonce, firstSequence, final: final === 1 })
    writevSync(fd, sealed, position)
    for (const piece of sealed) free(piece)
    Atomics.store(control, words.done, ++done)
    Atomics.notify(control, words.done)
  }
  // Whoever still waits for a job sees the end.
  Atomics.notify(control, words.done)
}

run(workerData as RingMemory)
