import { type Batch, gather, inBatches } from './batches.ts'
import { DareError } from './errors.ts'
import { Gate } from './gate.ts'
import type { Digests } from './hashes.ts'
import { readInline, writeInline } from './inline.ts'
import { checkSizes } from './stored.ts'
import { batchesOf, type StoredBatch } from './stored-batches.ts'
import { readPieces, StoredPieces } from './stored-pieces.ts'
import type { BytesOptions, PlainBatch, ReadOptions, WriteOptions, WriteResult } from './streams.ts'
import { type BatchResult, batchSize, EngineThreads, type ThreadBatch } from './threads.ts'

export interface CryptoPoolOptions {
  /** Worker threads, each running one long engine task. */
  readonly threads: number
}

export interface CryptoPoolStats {
  readonly threads: number
  readonly streams: number
  readonly batchesInFlight: number
  readonly batchesWaiting: number
  /** Plaintext bytes written and read so far, encrypted or not. */
  readonly bytesWritten: number
  readonly bytesRead: number
}

/** Threads that seal, open, hash, write and read the data of many streams at once. */
export interface CryptoPool {
  /** Reads the source to its end. Errors: what the source or the target throws, the signal's reason. */
  write(options: WriteOptions): Promise<WriteResult>
  /**
   * The range's plaintext in order, each batch authenticated before it is given out; a read that reaches the end of the
   * stream demands its final package. Errors: DareError, the file's, the signal's reason.
   */
  read(options: ReadOptions): AsyncGenerator<PlainBatch, void, undefined>
  /** As `read`, of a stream whose stored bytes are all in memory: they are few, and opened at once. Errors: DareError. */
  readBytes(options: BytesOptions): Uint8Array
  stats(): CryptoPoolStats
  /** Ends the threads when running streams have ended. Idempotent. */
  close(): Promise<void>
}

/** Batches of one stream with the threads at once: enough to keep a thread busy, few enough that none waits for long. */
const batchesPerStream = 3
/**
 * Batches of all streams that are read before somebody asks for them. Many streams keep the threads busy without that, and a
 * slow reader then holds one batch, not three.
 */
const readAheadMax = 64
/** Batches of all streams with the threads at once, for each thread. */
const batchesPerThread = 8

export function createCryptoPool({ threads }: CryptoPoolOptions): CryptoPool {
  const engines = new EngineThreads(threads)
  const gate = new Gate(threads * batchesPerThread)
  const running = new Set<Promise<void>>()
  let closed: Promise<void> | undefined
  const counts = { bytesWritten: 0, bytesRead: 0 }

  /** Keeps account of a stream for stats and close. */
  function begin(): () => void {
    if (closed !== undefined) throw new Error('the pool is closed')
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    running.add(ended)
    return () => {
      running.delete(ended)
      end()
    }
  }

  async function write(options: WriteOptions): Promise<WriteResult> {
    const end = begin()
    const batches = inBatches(options.source, {
      batchSize,
      loosePiecesMax: options.inlineSizeMax,
      take: () => engines.buffer(),
    })
    try {
      const first = await batches.next()
      options.signal?.throwIfAborted()
      if (first.done === true) throw new Error('a source has at least its final batch')
      const { value } = first
      const result =
        'pieces' in value
          ? await writeInline(value.pieces, value.size, options)
          : await writeThreaded(value, batches, options)
      counts.bytesWritten += result.size
      return result
    } finally {
      await batches.return()
      end()
    }
  }

  async function writeThreaded(
    first: Batch,
    rest: AsyncIterable<Batch>,
    { key, hashes, openTarget, signal }: WriteOptions,
  ): Promise<WriteResult> {
    const target = await openTarget()
    const streamed = 'fd' in target ? undefined : target
    const fd = 'fd' in target ? target.fd : undefined
    const stream = engines.open({
      fd,
      hashStored: streamed?.hashed === true,
      key,
      acceptsVersion1: false,
      nonce: undefined,
      hashes,
    })
    const inFlight: Promise<BatchResult>[] = []
    const total = { size: 0, sealedSize: 0 }
    let digests: Digests = {}
    let nonce: Uint8Array | undefined
    const take = async () => {
      const result = await inFlight.shift()
      if (result === undefined) return
      if (streamed !== undefined && result.size > 0) {
        await streamed.write(new Uint8Array(result.buffer, 0, result.size), result.storedSha256)
      }
      engines.recycle(result.buffer)
      total.sealedSize += result.size
      digests = result.digests ?? digests
      nonce = result.nonce ?? nonce
    }
    try {
      for await (const batch of startingWith(first, rest)) {
        signal?.throwIfAborted()
        if (inFlight.length === batchesPerStream) await take()
        await gate.enter()
        inFlight.push(settled(stream.write(filled(batch))))
        total.size += batch.size
      }
      while (inFlight.length > 0) await take()
      return { ...total, digests, ...(key !== undefined && nonce !== undefined && { nonce }) }
    } finally {
      await Promise.allSettled(inFlight)
      stream.close()
    }
  }

  function filled(batch: Batch): ThreadBatch {
    if ('buffer' in batch) return batch
    const { buffer } = gather(batch.pieces, new Uint8Array(engines.buffer()))
    return { buffer, size: batch.size, final: batch.final }
  }

  /** Leaves the gate when the batch is back. A rejection that nobody awaits yet must not end the process. */
  function settled(result: Promise<BatchResult>): Promise<BatchResult> {
    const leaving = result.finally(() => gate.leave())
    leaving.catch(() => {})
    return leaving
  }

  function readBytes(options: BytesOptions): Uint8Array {
    checkSizes(options)
    if (options.size === 0) return new Uint8Array(0)
    const plaintext = readInline(options)
    counts.bytesRead += plaintext.length
    return plaintext
  }

  async function* read(options: ReadOptions): AsyncGenerator<PlainBatch, void, undefined> {
    checkSizes(options)
    if (options.size === 0) return
    const { source } = options
    const end = begin()
    const cancel = () => {
      if (source.kind === 'stream') source.cancel()
    }
    try {
      if (source.kind === 'bytes') {
        yield { data: readBytes({ ...options, source }), release() {} }
        return
      }
      options.signal?.addEventListener('abort', cancel)
      for await (const batch of readFrom(source, options)) {
        counts.bytesRead += batch.data.length
        yield batch
      }
    } finally {
      options.signal?.removeEventListener('abort', cancel)
      end()
    }
  }

  function readFrom(
    source: Exclude<ReadOptions['source'], { readonly kind: 'bytes' }>,
    options: ReadOptions,
  ): AsyncGenerator<PlainBatch, void, undefined> {
    switch (source.kind) {
      case 'file':
        return readThreaded(options, {
          fd: source.fd,
          start: source.start ?? 0,
          load: async () => engines.buffer(),
          cancel() {},
        })
      case 'stream': {
        const pieces = new StoredPieces(source.pieces)
        if (options.key === undefined) return readPieces(pieces, options)
        const load = async (size: number) => {
          const buffer = engines.buffer()
          await pieces.fill(new Uint8Array(buffer, 0, size))
          return buffer
        }
        return readThreaded(options, { fd: undefined, start: 0, load, cancel: () => source.cancel() })
      }
    }
  }

  /** `load` makes a batch's buffer ready, with the batch's stored bytes where there is no file that the thread reads. */
  async function* readThreaded(
    options: ReadOptions,
    source: {
      readonly fd: number | undefined
      readonly start: number
      load(size: number): Promise<ArrayBuffer>
      cancel(): void
    },
  ): AsyncGenerator<PlainBatch, void, undefined> {
    const { key, acceptsVersion1 = false } = options
    // A copy: with a view all of the memory that it is of would go to the thread.
    const nonce = options.nonce && new Uint8Array(options.nonce)
    const setup = { fd: source.fd, hashStored: false, key, acceptsVersion1, nonce, hashes: [] }
    const stream = engines.open(setup)
    const wanted = batchesOf(options)
    const inFlight: { readonly batch: StoredBatch; readonly result: Promise<BatchResult> }[] = []
    let before: Promise<unknown> = Promise.resolve()
    const ask = (): boolean => {
      const next = wanted.next()
      if (next.done === true) return false
      const { request } = next.value
      const loading = before.then(() => source.load(request.size))
      before = loading
      const result = loading.then(async (buffer) => {
        await gate.enter()
        return settled(stream.read({ ...request, buffer, position: source.start + request.position }))
      })
      result.catch(() => {})
      inFlight.push({ batch: next.value, result })
      return true
    }
    const ahead = () => Math.min(batchesPerStream - 1, Math.floor(readAheadMax / running.size))
    try {
      for (;;) {
        while (inFlight.length < Math.max(ahead(), 1) && ask());
        const head = inFlight[0]
        if (head === undefined) break
        options.signal?.throwIfAborted()
        const { buffer, size } = await head.result
        inFlight.shift()
        while (inFlight.length < ahead() && ask());
        yield trimmed(head.batch, buffer, size)
      }
    } finally {
      if (inFlight.length > 0) source.cancel()
      // The caller closes the file after us: no thread may still be reading it.
      for (const result of await Promise.allSettled(inFlight.map((item) => item.result))) {
        if (result.status === 'fulfilled') engines.recycle(result.value.buffer)
      }
      stream.close()
    }
  }

  function trimmed({ skip, size }: StoredBatch, buffer: ArrayBuffer, opened: number): PlainBatch {
    if (opened < skip + size)
      throw new DareError('unexpected-eof', 'a batch has less plaintext than promised')
    return { data: new Uint8Array(buffer, skip, size), release: () => engines.recycle(buffer) }
  }

  return {
    write,
    read,
    readBytes,
    stats: () => ({
      threads,
      streams: running.size,
      batchesInFlight: engines.pending,
      batchesWaiting: gate.waiting,
      ...counts,
    }),
    close() {
      closed ??= Promise.all(running).then(() => engines.close())
      return closed
    },
  }
}

async function* startingWith(
  first: Batch,
  rest: AsyncIterable<Batch>,
): AsyncGenerator<Batch, void, undefined> {
  yield first
  yield* rest
}
