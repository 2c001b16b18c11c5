import { extname } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { fromFailure, packagesPerBatch, type Reply, type Request, type StreamSetup } from './messages.ts'
import { payloadSizeMax } from './sizes.ts'

/** Plaintext bytes of a batch, and the size of every buffer that goes between threads. */
export const batchSize = packagesPerBatch * payloadSizeMax
/** Buffers kept for reuse; more are left to the garbage collector. */
const idleBuffersMax = 64
/** An engine task that ends by itself is started again, but not for ever. */
const restartsMax = 10
const restartsWindowMs = 60_000

/** A batch's reply; `buffer` goes back with `recycle`. */
export interface BatchResult {
  readonly buffer: ArrayBuffer
  readonly size: number
  readonly digests: Reply['digests']
}

/** A stream's place on one thread. */
export interface ThreadStream {
  write(batch: {
    readonly buffer: ArrayBuffer
    readonly size: number
    readonly final: boolean
  }): Promise<BatchResult>
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
  port: MessagePort
  task: Promise<void>
  streams: number
  readonly pending: Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>
}

/** The Piscina pool: one long engine task on each thread, and the ports to them. */
export class EngineThreads {
  readonly #piscina: Piscina
  readonly #threads: Thread[] = []
  readonly #idleBuffers: ArrayBuffer[] = []
  readonly #restartedAt: number[] = []
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
    for (let index = 0; index < count; index++) this.#threads.push(this.#start(index))
  }

  get pending(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.pending.size, 0)
  }

  /** Opens a stream on the thread that has the fewest. */
  open(setup: StreamSetup): ThreadStream {
    const thread = this.#threads.reduce((least, other) => (other.streams < least.streams ? other : least))
    const stream = this.#nextId++
    const { port } = thread
    thread.streams++
    port.postMessage({ type: 'open', stream, setup } satisfies Request)
    let open = true
    return {
      write: (batch) => this.#ask(thread, port, { type: 'write', stream, id: this.#nextId++, ...batch }),
      read: (batch) => this.#ask(thread, port, { type: 'read', stream, id: this.#nextId++, ...batch }),
      close: () => {
        if (!open) return
        open = false
        thread.streams--
        port.postMessage({ type: 'close', stream } satisfies Request)
      },
    }
  }

  /** A buffer of batchSize bytes, its content undefined. */
  buffer(): ArrayBuffer {
    return this.#idleBuffers.pop() ?? new ArrayBuffer(batchSize)
  }

  recycle(buffer: ArrayBuffer): void {
    if (buffer.byteLength === batchSize && this.#idleBuffers.length < idleBuffersMax)
      this.#idleBuffers.push(buffer)
  }

  /** Ends the tasks, which finish what they were given first. */
  async close(): Promise<void> {
    this.#closing = true
    for (const { port } of this.#threads) port.postMessage({ type: 'stop' } satisfies Request)
    await Promise.allSettled(this.#threads.map(({ task }) => task))
    await this.#piscina.destroy()
    this.#idleBuffers.length = 0
  }

  async #ask(
    thread: Thread,
    port: MessagePort,
    request: Extract<Request, { id: number }>,
  ): Promise<BatchResult> {
    if (thread.port !== port) throw new Error('the thread of this stream has ended')
    const reply = await new Promise<Reply>((resolve, reject) => {
      thread.pending.set(request.id, { resolve, reject })
      port.postMessage(request, [request.buffer])
    })
    if (reply.failure === undefined) return { buffer: reply.buffer, size: reply.size, digests: reply.digests }
    this.recycle(reply.buffer)
    throw fromFailure(reply.failure)
  }

  #start(index: number): Thread {
    const { port1: port, port2 } = new MessageChannel()
    const pending: Thread['pending'] = new Map()
    port.on('message', (reply: Reply) => {
      pending.get(reply.id)?.resolve(reply)
      pending.delete(reply.id)
    })
    const task = this.#piscina
      .run({ port: port2 }, { transferList: [port2] })
      .then(
        () => undefined,
        (error: unknown) => error,
      )
      .then((error) => this.#ended(index, { port, pending }, error))
    return { port, task, streams: 0, pending }
  }

  /** A task ended: as it was told, or because its thread died; then its streams fail and another takes its place. */
  #ended(index: number, { port, pending }: Pick<Thread, 'port' | 'pending'>, error: unknown): void {
    port.close()
    for (const { reject } of pending.values())
      reject(new Error('an engine thread has ended', { cause: error }))
    pending.clear()
    if (this.#closing) return
    const now = performance.now()
    this.#restartedAt.push(now)
    while ((this.#restartedAt[0] ?? now) < now - restartsWindowMs) this.#restartedAt.shift()
    if (this.#restartedAt.length > restartsMax) {
      throw new Error(`engine threads ended ${restartsMax} times in a minute`, { cause: error })
    }
    this.#threads[index] = this.#start(index)
  }
}
