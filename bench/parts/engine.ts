import { execFile } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { libcVariables } from '../../cli/process-runtime.ts'
import { createCryptoPool, type HashName } from '../../engine/index.ts'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { hashTogether, hashWithNode } from '../support/md5-loop.ts'
import { inRounds, median, ratioOf } from '../support/rounds.ts'

/** The engine without a server: its inner loop beside `openssl speed`, its pool beside the same pool without encryption. */

const batch = Buffer.alloc(256 * 1024, 'x')
const key = Buffer.alloc(32, 7)
const streams = 8
const gigabyte = 1e9

export async function measureEngine(settings: Settings): Promise<Figure[]> {
  return [
    ...(await sealLoop(settings)),
    ...(await md5Loops(settings)),
    await poolWrites(settings, []),
    await poolWrites(settings, ['md5']),
  ]
}

async function sealLoop({ rounds, seconds }: Settings): Promise<Figure[]> {
  const results = await inRounds(rounds, {
    own: () => sealFor(seconds),
    openssl: () => openssl(seconds),
  })
  if (results.openssl.some(Number.isNaN)) return []
  return [
    {
      what: 'seal loop, 64 KiB packages, one core ÷ openssl speed',
      kind: 'rate',
      value: median(results.own),
      unit: 'GB/s',
      baseline: { what: 'openssl speed aes-256-gcm', value: median(results.openssl) },
      ratio: ratioOf(results.own, results.openssl),
      must: 0.45,
      moonshot: 0.8,
    },
  ]
}

async function md5Loops({ rounds, seconds }: Settings): Promise<Figure[]> {
  const results = await inRounds(rounds, {
    one: async () => hashTogether(1, seconds),
    eight: async () => hashTogether(streams, seconds),
    node: async () => hashWithNode(seconds),
  })
  const figure = (what: string, rates: readonly number[]): Figure => ({
    what: `MD5 of ${what}, one core ÷ node:crypto`,
    kind: 'rate',
    value: median(rates),
    unit: 'GB/s',
    baseline: { what: 'node:crypto', value: median(results.node) },
    ratio: ratioOf(rates, results.node),
  })
  return [figure('one stream', results.one), figure(`${streams} streams at once`, results.eight)]
}

/** GB/s in a process with the front-end's own settings. */
async function sealFor(seconds: number): Promise<number> {
  const main = fileURLToPath(new URL('../support/seal-loop.js', import.meta.url))
  const env = { ...process.env, ...libcVariables }
  const { stdout } = await promisify(execFile)(process.execPath, [main, String(seconds)], { env })
  return Number(stdout)
}

/** GB/s that OpenSSL reaches on one core; NaN where it is not installed. */
async function openssl(seconds: number): Promise<number> {
  const whole = String(Math.max(1, Math.round(seconds)))
  const run = promisify(execFile)('openssl', [
    'speed',
    '-evp',
    'aes-256-gcm',
    '-bytes',
    '65536',
    '-seconds',
    whole,
    '-mr',
  ])
  const text = await run.then(
    ({ stdout }) => stdout,
    () => '',
  )
  return Number(/\+F:\d+:[^:]+:([\d.]+)/.exec(text)?.[1] ?? Number.NaN) / gigabyte
}

async function poolWrites(
  { rounds, seconds, directory }: Settings,
  hashes: readonly HashName[],
): Promise<Figure> {
  const pool = createCryptoPool({ threads: 2 })
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  try {
    const results = await inRounds(rounds, {
      sealed: () => writeFor(seconds, key),
      plain: () => writeFor(seconds, undefined),
    })
    const hashed = hashes.length > 0 ? ` + ${hashes.join(', ')}` : ''
    return {
      what: `pool, 8 streams to files, sealed${hashed} ÷ plain${hashed}`,
      kind: 'rate',
      value: median(results.sealed),
      unit: 'GB/s',
      baseline: { what: `plain${hashed}`, value: median(results.plain) },
      ratio: ratioOf(results.sealed, results.plain),
    }
  } finally {
    await pool.close()
    rmSync(folder, { recursive: true })
  }

  async function writeFor(length: number, sealingKey: Uint8Array | undefined): Promise<number> {
    const startedAt = performance.now()
    const sizes = await Promise.all(
      Array.from({ length: streams }, (_, index) =>
        writeOne(join(folder, String(index)), startedAt + length * 1000, sealingKey),
      ),
    )
    return sizes.reduce((sum, size) => sum + size, 0) / ((performance.now() - startedAt) / 1000) / gigabyte
  }

  async function writeOne(path: string, until: number, sealingKey: Uint8Array | undefined): Promise<number> {
    let total = 0
    while (performance.now() < until) {
      const fd = openSync(path, 'w')
      try {
        const { size } = await pool.write({
          source: pieces(),
          ...(sealingKey !== undefined && { key: sealingKey }),
          hashes,
          openTarget: async () => ({ fd }),
          inlineSizeMax: 0,
        })
        total += size
      } finally {
        closeSync(fd)
      }
    }
    return total
  }
}

/** 64 MiB as they come over HTTP. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  const piece = batch.subarray(0, 64 * 1024)
  for (let count = 0; count < 1024; count++) yield piece
}
