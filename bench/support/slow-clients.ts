import { type ChildProcess, fork } from 'node:child_process'
import { Socket } from 'node:net'
import { ended } from './processes.ts'
import type { SlowJob, SlowReport } from './slow-job.ts'

/** Clients that send their bodies, or take their answers, a few bytes at a time, in a process of their own. */

export interface SlowClients {
  /** Resolves when what they last told holds; rejects when their process ends before. */
  until(holds: (report: SlowReport) => boolean): Promise<SlowReport>
  stop(): Promise<void>
}

export function startSlowClients(job: SlowJob): SlowClients {
  const child = fork(new URL('./slow-clients.js', import.meta.url))
  child.send(job)
  return {
    until: (holds) => reportThat(child, holds),
    async stop() {
      child.kill('SIGKILL')
      await ended(child)
    },
  }
}

function reportThat(child: ChildProcess, holds: (report: SlowReport) => boolean): Promise<SlowReport> {
  return new Promise((resolve, reject) => {
    const look = (report: SlowReport) => {
      if (!holds(report)) return
      child.off('message', look).off('exit', gone)
      resolve(report)
    }
    const gone = () => reject(new Error('the process of slow clients has ended'))
    child.on('message', look).once('exit', gone)
  })
}

/** Moves a few bytes with each step. */
class SlowConnection {
  begun = false
  ended = false
  code: string | undefined
  readonly #socket: Socket
  readonly #stepSize: number
  #rest: number
  #text = ''

  constructor({ host, port, requests, stepSize }: SlowJob, index: number) {
    const request = requests[index % requests.length]
    if (request === undefined) throw new Error('there is nothing to ask for')
    const { method, path, headers, bodySize } = request
    this.#rest = bodySize
    this.#stepSize = stepSize
    const lines = Object.entries({
      Host: `${host}:${port}`,
      ...headers,
      ...(bodySize > 0 && { 'Content-Length': String(bodySize) }),
    }).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = new Socket({ readable: true, writable: true })
    this.#socket = socket
    socket.on('error', () => {})
    socket.once('close', () => {
      this.ended = true
    })
    socket.connect(port, host, () => socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`))
    // Nobody listens to 'data': the socket reads ahead what its buffer holds, and the rest waits in the system's.
    socket.on('end', () => socket.end())
  }

  step(): void {
    const socket = this.#socket
    if (this.ended || socket.connecting) return
    const size = Math.min(this.#stepSize, this.#rest)
    if (size > 0 && socket.writable && socket.writableLength === 0) {
      this.#rest -= size
      this.begun ||= socket.write(Buffer.alloc(size, 'x')) || true
    }
    const bytes: Buffer | null = socket.read(Math.min(this.#stepSize, socket.readableLength || 1))
    if (bytes === null) return
    this.begun = true
    if (this.#text.length < 2_000) this.#text += bytes.toString('latin1')
    this.code ??= /<Code>(\w+)<\/Code>/.exec(this.#text)?.[1]
  }
}

function run(job: SlowJob): void {
  const connections = Array.from({ length: job.connections }, (_, index) => new SlowConnection(job, index))
  setInterval(() => {
    for (const connection of connections) connection.step()
    const report: SlowReport = {
      begun: connections.filter(({ begun }) => begun).length,
      ended: connections.filter((connection) => connection.ended).length,
      codes: connections.flatMap(({ code }) => code ?? []),
    }
    process.send?.(report)
  }, job.stepMs)
}

// As a process: one job comes in, reports go out.
if (process.send !== undefined && process.argv[1]?.endsWith('slow-clients.js')) {
  process.once('message', (job: SlowJob) => run(job))
  process.once('disconnect', () => process.exit(0))
}
