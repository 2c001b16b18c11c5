import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createCryptoPool,
  DareError,
  type HashName,
  packageRange,
  payloadSizeMax,
  sealBytes,
} from '../../engine/index.ts'
import { equalBytes, inPieces, patternBytes } from '../support/bytes.ts'
import { openFilesBelow, withFile } from '../support/files.ts'
import { collect, stored, withPool } from '../support/pool.ts'
import { skip } from '../support/skip.ts'
import { rejection } from '../support/throws.ts'

const test = suite('engine/pool-failures')
const key = patternBytes(32, 5)
const body = patternBytes(3 * 1024 * 1024 + 5)
const packageSize = payloadSizeMax + 32

function xored(bytes: Uint8Array, offset: number, mask: number): Uint8Array {
  return bytes.map((byte, index) => (index === offset ? byte ^ mask : byte))
}

test('a source that throws is the write’s error, wherever it throws', async () => {
  await withPool(1, async ({ pool, directory }) => {
    for (const good of [0, 1, 1024 * 1024, 3 * 1024 * 1024]) {
      const lost = new Error('the client went away')
      async function* source() {
        yield* inPieces(body.subarray(0, good), [50_000])
        throw lost
      }
      const error = await withFile(join(directory, randomUUID()), 'wx', (file) =>
        rejection(
          pool.write({
            source: source(),
            key,
            hashes: ['md5'],
            openTarget: async () => file,
            inlineSizeMax: 10,
          }),
        ),
      )
      assert.is(error, lost)
    }
    assert.is(pool.stats().streams, 0)
    assert.is(pool.stats().batchesInFlight, 0)
  })
})

test('a target that cannot be opened is the write’s error, and the source is let go of', async () => {
  await withPool(1, async ({ pool }) => {
    let ended = false
    async function* source() {
      try {
        yield* inPieces(body, [100_000])
      } finally {
        ended = true
      }
    }
    const full = new Error('no room')
    const openTarget = () => Promise.reject(full)
    const error = await rejection(
      pool.write({ source: source(), key, hashes: [], openTarget, inlineSizeMax: 0 }),
    )
    assert.is(error, full)
    assert.ok(ended)
  })
})

test('a full disk is ENOSPC, and the source is let go of', async () => {
  if (!existsSync('/dev/full')) return skip('a full disk: a system with /dev/full is needed')
  await withPool(1, async ({ pool, store, load }) => {
    let ended = false
    async function* source() {
      try {
        for (;;) yield body.slice()
      } finally {
        ended = true
      }
    }
    const error = await withFile('/dev/full', 'w', (file) =>
      rejection(
        pool.write({ source: source(), key, hashes: [], openTarget: async () => file, inlineSizeMax: 0 }),
      ),
    )
    assert.is('code' in error && error.code, 'ENOSPC')
    assert.ok(ended)
    const { path } = await store(body, { key })
    equalBytes(await load(path, { key, plaintextSize: body.length }), body, 'the pool goes on')
  })
})

test('a target that is not open for writing is an error with its code', async () => {
  await withPool(1, async ({ pool, directory }) => {
    const path = join(directory, 'read-only')
    await writeFile(path, '')
    const error = await withFile(path, 'r', (file) =>
      rejection(
        pool.write({
          source: inPieces(body, [70_000]),
          key,
          hashes: [],
          openTarget: async () => file,
          inlineSizeMax: 0,
        }),
      ),
    )
    assert.is('code' in error && error.code, 'EBADF')
  })
})

test('a hash that nobody can compute fails its stream and no other', async () => {
  await withPool(1, async ({ store, load }) => {
    const hashes = ['whirlpool-of-nothing' as HashName]
    const [failed, { path }] = await Promise.all([
      rejection(store(body, { key, hashes })),
      store(body, { key }),
    ])
    assert.match(failed.message, /not supported|unsupported/i)
    equalBytes(await load(path, { key, plaintextSize: body.length }), body)
  })
})

test('an abort ends a write between batches, with its reason', async () => {
  await withPool(1, async ({ pool, directory }) => {
    const aborting = new AbortController()
    let pieces = 0
    let ended = false
    async function* source() {
      try {
        for (;;) {
          if (++pieces === 10) aborting.abort(new Error('enough'))
          yield patternBytes(256 * 1024)
        }
      } finally {
        ended = true
      }
    }
    const error = await withFile(join(directory, 'aborted'), 'wx', (file) =>
      rejection(
        pool.write({
          source: source(),
          key,
          hashes: [],
          openTarget: async () => file,
          inlineSizeMax: 0,
          signal: aborting.signal,
        }),
      ),
    )
    assert.is(error.message, 'enough')
    assert.ok(ended)
    assert.ok(pieces < 13, `${pieces} pieces were taken`)
    assert.is(pool.stats().batchesInFlight, 0)
  })
})

test('an abort ends a read between batches, and nothing of it is with a thread any more', async () => {
  await withPool(1, async ({ pool, store }) => {
    const { path } = await store(body, { key })
    await withFile(path, 'r', async (file) => {
      const aborting = new AbortController()
      const batches = pool.read({
        source: { kind: 'file', fd: file.fd, size: (await file.stat()).size },
        key,
        offset: 0,
        size: body.length,
        plaintextSize: body.length,
        signal: aborting.signal,
      })
      assert.is((await batches.next()).done, false)
      aborting.abort(new Error('enough'))
      assert.is((await rejection(batches.next())).message, 'enough')
      assert.is(pool.stats().batchesInFlight, 0)
      assert.is(pool.stats().streams, 0)
    })
  })
})

test('a reader that stops early leaves nothing with the threads', async () => {
  await withPool(1, async ({ pool, store }) => {
    const { path } = await store(body, { key })
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
      const range = { offset: 0, size: body.length, plaintextSize: body.length }
      for await (const { release } of pool.read({ source, key, ...range })) {
        release()
        break
      }
      assert.equal([pool.stats().batchesInFlight, pool.stats().streams], [0, 0])
    })
  })
})

test('a changed file is a DareError with its code, across the thread', async () => {
  await withPool(1, async ({ store, load }) => {
    const options = { key, plaintextSize: body.length }
    const changes: readonly (readonly [
      what: string,
      code: string,
      change: (bytes: Uint8Array) => Uint8Array,
    ])[] = [
      ['a flipped bit', 'tag-mismatch', (bytes) => xored(bytes, 1_000_000, 1)],
      ['another version', 'unsupported-version', (bytes) => xored(bytes, packageSize * 9, 0x30)],
      ['another cipher', 'unsupported-cipher', (bytes) => xored(bytes, packageSize * 9 + 1, 2)],
      ['another nonce', 'nonce-mismatch', (bytes) => xored(bytes, packageSize * 9 + 5, 1)],
      ['another length', 'invalid-payload-size', (bytes) => xored(bytes, packageSize * 9 + 2, 1)],
      ['a cut at a package', 'unexpected-eof', (bytes) => bytes.slice(0, packageSize * 40)],
      ['a byte less', 'unexpected-eof', (bytes) => bytes.slice(0, -1)],
      ['a byte more', 'unexpected-data', (bytes) => Buffer.concat([bytes, new Uint8Array(1)])],
      ['nothing', 'unexpected-eof', () => new Uint8Array(0)],
    ]
    for (const [what, code, change] of changes) {
      const { path } = await store(body, { key })
      const bytes = await stored(path)
      await writeFile(path, change(bytes))
      const error = await rejection(load(path, options))
      assert.instance(error, DareError, what)
      assert.is((error as DareError).code, code, what)
    }
  })
})

test('what a read gives out before a changed package is authentic', async () => {
  await withPool(1, async ({ pool, store }) => {
    const { path } = await store(body, { key })
    const bytes = xored(await stored(path), packageSize * 30 + 20, 1)
    await writeFile(path, bytes)
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: bytes.length } as const
      const range = { offset: 0, size: body.length, plaintextSize: body.length }
      let size = 0
      const error = await rejection(
        (async () => {
          for await (const { data, release } of pool.read({ source, key, ...range })) {
            equalBytes(data, body.subarray(size, size + data.length))
            size += data.length
            release()
          }
        })(),
      )
      assert.is((error as DareError).code, 'tag-mismatch')
      assert.ok(size > 0 && size <= 30 * payloadSizeMax)
    })
  })
})

test('a file cut behind our back while it is read is unexpected-eof', async () => {
  await withPool(1, async ({ pool, store }) => {
    const { path } = await store(body, { key })
    await withFile(path, 'r', async (file) => {
      const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
      await truncate(path, packageSize * 20)
      const range = { offset: 0, size: body.length, plaintextSize: body.length }
      const error = await rejection(collect(pool.read({ source, key, ...range })))
      assert.is((error as DareError).code, 'unexpected-eof')
    })
  })
})

test('a range that ends before the end does not touch what is behind it', async () => {
  await withPool(1, async ({ store, load }) => {
    const { path } = await store(body, { key })
    const range = packageRange({ offset: 0, size: 100, plaintextSize: body.length })
    const bytes = new Uint8Array(await stored(path))
    bytes.fill(0, range.sealedSize)
    await writeFile(path, bytes)
    equalBytes(await load(path, { key, size: 100, plaintextSize: body.length }), body.subarray(0, 100))
  })
})

test('a wrong key is tag-mismatch, from a file and from memory', async () => {
  await withPool(1, async ({ pool, store, load }) => {
    const wrong = patternBytes(32, 6)
    const { path } = await store(body, { key })
    const fromFile = await rejection(load(path, { key: wrong, plaintextSize: body.length }))
    assert.is((fromFile as DareError).code, 'tag-mismatch')
    const bytes = sealBytes(key, body.subarray(0, 100))
    const source = { kind: 'bytes', bytes } as const
    const range = { offset: 0, size: 100, plaintextSize: 100 }
    const fromMemory = await rejection(collect(pool.read({ source, key: wrong, ...range })))
    assert.is((fromMemory as DareError).code, 'tag-mismatch')
  })
})

test('the pool leaves no file open', async () => {
  await withPool(2, async ({ directory, store, load }) => {
    if (openFilesBelow(directory) === undefined) {
      return skip('open files: a system with /proc/self/fd is needed')
    }
    for (let round = 0; round < 5; round++) {
      const { path } = await store(body, { key })
      await load(path, { key, plaintextSize: body.length })
      await rejection(load(path, { key, plaintextSize: body.length + 1 }))
    }
    assert.is(openFilesBelow(directory), 0)
  })
})

test('a closed pool takes nothing more, and closing waits for what runs', async () => {
  await withPool(1, async ({ pool, store, directory }) => {
    let closing: Promise<void> | undefined
    async function* source() {
      closing = pool.close()
      yield* inPieces(body, [100_000])
    }
    const result = await withFile(join(directory, 'last'), 'wx', (file) =>
      pool.write({ source: source(), key, hashes: [], openTarget: async () => file, inlineSizeMax: 0 }),
    )
    assert.is(result.size, body.length)
    await closing
    await pool.close()
    assert.match((await rejection(store(body, { key }))).message, /the pool is closed/)
  })
})

test('a pool that did nothing closes', async () => {
  await createCryptoPool({ threads: 3 }).close()
})

test.run()
