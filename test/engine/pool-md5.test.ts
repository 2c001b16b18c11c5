import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashNames, openBytes } from '../../engine/index.ts'
import { md5StreamsMax } from '../../engine/md5.ts'
import { equalBytes, inPieces, patternBytes, toHex } from '../support/bytes.ts'
import { withFile } from '../support/files.ts'
import { type PoolFixture, stored, withPool } from '../support/pool.ts'
import { rejection } from '../support/throws.ts'

const test = suite('engine/pool-md5')
const key = patternBytes(32, 5)
const batch = 256 * 1024
/** Both sides of a block's last eight bytes, a block, a package and a batch; several batches. */
const sizes = [0, 1, 55, 56, 64, 65, 65_535, 65_537, batch - 1, batch, batch + 1, 2 * batch, 5 * batch + 17]

function reference(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

function bodiesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => patternBytes(sizes[index % sizes.length] ?? 0, index))
}

/** A source that stops in the middle until it may go on: by then its stream is on a thread. */
async function* pausing(
  bytes: Uint8Array,
  { stopped, going }: { stopped(): void; readonly going: Promise<void> },
): AsyncGenerator<Uint8Array> {
  yield bytes.slice(0, 2 * batch)
  stopped()
  await going
  yield bytes.slice(2 * batch)
}

/** Where `count` sources stop. */
function closedGate(count: number) {
  let [open, allAreHere] = [() => {}, () => {}]
  const going = new Promise<void>((resolve) => {
    open = resolve
  })
  const allStopped = new Promise<void>((resolve) => {
    allAreHere = resolve
  })
  let left = count
  const stopped = () => {
    if (--left === 0) allAreHere()
  }
  return { stopped, going, allStopped, open }
}

function writeTo({ pool, directory }: PoolFixture, name: string, source: AsyncIterable<Uint8Array>) {
  return withFile(join(directory, name), 'wx', (file) =>
    pool.write({ source, key, hashes: ['md5'], openTarget: async () => file, inlineSizeMax: 0 }),
  )
}

for (const threads of [1, 2]) {
  test(`more streams than a turn takes, of all sizes, on ${threads} threads: each has its digest and its bytes`, async () => {
    await withPool(threads, async ({ store }) => {
      const bodies = bodiesOf(3 * sizes.length)
      const written = await Promise.all(bodies.map((bytes) => store(bytes, { key, hashes: ['md5'] })))
      for (const [index, { path, result }] of written.entries()) {
        const bytes = bodies[index] ?? new Uint8Array()
        assert.is(toHex(result.digests.md5 ?? bytes), reference(bytes), `${bytes.length} bytes`)
        equalBytes(openBytes(key, await stored(path)), bytes)
      }
    })
  })
}

test('a stream alone has its digest, at every size, beside all the other hashes', async () => {
  await withPool(1, async ({ store }) => {
    for (const size of sizes) {
      const bytes = patternBytes(size)
      const { result } = await store(bytes, { hashes: hashNames })
      assert.equal(Object.keys(result.digests).toSorted(), hashNames.toSorted())
      assert.is(toHex(result.digests.md5 ?? bytes), reference(bytes), `${size} bytes`)
    }
  })
})

test('streams that end in the middle, by a signal or by their source, leave the others as they are', async () => {
  await withPool(2, async (fixture) => {
    const { pool, directory } = fixture
    const bodies = Array.from({ length: 12 }, (_, index) => patternBytes(8 * batch + index * 1000, index))
    const writes = bodies.map(async (bytes, index) => {
      const abort = new AbortController()
      async function* source() {
        let pieces = 0
        for await (const piece of inPieces(bytes, [100_000 + index])) {
          yield piece
          pieces++
          if (index % 3 === 1 && pieces === 2 + index) throw new Error('the client went away')
          if (index % 3 === 2 && pieces === 2 + index) abort.abort(new Error('nobody wants it'))
        }
      }
      return withFile(join(directory, String(index)), 'wx', (file) =>
        pool.write({
          source: source(),
          key,
          hashes: ['md5'],
          openTarget: async () => file,
          inlineSizeMax: 0,
          signal: abort.signal,
        }),
      )
    })
    const outcomes = await Promise.allSettled(writes)
    for (const [index, outcome] of outcomes.entries()) {
      const bytes = bodies[index] ?? new Uint8Array()
      if (index % 3 === 0) {
        assert.ok(outcome.status === 'fulfilled')
        assert.is(toHex(outcome.value.digests.md5 ?? bytes), reference(bytes))
      } else {
        assert.ok(outcome.status === 'rejected')
        assert.match(outcome.reason.message, index % 3 === 1 ? 'the client went away' : 'nobody wants it')
      }
    }
    assert.is(pool.stats().streams, 0)
    assert.is(pool.stats().batchesInFlight, 0)
  })
})

test('a file that takes no more fails its own stream only', async () => {
  await withPool(1, async (fixture) => {
    const { pool } = fixture
    const bytes = patternBytes(6 * batch)
    const full = withFile('/dev/null', 'r', (file) =>
      rejection(
        pool.write({
          source: inPieces(bytes, [batch]),
          key,
          hashes: ['md5'],
          openTarget: async () => file,
          inlineSizeMax: 0,
        }),
      ),
    )
    const others = [0, 1, 2].map((index) => writeTo(fixture, String(index), inPieces(bytes, [batch])))
    assert.match((await full).message, /EBADF/)
    for (const { digests } of await Promise.all(others))
      assert.is(toHex(digests.md5 ?? bytes), reference(bytes))
  })
})

test('streams with an MD5 keep to one thread while a turn has room for them, the others go elsewhere', async () => {
  await withPool(2, async (fixture) => {
    const { pool, directory, workers, store } = fixture
    const bytes = patternBytes(4 * batch)
    // Both threads run when each has served a stream.
    await Promise.all([store(bytes), store(bytes)])
    const gate = closedGate(md5StreamsMax + 1)
    const together = Array.from({ length: md5StreamsMax }, (_, index) =>
      writeTo(fixture, `md5-${index}`, pausing(bytes, gate)),
    )
    const elsewhere = withFile(join(directory, 'plain'), 'wx', (file) =>
      pool.write({
        source: pausing(bytes, gate),
        hashes: [],
        openTarget: async () => file,
        inlineSizeMax: 0,
      }),
    )
    const outcomes = Promise.all([Promise.allSettled(together), Promise.allSettled([elsewhere])])
    await gate.allStopped
    await workers[0]?.terminate()
    gate.open()
    const [withMd5, [without]] = await outcomes
    const failed = withMd5.filter(({ status }) => status === 'rejected').length
    assert.is(failed, without?.status === 'rejected' ? 0 : md5StreamsMax)
  })
})

test.run()
