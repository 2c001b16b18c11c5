import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { payloadSizeMax } from '../../engine/index.ts'
import { equalBytes, patternBytes } from '../support/bytes.ts'
import { withFile } from '../support/files.ts'
import { withPool } from '../support/pool.ts'

const test = suite('engine/pool-pressure')
const key = patternBytes(32, 5)
const batch = 4 * payloadSizeMax
const mebibyte = 1024 * 1024

test('a reader that does not read on makes the pool read no further ahead than a few batches', async () => {
  await withPool(1, async ({ pool, store }) => {
    const bytes = patternBytes(8 * mebibyte)
    const { path } = await store(bytes, { key })
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
      const range = { offset: 0, size: bytes.length, plaintextSize: bytes.length }
      const batches = pool.read({ source, key, ...range })
      const before = pool.stats().bytesRead
      const first = await batches.next()
      assert.ok(first.done === false)
      equalBytes(first.value.data, bytes.subarray(0, batch))
      // Whatever it reads ahead has come by now: another stream goes through the same thread meanwhile.
      await store(bytes, { key })
      assert.is(pool.stats().bytesRead - before, batch)
      assert.is(pool.stats().batchesInFlight, 0)
      await batches.return()
    })
  })
})

test('a write takes from its source no faster than the threads keep up', async () => {
  await withPool(1, async ({ pool, directory }) => {
    let ahead = 0
    let aheadMax = 0
    async function* source() {
      for (let index = 0; index < 200; index++) {
        ahead = index * batch - pool.stats().batchesInFlight * batch
        aheadMax = Math.max(aheadMax, pool.stats().batchesInFlight)
        yield patternBytes(batch)
      }
    }
    await withFile(join(directory, 'fast'), 'wx', (file) =>
      pool.write({ source: source(), key, hashes: [], openTarget: async () => file, inlineSizeMax: 0 }),
    )
    assert.ok(ahead > 0)
    assert.ok(aheadMax <= 4, `${aheadMax} batches of one stream were in flight`)
  })
})

test('readers that are many hold one batch each, and get the same bytes as one alone', async () => {
  await withPool(1, async ({ pool, store }) => {
    const bytes = patternBytes(2 * mebibyte + 1)
    const { path } = await store(bytes, { key })
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
      const range = { offset: 0, size: bytes.length, plaintextSize: bytes.length }
      const readers = Array.from({ length: 100 }, () => pool.read({ source, key, ...range }))
      for (const reader of readers) assert.is((await reader.next()).done, false)
      const whole = async (reader: ReturnType<typeof pool.read>) => {
        let offset = batch
        for await (const { data, release } of reader) {
          equalBytes(data, bytes.subarray(offset, offset + data.length))
          offset += data.length
          release()
        }
        assert.is(offset, bytes.length)
      }
      await Promise.all(readers.map(whole))
    })
  })
})

test('however many streams there are, the threads have a bounded number of batches', async () => {
  await withPool(2, async ({ pool, store }) => {
    let inFlightMax = 0
    const watch = setInterval(() => {
      inFlightMax = Math.max(inFlightMax, pool.stats().batchesInFlight)
    }, 1)
    try {
      await Promise.all(Array.from({ length: 40 }, () => store(patternBytes(2 * mebibyte), { key })))
    } finally {
      clearInterval(watch)
    }
    assert.ok(inFlightMax <= 16, `${inFlightMax} batches were in flight`)
    assert.is(pool.stats().batchesInFlight, 0)
    assert.is(pool.stats().batchesWaiting, 0)
  })
})

test('memory does not grow with what goes through', async () => {
  await withPool(2, async ({ pool, directory }) => {
    const piece = patternBytes(64 * 1024)
    async function* source(size: number) {
      for (let done = 0; done < size; done += piece.length) yield piece.slice()
    }
    const pass = (size: number) =>
      withFile(join(directory, 'large'), 'w', async (file) => {
        const openTarget = async () => file
        await pool.write({ source: source(size), key, hashes: ['crc32'], openTarget, inlineSizeMax: 0 })
        await file.truncate(0)
      })
    await pass(64 * mebibyte)
    const before = process.memoryUsage.rss()
    for (let round = 0; round < 4; round++) await pass(64 * mebibyte)
    const growth = process.memoryUsage.rss() - before
    assert.ok(growth < 64 * mebibyte, `${Math.round(growth / mebibyte)} MiB more after 256 MiB`)
  })
})

test('a batch that was given back is not changed while its reader still may look at it', async () => {
  await withPool(1, async ({ pool, store }) => {
    const bytes = patternBytes(4 * mebibyte)
    const { path } = await store(bytes, { key })
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
      const range = { offset: 0, size: bytes.length, plaintextSize: bytes.length }
      const held: { data: Uint8Array; release(): void }[] = []
      for await (const batchRead of pool.read({ source, key, ...range })) held.push(batchRead)
      // Nobody has given anything back, so all of it is as it was read.
      let offset = 0
      for (const { data, release } of held) {
        equalBytes(data, bytes.subarray(offset, offset + data.length))
        offset += data.length
        release()
      }
      assert.is(offset, bytes.length)
    })
  })
})

test.run()
