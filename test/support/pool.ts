import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { type CryptoPool, createCryptoPool, type PlainBatch, type WriteResult } from '../../engine/index.ts'
import { inPieces } from './bytes.ts'
import { withDirectory, withFile } from './files.ts'

/** A pool over real threads and files, and what tests do with one. */
export interface PoolFixture {
  readonly pool: CryptoPool
  readonly directory: string
  /** The pool's threads that live. */
  readonly workers: readonly Worker[]
  /** Writes bytes, in pieces, to a new file: what is stored there, and the result. */
  store(
    bytes: Uint8Array,
    options?: {
      readonly key?: Uint8Array
      readonly hashes?: Parameters<CryptoPool['write']>[0]['hashes']
      readonly pieces?: readonly number[]
      readonly inlineSizeMax?: number
    },
  ): Promise<{ readonly path: string; readonly result: WriteResult }>
  /** The plaintext of a range of a stored file. */
  load(
    path: string,
    options: {
      readonly key?: Uint8Array
      readonly acceptsVersion1?: boolean
      readonly offset?: number
      readonly size?: number
      readonly plaintextSize: number
    },
  ): Promise<Uint8Array>
}

export async function withPool<Result>(
  threads: number,
  work: (fixture: PoolFixture) => Promise<Result>,
): Promise<Result> {
  const workers: Worker[] = []
  const born = (worker: Worker) => {
    workers.push(worker)
    worker.once('exit', () => workers.splice(workers.indexOf(worker), 1))
  }
  process.on('worker', born)
  const pool = createCryptoPool({ threads })
  try {
    return await withDirectory((directory) =>
      work({
        pool,
        directory,
        workers,
        store: (bytes, options) => store(pool, directory, bytes, options),
        load: (path, options) => load(pool, path, options),
      }),
    )
  } finally {
    await pool.close()
    process.off('worker', born)
  }
}

async function store(
  pool: CryptoPool,
  directory: string,
  bytes: Uint8Array,
  { key, hashes = [], pieces = [65_536], inlineSizeMax = 0 }: Parameters<PoolFixture['store']>[1] = {},
): ReturnType<PoolFixture['store']> {
  const path = join(directory, randomUUID())
  const result = await withFile(path, 'wx', (file) =>
    pool.write({
      source: inPieces(bytes, pieces),
      ...(key !== undefined && { key }),
      hashes,
      openTarget: async () => file,
      inlineSizeMax,
    }),
  )
  if (result.bytes !== undefined) await writeFile(path, result.bytes)
  return { path, result }
}

async function load(
  pool: CryptoPool,
  path: string,
  options: Parameters<PoolFixture['load']>[1],
): Promise<Uint8Array> {
  const { key, acceptsVersion1 = false, offset = 0, plaintextSize } = options
  const { size = plaintextSize - offset } = options
  return withFile(path, 'r', async (file) => {
    const source = { kind: 'file', fd: file.fd, size: (await file.stat()).size } as const
    const range = { offset, size, plaintextSize }
    return collect(pool.read({ source, ...(key !== undefined && { key }), acceptsVersion1, ...range }))
  })
}

/** All bytes of the batches, each given back at once. */
export async function collect(batches: AsyncIterable<PlainBatch>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const { data, release } of batches) {
    pieces.push(data.slice())
    release()
  }
  return Buffer.concat(pieces)
}

export async function stored(path: string): Promise<Uint8Array> {
  return readFile(path)
}
