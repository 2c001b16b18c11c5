import { type ChildProcess, fork } from 'node:child_process'
import type { Target } from '../support/presign.ts'
import { ended } from '../support/processes.ts'
import { SoakClient } from './client.ts'
import { S3Client } from './s3-client.ts'
import { type Counts, Tally } from './tally.ts'

/** All clients, in a process of their own. */

interface Start {
  readonly type: 'start'
  readonly target: Target
  readonly clients: number
}
type ToClients =
  | Start
  | { readonly type: 'excuse'; readonly codes: readonly string[] }
  | { readonly type: 'stop' }
type FromClients = { readonly counts: Counts; readonly done: boolean }

const reportMs = 500
/** Between two requests of a client. */
const pauseMaxMs = 200

export class Clients {
  readonly #child: ChildProcess
  #last: Counts = { requests: 0, codes: {}, unexpected: [], wrong: [] }
  readonly #done: Promise<void>

  constructor(target: Target, clients: number) {
    const child = fork(new URL('./clients.js', import.meta.url))
    this.#child = child
    this.#done = new Promise((resolve, reject) => {
      child.on('message', ({ counts, done }: FromClients) => {
        this.#last = counts
        if (done) resolve()
      })
      child.once('exit', (code) => reject(new Error(`the clients' process has ended (${code})`)))
    })
    this.#done.catch(() => {})
    this.#tell({ type: 'start', target, clients })
  }

  get counts(): Counts {
    return this.#last
  }

  /** Errors that are no surprise from now on. */
  excuse(codes: readonly string[]): void {
    this.#tell({ type: 'excuse', codes })
  }

  /** Lets them finish what they do and delete what they have stored. */
  async stop(): Promise<Counts> {
    this.#tell({ type: 'stop' })
    await this.#done
    this.#child.disconnect()
    await ended(this.#child)
    return this.#last
  }

  #tell(message: ToClients): void {
    this.#child.send(message)
  }
}

async function run({ target, clients: count }: Start, stopped: () => boolean, tally: Tally): Promise<void> {
  const s3 = new S3Client(target, 4 * count)
  const clients = Array.from({ length: count }, (_, index) => new SoakClient(s3, tally, index))
  const tell = (done: boolean) => process.send?.({ counts: tally.counts(), done } satisfies FromClients)
  const timer = setInterval(() => tell(false), reportMs)
  await Promise.all(
    clients.map(async (client) => {
      while (!stopped()) {
        await client.step()
        await new Promise((resolve) => setTimeout(resolve, Math.random() * pauseMaxMs))
      }
      await client.finish()
    }),
  )
  s3.close()
  clearInterval(timer)
  tell(true)
}

// As a process.
if (process.send !== undefined && process.argv[1]?.endsWith('clients.js')) {
  const tally = new Tally()
  let stopping = false
  process.on('message', (message: ToClients) => {
    switch (message.type) {
      case 'start':
        void run(message, () => stopping, tally)
        return
      case 'excuse':
        tally.excuse(message.codes)
        return
      case 'stop':
        stopping = true
    }
  })
}
