import { createHash, randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type CryptoPool,
  createCryptoPool,
  openBytes,
  sealBytes,
  storedBatchSize,
  storedRange,
} from '../../engine/index.ts'

const test = suite('engine/streamed')

const key = new Uint8Array(randomBytes(32))
const kib = 1024

async function withPool(work: (pool: CryptoPool) => Promise<void>): Promise<void> {
  const pool = createCryptoPool({ threads: 2 })
  try {
    await work(pool)
  } finally {
    await pool.close()
  }
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.slice(offset, offset + size)
}

async function seal(pool: CryptoPool, plaintext: Uint8Array, sealKey: Uint8Array | undefined) {
  const batches: Buffer[] = []
  const result = await pool.write({
    source: inPieces(plaintext, 10_007),
    ...(sealKey !== undefined && { key: sealKey }),
    hashes: ['md5'],
    inlineSizeMax: 0,
    openTarget: async () => ({
      hashed: true,
      async write(bytes, sha256) {
        assert.equal(Buffer.from(sha256 ?? []), createHash('sha256').update(bytes).digest())
        batches.push(Buffer.from(bytes))
      },
    }),
  })
  return { batches, result }
}

for (const size of [1, 64 * kib, 256 * kib, 256 * kib + 1, 1024 * kib, 1300 * kib]) {
  for (const sealKey of [key, undefined]) {
    const how = sealKey === undefined ? 'plain' : 'sealed'
    test(`${size} bytes reach a stream target ${how}, in batches of the size that is promised`, () =>
      withPool(async (pool) => {
        const plaintext = randomBytes(size)
        const { batches, result } = await seal(pool, plaintext, sealKey)
        const stored = Buffer.concat(batches)
        assert.is(result.sealedSize, stored.length)
        assert.ok(Buffer.from(sealKey ? openBytes(sealKey, stored) : stored).equals(plaintext))
        const whole = storedBatchSize({ encrypted: sealKey !== undefined })
        assert.ok(batches.slice(0, -1).every((batch) => batch.length === whole))
      }))
  }
}

for (const pieceSize of [1, 65_536, 1_000_000]) {
  test(`a range is read from a stream that comes in pieces of ${pieceSize} bytes`, () =>
    withPool(async (pool) => {
      const plaintext = randomBytes(pieceSize === 1 ? 70 * kib : 900 * kib)
      for (const sealKey of [key, undefined]) {
        const stored = sealKey ? sealBytes(sealKey, plaintext) : new Uint8Array(plaintext)
        const [offset, size] = [40 * kib + 3, plaintext.length - 41 * kib]
        const wanted = storedRange({
          encrypted: sealKey !== undefined,
          offset,
          size,
          plaintextSize: plaintext.length,
        })
        const read: Buffer[] = []
        const batches = pool.read({
          source: {
            kind: 'stream',
            size: stored.length,
            offset: wanted.offset,
            pieces: inPieces(stored.subarray(wanted.offset, wanted.offset + wanted.size), pieceSize),
            cancel() {},
          },
          ...(sealKey !== undefined && { key: sealKey }),
          offset,
          size,
          plaintextSize: plaintext.length,
        })
        for await (const { data, release } of batches) {
          read.push(Buffer.from(data))
          release()
        }
        assert.ok(Buffer.concat(read).equals(plaintext.subarray(offset, offset + size)))
      }
    }))
}

test('a target that fails ends the write with its error', () =>
  withPool(async (pool) => {
    let taken = 0
    const writing = pool.write({
      source: inPieces(randomBytes(2048 * kib), 65_536),
      key,
      hashes: [],
      inlineSizeMax: 0,
      openTarget: async () => ({
        hashed: false,
        async write() {
          if (++taken === 2) throw new Error('the target broke')
        },
      }),
    })
    await writing.then(
      () => assert.unreachable(),
      (error: unknown) => assert.match(String(error), /the target broke/),
    )
  }))

test('a stream that ends too early is unexpected-eof, and one that stalls is let go when the reader leaves', () =>
  withPool(async (pool) => {
    const plaintext = randomBytes(600 * kib)
    const sealed = sealBytes(key, plaintext)
    const source = (pieces: AsyncIterable<Uint8Array>, cancel: () => void) =>
      ({ kind: 'stream', size: sealed.length, offset: 0, pieces, cancel }) as const
    const whole = { key, offset: 0, size: plaintext.length, plaintextSize: plaintext.length }
    const short = pool.read({ ...whole, source: source(inPieces(sealed.subarray(0, -1), 65_536), () => {}) })
    const readAll = async () => {
      for await (const _ of short);
    }
    await readAll().then(
      () => assert.unreachable(),
      (error: unknown) => assert.is((error as { code: string }).code, 'unexpected-eof'),
    )
    let cancel = (_: Error) => {}
    const stalled = new Promise<never>((_, reject) => {
      cancel = reject
    })
    stalled.catch(() => {})
    const stalling = async function* () {
      yield sealed.subarray(0, 300_000)
      yield stalled
    }
    const batches = pool.read({
      ...whole,
      source: source(stalling(), () => cancel(new Error('cancelled'))),
    })
    assert.is((await batches.next()).done, false)
    await batches.return()
  }))

test.run()
