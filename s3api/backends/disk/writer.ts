import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { DareError } from '../../../engine/index.ts'
import { BackendError } from '../backend.ts'
import type { Command, CommandResult } from './command.ts'
import type { FsyncPolicy } from './fsync-policy.ts'
import type { Outcome, WriterSetup } from './writer-thread.ts'

/** Commands in one transaction, and so between two answers. */
const commandsPerCommit = 512
/** Commands that wait for the thread; more are refused rather than piled up. */
const waitingMax = 20_000
/** A thread that ended by itself is started again after that time, during which writes are refused; twice as long after one that did nothing. */
const restartDelayMinMs = 500
const restartDelayMaxMs = 8_000

interface Waiting {
  readonly command: Command
  resolve(result: CommandResult): void
  reject(error: Error): void
}

/**
 * Hands commands to the writer thread, those that come while it commits all at once when it is done. What the thread had not answered
 * when it ended is rejected, done or not, and another takes its place.
 */
export class Writer {
  readonly #setup: WriterSetup
  readonly #log: Logger
  readonly #waiting: Waiting[] = []
  #committing: Waiting[] = []
  /** Absent while none runs. */
  #worker: Worker | undefined
  #exited: Promise<void> = Promise.resolve()
  #restart: NodeJS.Timeout | undefined
  #restartDelayMs = restartDelayMinMs
  #closed = false

  constructor({
    databasePath,
    log,
    fsync = 'always',
  }: {
    readonly databasePath: string
    readonly log: Logger
    readonly fsync?: FsyncPolicy
  }) {
    this.#setup = { path: databasePath, fsync }
    this.#log = log
    this.#start()
  }

  /** Resolves when the command is durable. Errors: BackendError by the interface's table. */
  execute(command: Command): Promise<CommandResult> {
    if (this.#closed || this.#worker === undefined) {
      return Promise.reject(new BackendError('unavailable', 'the thread that writes does not run'))
    }
    if (this.#waiting.length >= waitingMax) {
      return Promise.reject(new BackendError('unavailable', `${waitingMax} writes are waiting`))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject })
      this.#send()
    })
  }

  /** Finishes what was asked and ends the thread. */
  async close(): Promise<void> {
    const worker = this.#worker
    while (this.#committing.length > 0) {
      await new Promise((resolve) => worker?.once('message', resolve).once('exit', resolve))
    }
    this.#closed = true
    clearTimeout(this.#restart)
    this.#worker?.postMessage([])
    await this.#exited
  }

  #start(): void {
    const worker = new Worker(new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: this.#setup,
    })
    let why: unknown
    worker.on('message', (outcomes: readonly Outcome[]) => this.#settle(outcomes))
    worker.on('error', (error) => {
      why = error
    })
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#end(why)
        resolve()
      })
    })
    this.#worker = worker
  }

  #send(): void {
    if (this.#committing.length > 0 || this.#waiting.length === 0) return
    this.#committing = this.#waiting.splice(0, commandsPerCommit)
    this.#worker?.postMessage(this.#committing.map(({ command }) => command))
  }

  #settle(outcomes: readonly Outcome[]): void {
    const settled = this.#committing
    this.#committing = []
    this.#restartDelayMs = restartDelayMinMs
    for (const [index, { resolve, reject }] of settled.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) reject(new Error('the writer thread gave no outcome'))
      else if (outcome.done) resolve(outcome.result)
      else if (outcome.code === undefined) reject(new Error(`the metadata store failed: ${outcome.message}`))
      else if (outcome.code === 'damaged') reject(new DareError('tag-mismatch', outcome.message))
      else reject(new BackendError(outcome.code, outcome.message))
    }
    this.#send()
  }

  /** The thread has ended: as it was told, or by itself. */
  #end(why: unknown): void {
    this.#worker = undefined
    const failed = new BackendError('unavailable', 'the thread that writes has ended', { cause: why })
    for (const { reject } of [...this.#committing.splice(0), ...this.#waiting.splice(0)]) reject(failed)
    if (this.#closed) return
    const delayMs = this.#restartDelayMs
    this.#log.error(
      { err: why, delayMs },
      'the thread that writes to the store ended by itself; starting another',
    )
    this.#restart = setTimeout(() => this.#start(), delayMs).unref()
    this.#restartDelayMs = Math.min(delayMs * 2, restartDelayMaxMs)
  }
}
