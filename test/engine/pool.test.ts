import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type ByteSource,
  DareError,
  hashBytes,
  hashNames,
  openBytes,
  payloadSizeMax,
  sealBytes,
  sealedSizeOf,
  storedRange,
} from '../../engine/index.ts'
import { equalBytes, inPieces, patternBytes } from '../support/bytes.ts'
import { withFile } from '../support/files.ts'
import { collect, stored, withPool } from '../support/pool.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/pool')
const key = patternBytes(32, 5)
const batch = 4 * payloadSizeMax
const mebibyte = 1024 * 1024
/** Both sides of a package, of a batch, and many batches. */
const sizes = [
  0,
  1,
  payloadSizeMax - 1,
  payloadSizeMax,
  payloadSizeMax + 1,
  batch - 1,
  batch,
  batch + 1,
  2 * batch,
  5 * mebibyte + 17,
]

test('what is written is what the reference seals, and is read back, at every boundary', async () => {
  await withPool(2, async ({ store, load }) => {
    for (const size of sizes) {
      const bytes = patternBytes(size)
      const { path, result } = await store(bytes, { key })
      assert.is(result.size, size)
      assert.is(result.sealedSize, sealedSizeOf(size))
      equalBytes(openBytes(key, await stored(path)), bytes, `${size} bytes, stored`)
      equalBytes(await load(path, { key, plaintextSize: size }), bytes, `${size} bytes, read`)
    }
  })
})

test('without a key the bytes are stored and read as they are', async () => {
  await withPool(2, async ({ store, load }) => {
    for (const size of sizes) {
      const bytes = patternBytes(size)
      const { path, result } = await store(bytes)
      assert.is(result.sealedSize, size)
      equalBytes(await stored(path), bytes)
      equalBytes(await load(path, { plaintextSize: size }), bytes)
    }
  })
})

test('stored bytes that begin in the middle of a file are read from there', async () => {
  await withPool(2, async ({ pool, directory }) => {
    const bytes = patternBytes(batch + 5)
    for (const [storedBytes, read] of [
      [sealBytes(key, bytes), { key }],
      [bytes, {}],
    ] as const) {
      const path = join(directory, 'joined')
      await writeFile(path, Buffer.concat([patternBytes(777, 1), storedBytes, patternBytes(333, 2)]))
      const file = await open(path)
      try {
        const source = { kind: 'file', fd: file.fd, size: storedBytes.length, start: 777 } as const
        const [offset, size] = [payloadSizeMax - 1, batch - payloadSizeMax + 6]
        const batches = pool.read({ source, ...read, offset, size, plaintextSize: bytes.length })
        equalBytes(await collect(batches), bytes.subarray(offset, offset + size))
      } finally {
        await file.close()
      }
    }
  })
})

test('however a body is cut, byte by byte too, the same comes back with the same digests', async () => {
  await withPool(2, async ({ store, load }) => {
    const cuts = fc.oneof(
      fc.constant([1]),
      fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 3 * batch }), cuts, async (length, pieces) => {
        // A generator's turn a byte: enough of them to cross a package.
        const size = pieces.length === 1 && pieces[0] === 1 ? Math.min(length, payloadSizeMax + 100) : length
        const bytes = patternBytes(size, length)
        const { path, result } = await store(bytes, { key, pieces, hashes: hashNames })
        equalBytes(await load(path, { key, plaintextSize: size }), bytes)
        const expected = await hashBytes(hashNames, bytes)
        for (const name of hashNames) {
          equalBytes(result.digests[name] ?? new Uint8Array(), expected[name] ?? new Uint8Array(1), name)
        }
      }),
      propertyRuns,
    )
  })
})

test('any range of a stored body is that range of its plaintext', async () => {
  await withPool(2, async ({ store, load }) => {
    const plaintextSize = 3 * batch + 12_345
    const bytes = patternBytes(plaintextSize)
    const { path } = await store(bytes, { key })
    const plain = await store(bytes)
    const offsets = fc.oneof(
      fc.nat({ max: plaintextSize }),
      fc
        .tuple(fc.nat({ max: 12 }), fc.integer({ min: -1, max: 1 }))
        .map(([packages, off]) => Math.min(plaintextSize, Math.max(0, packages * payloadSizeMax + off))),
    )
    await fc.assert(
      fc.asyncProperty(offsets, offsets, async (one, two) => {
        const [offset, end] = [Math.min(one, two), Math.max(one, two)]
        const range = { offset, size: end - offset, plaintextSize }
        equalBytes(await load(path, { key, ...range }), bytes.subarray(offset, end))
        equalBytes(await load(plain.path, range), bytes.subarray(offset, end))
      }),
      { numRuns: propertyRuns.numRuns * 2 },
    )
  })
})

test('a small body comes back as bytes and opens no target', async () => {
  await withPool(1, async ({ pool }) => {
    for (const size of [0, 1, 1000, 4096]) {
      const bytes = patternBytes(size)
      const result = await pool.write({
        source: inPieces(bytes, [100]),
        key,
        hashes: ['md5'],
        openTarget: () => Promise.reject(new Error('no target is wanted')),
        inlineSizeMax: 4096,
      })
      assert.is(result.sealedSize, sealedSizeOf(size))
      equalBytes(openBytes(key, result.bytes ?? new Uint8Array()), bytes)
      equalBytes(result.digests.md5 ?? new Uint8Array(), (await hashBytes(['md5'], bytes)).md5 ?? bytes)
    }
  })
})

test('one byte more than a small body goes to the target', async () => {
  await withPool(1, async ({ store }) => {
    const { result } = await store(patternBytes(4097), { key, inlineSizeMax: 4096 })
    assert.is(result.bytes, undefined)
    assert.is(result.sealedSize, sealedSizeOf(4097))
  })
})

test('bytes in memory are opened as files are', async () => {
  await withPool(1, async ({ pool }) => {
    const plaintextSize = 2 * payloadSizeMax + 10
    const bytes = patternBytes(plaintextSize)
    const sealed = sealBytes(key, bytes)
    const [offset, size] = [payloadSizeMax - 3, payloadSizeMax]
    const read = (source: Uint8Array, options: { readonly key?: Uint8Array }) =>
      collect(
        pool.read({ source: { kind: 'bytes', bytes: source }, ...options, offset, size, plaintextSize }),
      )
    equalBytes(await read(sealed, { key }), bytes.subarray(offset, offset + size))
    equalBytes(await read(bytes, {}), bytes.subarray(offset, offset + size))
  })
})

for (const [size, inlineSizeMax] of [
  [10, 100],
  [6 * payloadSizeMax + 10, 0],
] as const) {
  test(`of two streams of ${size} bytes under one key only the one whose nonce is known is read, wherever it lies`, async () => {
    await withPool(1, async ({ pool, store }) => {
      const bytes = patternBytes(size)
      const mine = await store(bytes, { key, inlineSizeMax })
      const other = await store(bytes, { key, inlineSizeMax })
      const nonce = mine.result.nonce ?? key
      const range = { offset: size - 9, size: 9, plaintextSize: size }
      const { offset } = storedRange({ encrypted: true, ...range })
      const read = async (path: string, kind: 'file' | 'bytes' | 'stream') => {
        const sealed = await stored(path)
        const pieces = inPieces(sealed.subarray(offset), [1000])
        return withFile(path, 'r', async ({ fd }) => {
          const sources = {
            file: { kind: 'file', fd, size: sealed.length },
            bytes: { kind: 'bytes', bytes: sealed },
            stream: { kind: 'stream', size: sealed.length, offset, pieces, cancel() {} },
          } as const satisfies Record<string, ByteSource>
          return collect(pool.read({ source: sources[kind], key, nonce, ...range }))
        })
      }
      for (const kind of ['file', 'bytes', 'stream'] as const) {
        equalBytes(await read(mine.path, kind), bytes.subarray(range.offset), kind)
        const refused = await read(other.path, kind).catch((error: unknown) => error)
        assert.is(refused instanceof DareError && refused.code, 'nonce-mismatch', kind)
      }
    })
  })
}

test('what is not sealed has no nonce', async () => {
  await withPool(1, async ({ store }) => {
    for (const inlineSizeMax of [0, 100]) {
      assert.is((await store(patternBytes(10), { inlineSizeMax })).result.nonce, undefined)
    }
  })
})

test('many streams at once keep apart', async () => {
  await withPool(2, async ({ store, load }) => {
    const bodies = Array.from({ length: 24 }, (_, index) => patternBytes(index * 100_000 + index, index))
    const keys = bodies.map((_, index) => patternBytes(32, index + 100))
    const written = await Promise.all(
      bodies.map((bytes, index) => store(bytes, { key: keys[index] ?? key, hashes: ['crc64nvme', 'md5'] })),
    )
    await Promise.all(
      written.map(async ({ path, result }, index) => {
        const bytes = bodies[index] ?? new Uint8Array()
        const expected = await hashBytes(['crc64nvme', 'md5'], bytes)
        assert.equal(result.digests.crc64nvme, new Uint8Array(expected.crc64nvme ?? []))
        equalBytes(result.digests.md5 ?? new Uint8Array(), expected.md5 ?? bytes)
        const opened = await load(path, { key: keys[index] ?? key, plaintextSize: bytes.length })
        equalBytes(opened, bytes, `stream ${index}`)
      }),
    )
  })
})

test('a range outside of the plaintext is the caller’s mistake', async () => {
  await withPool(1, async ({ pool }) => {
    const source = { kind: 'bytes', bytes: new Uint8Array(10) } as const
    for (const [offset, size] of [
      [0, 11],
      [10, 1],
      [-1, 2],
    ] as const) {
      const batches = pool.read({ source, offset, size, plaintextSize: 10 })
      let thrown: unknown
      await batches.next().catch((error: unknown) => {
        thrown = error
      })
      assert.instance(thrown, RangeError)
    }
  })
})

test.run()
