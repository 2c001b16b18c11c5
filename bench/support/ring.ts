import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/**
 * The other way to hand batches to threads, for comparison with the engine's ports: a ring of slots in shared memory. The thread
 * sleeps in Atomics.wait, and completions come back by Atomics.waitAsync, all that there are with each.
 */

export const slotsPerThread = 8
/** Of the control words: how many jobs there have been, how many are done, and whether it is over. */
export const words = { given: 0, done: 1, stop: 2, first: 3 } as const
/** Of a job, at its slot's place behind those: file, plaintext bytes, first sequence, whether the stream ends. */
export const wordsPerJob = 5

export interface RingMemory {
  readonly control: Int32Array<SharedArrayBuffer>
  readonly slots: Uint8Array<SharedArrayBuffer>
  readonly key: Uint8Array
}

export interface RingJob {
  readonly fd: number
  readonly sequence: number
  readonly final: boolean
  readonly position: number
}

/** Node 20 has it, the types of ES2023 have not. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(array: Int32Array, index: number, value: number): { readonly value: Promise<string> | string }
}

export class Ring {
  readonly #memory: RingMemory
  readonly #slotSize: number
  readonly #worker: Worker
  readonly #waiting: (() => void)[] = []
  readonly #bytes: Buffer
  #given = 0
  #done = 0
  readonly #watch: Promise<void>

  constructor(slotSize: number, key: Uint8Array) {
    this.#slotSize = slotSize
    const slots = new Uint8Array(new SharedArrayBuffer(slotsPerThread * slotSize))
    const size = words.first + slotsPerThread * wordsPerJob
    const control = new Int32Array(new SharedArrayBuffer(size * Int32Array.BYTES_PER_ELEMENT))
    this.#memory = { control, slots, key }
    this.#bytes = Buffer.from(slots.buffer)
    const file = new URL(`./ring-worker${extname(import.meta.url)}`, import.meta.url)
    this.#worker = new Worker(file, { workerData: this.#memory })
    this.#watch = this.#watchDone()
  }

  get free(): boolean {
    return this.#given - this.#done < slotsPerThread
  }

  /** Resolves when the batch is sealed and written. Only while there is a free slot. */
  give(pieces: readonly Uint8Array[], job: RingJob): Promise<void> {
    const { control } = this.#memory
    const slot = this.#given % slotsPerThread
    let size = 0
    for (const piece of pieces) {
      // `set` to shared memory goes byte by byte; `fill` does not.
      const start = slot * this.#slotSize + size
      this.#bytes.fill(piece, start, start + piece.length)
      size += piece.length
    }
    const { fd, sequence, final, position } = job
    control.set([fd, size, sequence, final ? 1 : 0, position], words.first + slot * wordsPerJob)
    this.#given++
    const done = new Promise<void>((resolve) => this.#waiting.push(resolve))
    Atomics.store(control, words.given, this.#given)
    Atomics.notify(control, words.given)
    return done
  }

  async close(): Promise<void> {
    const { control } = this.#memory
    Atomics.store(control, words.stop, 1)
    Atomics.add(control, words.given, 1)
    Atomics.notify(control, words.given)
    await this.#watch
    await this.#worker.terminate()
  }

  async #watchDone(): Promise<void> {
    const { control } = this.#memory
    for (;;) {
      const done = Atomics.load(control, words.done)
      while (this.#done < done) {
        this.#done++
        this.#waiting.shift()?.()
      }
      if (Atomics.load(control, words.stop) === 1) return
      await waitAsync(control, words.done, done).value
    }
  }
}
