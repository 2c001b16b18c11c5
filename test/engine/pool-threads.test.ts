import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { equalBytes, patternBytes } from '../support/bytes.ts'
import { withFile } from '../support/files.ts'
import { type PoolFixture, withPool } from '../support/pool.ts'
import { rejection } from '../support/throws.ts'

const test = suite('engine/pool-threads')
const key = patternBytes(32, 5)
const body = patternBytes(2 * 1024 * 1024 + 5)

async function killAll({ workers }: PoolFixture): Promise<void> {
  await Promise.all([...workers].map((worker) => worker.terminate()))
}

/** Waits until the pool works again: a new thread needs a moment. */
async function works({ store, load }: PoolFixture): Promise<void> {
  const { path } = await store(body, { key })
  equalBytes(await load(path, { key, plaintextSize: body.length }), body)
}

test('a thread that dies under a write fails it, and another takes its place', async () => {
  await withPool(1, async (fixture) => {
    const { pool, directory } = fixture
    await works(fixture)
    let pieces = 0
    async function* source() {
      for (;;) {
        if (++pieces === 5) await killAll(fixture)
        yield patternBytes(256 * 1024)
      }
    }
    const error = await withFile(join(directory, 'dying'), 'wx', (file) =>
      rejection(
        pool.write({ source: source(), key, hashes: [], openTarget: async () => file, inlineSizeMax: 0 }),
      ),
    )
    assert.match(error.message, /thread/)
    assert.is(pool.stats().streams, 0)
    assert.is(pool.stats().batchesInFlight, 0)
    await works(fixture)
  })
})

test('a thread that dies under a read fails it, and another takes its place', async () => {
  await withPool(1, async (fixture) => {
    const { pool, store } = fixture
    const bytes = patternBytes(8 * 1024 * 1024)
    const { path } = await store(bytes, { key })
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
      const range = { offset: 0, size: bytes.length, plaintextSize: bytes.length }
      const batches = pool.read({ source, key, ...range })
      assert.is((await batches.next()).done, false)
      await killAll(fixture)
      const error = await rejection(
        (async () => {
          for await (const { release } of batches) release()
        })(),
      )
      assert.match(error.message, /thread/)
    })
    await works(fixture)
  })
})

test('the streams of the other threads do not notice', async () => {
  await withPool(2, async (fixture) => {
    const { pool, directory, workers } = fixture
    await works(fixture)
    const writing = [0, 1].map(async (index) => {
      let pieces = 0
      async function* source() {
        while (++pieces <= 12) {
          if (index === 0 && pieces === 5) await workers[0]?.terminate()
          yield patternBytes(256 * 1024)
        }
      }
      return withFile(join(directory, `both${index}`), 'wx', (file) =>
        pool.write({ source: source(), key, hashes: [], openTarget: async () => file, inlineSizeMax: 0 }),
      )
    })
    const outcomes = await Promise.allSettled(writing)
    const failed = outcomes.filter(({ status }) => status === 'rejected')
    assert.is(failed.length, 1)
    await works(fixture)
  })
})

test('threads that die again and again are started again, with a pause in the end, and closing does not wait for it', async () => {
  await withPool(1, async (fixture) => {
    for (let round = 0; round < 10; round++) {
      await works(fixture)
      await killAll(fixture)
    }
    await works(fixture)
    await killAll(fixture)
    // Now it pauses: a write is refused at once, not kept waiting.
    let refused: Error | undefined
    for (let attempt = 0; attempt < 100 && refused === undefined; attempt++) {
      refused = await fixture.store(body, { key }).then(
        () => undefined,
        (error: Error) => error,
      )
    }
    assert.match(refused?.message ?? '', /thread/)
  })
})

test.run()
