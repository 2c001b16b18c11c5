import { Socket } from 'node:net'
import type { LoadJob, LoadRequest, LoadResult } from './load-job.ts'

/**
 * A small load generator: keep-alive connections over raw sockets, each with one request under way. Bodies come from one
 * buffer, answers are read into one buffer a connection and counted, not looked at.
 */

const sliceSize = 256 * 1024
const headSizeMax = 64 * 1024
const failureSizeMax = 300
const slice = Buffer.alloc(sliceSize, 'the quick brown fox jumps over the lazy dog. ')

interface Totals {
  requests: number
  bytes: number
  failures: number
  firstFailure: string | undefined
  readonly latenciesMs: number[]
}

/** One connection and the request that is under way on it. */
class Connection {
  readonly #totals: Totals
  readonly #next: () => LoadRequest | undefined
  readonly #done: () => void
  readonly #job: LoadJob
  #socket: Socket
  /** The server ends the connection with this answer. */
  #last = false
  #head = ''
  #status = 0
  /** Bytes of the answer's body that are still to come; undefined: its head is. */
  #rest: number | undefined
  #startedAt = 0
  #sample = ''

  constructor(
    job: LoadJob,
    parts: {
      readonly totals: Totals
      readonly next: () => LoadRequest | undefined
      readonly done: () => void
    },
  ) {
    this.#totals = parts.totals
    this.#next = parts.next
    this.#done = parts.done
    this.#job = job
    this.#socket = this.#connect()
  }

  #connect(): Socket {
    const socket = new Socket({
      // @types/node knows it on connect() only.
      onread: {
        buffer: Buffer.allocUnsafe(sliceSize),
        callback: (size: number, buffer: Uint8Array) => {
          this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, size))
          return true
        },
      },
    } as ConstructorParameters<typeof Socket>[0])
    socket.setNoDelay(true)
    socket.once('error', (error) => this.#end(error.message))
    socket.once('close', () => this.#end(undefined))
    socket.connect(this.#job.port, this.#job.host, () => this.#start())
    return socket
  }

  destroy(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #start(): void {
    const request = this.#next()
    if (request === undefined) {
      this.destroy()
      this.#done()
      return
    }
    this.#rest = undefined
    this.#head = ''
    this.#sample = ''
    this.#startedAt = performance.now()
    const { method, path, headers, bodySize } = request
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const length = method === 'PUT' || method === 'POST' ? `Content-Length: ${bodySize}\r\n` : ''
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#job.host}:${this.#job.port}\r\n${length}${lines.join('')}\r\n`
    if (bodySize > 0 && bodySize <= sliceSize) {
      // Head and small body in one segment, as clients send them.
      this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), slice.subarray(0, bodySize)]))
      this.#totals.bytes += bodySize
      return
    }
    this.#socket.write(head, 'latin1')
    if (bodySize > 0) this.#send(bodySize)
  }

  #send(rest: number): void {
    const size = Math.min(rest, sliceSize)
    this.#socket.write(slice.subarray(0, size), (error) => {
      if (error) return
      this.#totals.bytes += size
      if (rest > size) this.#send(rest - size)
    })
  }

  #read(bytes: Buffer): void {
    if (this.#rest === undefined) {
      this.#head += bytes.toString('latin1')
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1 && this.#head.length > headSizeMax) this.#end('an answer without an end to its head')
      if (end === -1) return
      this.#status = Number(this.#head.slice(9, 12))
      this.#last =
        /\r\nconnection: close/i.test(this.#head.slice(0, end)) || this.#head.startsWith('HTTP/1.0')
      const length = /\r\ncontent-length: (\d+)/i.exec(this.#head.slice(0, end))?.[1]
      const already = this.#head.length - end - 4
      this.#rest = Number(length ?? 0)
      this.#count(bytes.subarray(bytes.length - already))
    } else this.#count(bytes)
    if (this.#rest === 0) this.#finish()
  }

  #count(bytes: Buffer): void {
    this.#rest = Math.max(0, (this.#rest ?? 0) - bytes.length)
    if (this.#status < 300) this.#totals.bytes += bytes.length
    else if (this.#sample.length < failureSizeMax) this.#sample += bytes.toString('latin1')
  }

  #finish(): void {
    this.#totals.requests++
    this.#totals.latenciesMs.push(performance.now() - this.#startedAt)
    if (this.#status < 200 || this.#status >= 300) {
      this.#fail(`${this.#status} ${this.#sample.slice(0, failureSizeMax)}`)
    }
    if (this.#last) {
      this.destroy()
      this.#socket = this.#connect()
    } else this.#start()
  }

  #fail(what: string): void {
    this.#totals.failures++
    this.#totals.firstFailure ??= what
  }

  #end(what: string | undefined): void {
    this.#fail(what ?? 'the connection was closed')
    this.destroy()
    this.#done()
  }
}

export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const totals: Totals = { requests: 0, bytes: 0, failures: 0, firstFailure: undefined, latenciesMs: [] }
  const endless = job.seconds !== undefined
  let index = 0
  const next = () => {
    const turn = index++
    return endless ? job.requests[turn % job.requests.length] : job.requests[turn]
  }
  const startedAt = performance.now()
  const connections: Connection[] = []
  await new Promise<void>((resolve) => {
    let open = job.connections
    const done = () => {
      if (--open === 0) resolve()
    }
    for (let count = 0; count < job.connections; count++) {
      connections.push(new Connection(job, { totals, next, done }))
    }
    if (job.seconds !== undefined) setTimeout(resolve, job.seconds * 1000)
  })
  const seconds = (performance.now() - startedAt) / 1000
  for (const connection of connections) connection.destroy()
  const { latenciesMs, firstFailure, ...counts } = totals
  latenciesMs.sort((a, b) => a - b)
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0
  return {
    ...counts,
    seconds,
    ...(firstFailure !== undefined && { firstFailure }),
    latencyMs: { p50: at(0.5), p99: at(0.99) },
  }
}

// As a process: one job comes in, one result goes out.
if (process.send !== undefined && process.argv[1]?.endsWith('load.js')) {
  process.once('message', (job: LoadJob) => {
    void runLoad(job).then((result) => process.send?.(result, () => process.disconnect()))
  })
}
