import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Backend, BackendError } from '../../../s3api/backends/backend.ts'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { makeScratch } from '../../support/scratch.ts'

/** The thread that writes ends in the midst of its work, as when it has no memory left. */

const test = suite('s3api/backends/disk-writer')

interface Fixture {
  readonly backend: Backend
  /** The thread that writes. */
  worker(): Worker
  put(key: string): Promise<unknown>
  /** Lines of the log. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

async function withStore(work: (fixture: Fixture) => Promise<void>): Promise<void> {
  const scratch = makeScratch('writer')
  const workers: Worker[] = []
  const born = (worker: Worker) => workers.push(worker)
  process.on('worker', born)
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) })
  const backend = await openDiskBackend({ directory: scratch.path, log })
  try {
    await backend.createBucket('bucket')
    await work({
      backend,
      worker() {
        const worker = workers.at(-1)
        if (worker === undefined) throw new Error('a store has a thread')
        return worker
      },
      put: (key) =>
        backend.putObject({
          bucket: 'bucket',
          key,
          record: {
            size: 3,
            etag: 'etag',
            modifiedAtMs: 1,
            headers: {},
            metadata: {},
            storageClass: 'STANDARD',
          },
          newVersionId: () => key,
          data: { kind: 'bytes', bytes: Buffer.from('abc') },
        }),
      lines,
      close: () => backend.close(),
    })
  } finally {
    await backend.close()
    process.off('worker', born)
    scratch.remove()
  }
}

const isAway = (error: unknown) => error instanceof BackendError && error.code === 'unavailable'

/** Waits until another thread has taken its place. */
async function writable(backend: Backend): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await backend.check()
      return
    } catch (error) {
      assert.ok(isAway(error) && attempt < 500, String(error))
      await sleep(20)
    }
  }
}

/**
 * Makes the thread throw, once it has done what it was sent before. To terminate it from here, while SQLite works for it, would end
 * the process.
 */
function kill(worker: Worker): void {
  worker.postMessage('no commands')
}

test('a thread that dies fails the writes it had, loses none that was answered, and another follows', () =>
  withStore(async ({ backend, worker, put, lines }) => {
    const answered = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const keys = Array.from({ length: 1_500 }, (_, index) => `${round}/${index}`)
      const dying = worker()
      const writes = keys.map(async (key, index) => {
        try {
          await put(key)
          answered.add(key)
          if (index === 0) kill(dying)
        } catch (error) {
          assert.ok(isAway(error), String(error))
        }
      })
      await Promise.all(writes)
      assert.ok(keys.some((key) => !answered.has(key)))
      await writable(backend)
      assert.is(lines.length, round + 1)
    }
    assert.ok(answered.size > 0)
    for (const key of answered) await backend.getObject('bucket', key)
    await put('after')
  }))

test('a thread that ends without an error fails what it was asked, too', () =>
  withStore(async ({ backend, worker, put }) => {
    const following = once(process, 'worker')
    await worker().terminate()
    await following
    // It has not loaded yet what it works with.
    const write = put('key').catch((error: unknown) => error)
    await worker().terminate()
    assert.ok(isAway(await write), String(await write))
    await writable(backend)
    await put('key')
  }))

test('while no thread runs, writes are refused at once, reads go on, and the store can be closed', () =>
  withStore(async ({ backend, worker, put, close }) => {
    await put('before')
    await worker().terminate()
    for (const refused of [() => put('key'), () => backend.check(), () => backend.deleteBucket('bucket')]) {
      const outcome = await refused().catch((error: unknown) => error)
      assert.ok(isAway(outcome), String(outcome))
    }
    assert.is((await backend.getObject('bucket', 'before')).key, 'before')
    await close()
  }))

test('a thread that dies while the store is closed does not hold that up', () =>
  withStore(async ({ worker, put, close }) => {
    const writes = Promise.allSettled(Array.from({ length: 1_500 }, (_, index) => put(String(index))))
    // Hundreds are with it, the others wait.
    await sleep(1)
    kill(worker())
    await close()
    assert.ok((await writes).some(({ status }) => status === 'rejected'))
  }))

test.run()
