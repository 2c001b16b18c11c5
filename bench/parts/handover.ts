import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createCryptoPool } from '../../engine/index.ts'
import { packagesPerBatch } from '../../engine/messages.ts'
import { packageSizeMax, payloadSizeMax } from '../../engine/sizes.ts'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { Ring } from '../support/ring.ts'
import { inRounds, median } from '../support/rounds.ts'

/** How batches get to the engine's threads: its ports with recycled buffers beside a ring in shared memory. */

const threads = 2
const batchesPerStream = 3
const gigabyte = 1e9
const key = Buffer.alloc(32, 7)
/** A view of more: the pool frees pieces that are all of their buffer. */
const piece = Buffer.alloc(2 * payloadSizeMax, 'x').subarray(0, payloadSizeMax)
const mebibyte = 1024 * 1024

/** Writes one body of so many bytes to a file. */
type WriteBody = (fd: number, size: number) => Promise<void>

export async function measureHandover(settings: Settings): Promise<Figure[]> {
  const figures: Figure[] = []
  const pool = createCryptoPool({ threads })
  const rings = Array.from({ length: threads }, () => new Ring(packagesPerBatch * payloadSizeMax, key))
  try {
    for (const size of [64 * 1024, 64 * mebibyte]) {
      for (const streams of [1, 8, 32]) {
        const results = await inRounds(settings.rounds, {
          ports: () => writeFor(settings, streams, size, overPorts(pool)),
          ring: () => writeFor(settings, streams, size, overRing(rings)),
        })
        const name = size < mebibyte ? `${size / 1024} KiB` : `${size / mebibyte} MiB`
        const value = median(results.ports)
        console.error(
          `  ${name} ×${streams}: ${value.toFixed(2)} s/GB, ring ${median(results.ring).toFixed(2)}`,
        )
        figures.push({
          what: `hand-over to engine threads, bodies of ${name} ×${streams}, sealed to files: ports`,
          kind: 'limit',
          value,
          unit: 's/GB',
          baseline: { what: 'ring in shared memory', value: median(results.ring) },
        })
      }
    }
  } finally {
    await pool.close()
    for (const ring of rings) await ring.close()
  }
  return figures
}

function overPorts(pool: ReturnType<typeof createCryptoPool>): WriteBody {
  return async (fd, size) => {
    await pool.write({
      source: pieces(size),
      key,
      hashes: [],
      openTarget: async () => ({ fd }),
      inlineSizeMax: 0,
    })
  }
}

function overRing(rings: readonly Ring[]): WriteBody {
  const freed: (() => void)[] = []
  let turn = 0
  return async (fd, size) => {
    const ring = rings[turn++ % rings.length]
    const inFlight: Promise<void>[] = []
    let batch: Uint8Array[] = []
    let sequence = 0
    const give = async (final: boolean) => {
      if (inFlight.length === batchesPerStream) await inFlight.shift()
      while (ring?.free === false) await new Promise<void>((resolve) => freed.push(resolve))
      const done = ring?.give(batch, { fd, sequence, final, position: sequence * packageSizeMax })
      if (done !== undefined) inFlight.push(done.then(() => freed.shift()?.()))
      sequence += batch.length
      batch = []
    }
    for await (const next of pieces(size)) {
      if (batch.length === packagesPerBatch) await give(false)
      batch.push(next)
    }
    await give(true)
    await Promise.all(inFlight)
  }
}

/** CPU seconds of this process, all threads, for each GB. */
async function writeFor(
  { seconds, directory }: Settings,
  streams: number,
  size: number,
  write: WriteBody,
): Promise<number> {
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  try {
    const until = performance.now() + seconds * 1000
    const before = process.cpuUsage()
    let bytes = 0
    await Promise.all(
      Array.from({ length: streams }, async (_, index) => {
        const fd = openSync(join(folder, String(index)), 'w')
        while (performance.now() < until) {
          await write(fd, size)
          bytes += size
        }
        closeSync(fd)
      }),
    )
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1e6 / (bytes / gigabyte)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A body as it comes over HTTP. */
async function* pieces(size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < size; offset += piece.length) yield piece.subarray(0, size - offset)
}
