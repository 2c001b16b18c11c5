import { extname } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { md5StreamsMax } from './md5.ts'
import { fromFailure, packagesPerBatch, type Reply, type Request, type StreamSetup } from './messages.ts'
import { packageSizeMax, payloadSizeMax } from './sizes.ts'

/** Plaintext bytes of a batch. */
export const batchSize = packagesPerBatch * payloadSizeMax
/** Stored bytes of an encrypted one, and the size of every buffer that goes between threads. */
export const sealedBatchSize = packagesPerBatch * packageSizeMax
/** Buffers kept for reuse; more are left to the garbage collector. */
const idleBuffersMax = 64
/** An engine task that ends by itself is started again: at once, but not over and over. */
const restartsAtOnceMax = 10
const restartsWindowMs = 60_000
const restartPauseMs = 5_000

/** A batch's reply; `buffer` goes back with `recycle`. */
export interface BatchResult {
  readonly buffer: ArrayBuffer
  readonly size: number
  readonly digests: Reply['digests']
  readonly nonce: Reply['nonce']
  readonly storedSha256: Reply['storedSha256']
}

/** Plaintext on its way to a thread: the first `size` bytes of a buffer of sealedBatchSize. */
export interface ThreadBatch {
  readonly buffer: ArrayBuffer
  readonly size: number
  readonly final: boolean
}

/** A stream's place on one thread. */
export interface ThreadStream {
  write(batch: ThreadBatch): Promise<BatchResult>
  read(batch: {
    readonly buffer: ArrayBuffer
    readonly position: number
    readonly size: number
    readonly firstSequence: number
    readonly final: boolean
  }): Promise<BatchResult>
  /** Idempotent. */
  close(): void
}

interface Thread {
  readonly port: MessagePort
  readonly pending: Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>
  streams: number
  /** Those of them that have an MD5. */
  md5Streams: number
  /** Why its task is no more. */
  ended: Error | undefined
}

/** The Piscina pool: one long engine task on each thread, and the ports to them. */
export class EngineThreads {
  readonly #piscina: Piscina
  readonly #threads = new Set<Thread>()
  readonly #tasks = new Set<Promise<void>>()
  readonly #idleBuffers: ArrayBuffer[] = []
  readonly #restartedAt: number[] = []
  readonly #restarts = new Set<NodeJS.Timeout>()
  #nextId = 1
  #closing = false

  constructor(count: number) {
    this.#piscina = new Piscina({
      // The same file in source and build: it has the ending that this one has.
      filename: new URL(`./worker${extname(import.meta.url)}`, import.meta.url).href,
      minThreads: count,
      maxThreads: count,
      // No more tasks than threads ever exist; the streams' batches have their own bound.
      maxQueue: count,
      // A thread that waits on Atomics could not hear its port.
      atomics: 'disabled',
    })
    // What a thread dies of reaches us as the end of its task; this is for one that had none yet.
    this.#piscina.on('error', () => {})
    for (let index = 0; index < count; index++) this.#start()
  }

  get pending(): number {
    let pending = 0
    for (const thread of this.#threads) pending += thread.pending.size
    return pending
  }

  /**
   * Opens a stream on the thread that has the fewest; but MD5 goes where there is more of it, as long as that makes it cheaper.
   * Errors: where all threads have died a moment ago.
   */
  open(setup: StreamSetup): ThreadStream {
    const thread =
      (setup.hashes.includes('md5') ? this.#withMostMd5() : undefined) ?? this.#withFewestStreams()
    if (thread === undefined) throw new Error('no engine thread is running')
    return this.#openOn(thread, setup)
  }

  #withFewestStreams(): Thread | undefined {
    let thread: Thread | undefined
    for (const other of this.#threads) if (other.streams < (thread?.streams ?? Infinity)) thread = other
    return thread
  }

  /** Of those that have some and are not full. */
  #withMostMd5(): Thread | undefined {
    let thread: Thread | undefined
    for (const other of this.#threads) {
      const { md5Streams } = other
      if (md5Streams < md5StreamsMax && md5Streams > (thread?.md5Streams ?? 0)) thread = other
    }
    return thread
  }

  #openOn(thread: Thread, setup: StreamSetup): ThreadStream {
    const stream = this.#nextId++
    const { port } = thread
    const md5Streams = setup.hashes.includes('md5') ? 1 : 0
    thread.streams++
    thread.md5Streams += md5Streams
    port.postMessage({ type: 'open', stream, setup } satisfies Request)
    let open = true
    return {
      write: (batch) => this.#ask(thread, { type: 'write', stream, id: this.#nextId++, ...batch }),
      read: (batch) => this.#ask(thread, { type: 'read', stream, id: this.#nextId++, ...batch }),
      close: () => {
        if (!open) return
        open = false
        thread.streams--
        thread.md5Streams -= md5Streams
        port.postMessage({ type: 'close', stream } satisfies Request)
      },
    }
  }

  /** A buffer of sealedBatchSize bytes, its content undefined. */
  buffer(): ArrayBuffer {
    return this.#idleBuffers.pop() ?? new ArrayBuffer(sealedBatchSize)
  }

  recycle(buffer: ArrayBuffer): void {
    if (buffer.byteLength === sealedBatchSize && this.#idleBuffers.length < idleBuffersMax)
      this.#idleBuffers.push(buffer)
  }

  /** Ends the tasks, which finish what they were given first. */
  async close(): Promise<void> {
    this.#closing = true
    for (const timer of this.#restarts) clearTimeout(timer)
    for (const { port } of this.#threads) port.postMessage({ type: 'stop' } satisfies Request)
    await Promise.all(this.#tasks)
    await this.#piscina.destroy()
    this.#idleBuffers.length = 0
  }

  async #ask(thread: Thread, request: Extract<Request, { id: number }>): Promise<BatchResult> {
    const { port, pending, ended } = thread
    if (ended !== undefined) throw new Error('the thread of this stream has ended', { cause: ended })
    const reply = await new Promise<Reply>((resolve, reject) => {
      pending.set(request.id, { resolve, reject })
      port.postMessage(request, [request.buffer])
    })
    if (reply.failure === undefined) {
      const { buffer, size, digests, nonce, storedSha256 } = reply
      return { buffer, size, digests, nonce, storedSha256 }
    }
    this.recycle(reply.buffer)
    throw fromFailure(reply.failure)
  }

  #start(): void {
    const { port1: port, port2 } = new MessageChannel()
    const thread: Thread = { port, pending: new Map(), streams: 0, md5Streams: 0, ended: undefined }
    this.#threads.add(thread)
    port.on('message', (reply: Reply) => {
      thread.pending.get(reply.id)?.resolve(reply)
      thread.pending.delete(reply.id)
    })
    const task = this.#piscina
      .run({ port: port2 }, { transferList: [port2] })
      .then(
        () => this.#end(thread, new Error('the engine task was told to stop')),
        (error: unknown) => this.#end(thread, new Error('an engine thread has died', { cause: error })),
      )
      .finally(() => this.#tasks.delete(task))
    this.#tasks.add(task)
  }

  /** A task ended: as it was told, or because its thread died; then its streams fail and another takes its place. */
  #end(thread: Thread, why: Error): void {
    thread.ended = why
    this.#threads.delete(thread)
    thread.port.close()
    for (const { reject } of thread.pending.values()) reject(why)
    thread.pending.clear()
    if (!this.#closing) this.#restart()
  }

  #restart(): void {
    const now = performance.now()
    this.#restartedAt.push(now)
    while ((this.#restartedAt[0] ?? now) < now - restartsWindowMs) this.#restartedAt.shift()
    if (this.#restartedAt.length <= restartsAtOnceMax) {
      this.#start()
      return
    }
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      this.#start()
    }, restartPauseMs).unref()
    this.#restarts.add(timer)
  }
}
