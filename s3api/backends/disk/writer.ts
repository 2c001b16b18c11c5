import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BackendError } from '../backend.ts'
import type { Command, CommandResult } from './command.ts'
import type { FsyncPolicy } from './fsync-policy.ts'
import type { Outcome, WriterSetup } from './writer-thread.ts'

/** Commands in one transaction, and so between two answers. */
const commandsPerCommit = 512
/** Commands that wait for the thread; more are refused rather than piled up. */
const waitingMax = 20_000

interface Waiting {
  readonly command: Command
  resolve(result: CommandResult): void
  reject(error: Error): void
}

/** Hands commands to the writer thread, those that come while it commits all at once when it is done. */
export class Writer {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #committing: Waiting[] = []
  #broken: Error | undefined

  constructor(databasePath: string, fsync: FsyncPolicy = 'always') {
    this.#worker = new Worker(new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: { path: databasePath, fsync } satisfies WriterSetup,
    })
    this.#worker.on('message', (outcomes: readonly Outcome[]) => this.#settle(outcomes))
    this.#worker.on('error', (error) => this.#fail(error))
  }

  /** Resolves when the command is durable. Errors: BackendError by the interface's table. */
  execute(command: Command): Promise<CommandResult> {
    if (this.#broken !== undefined) {
      return Promise.reject(new BackendError('unavailable', 'the store has stopped', { cause: this.#broken }))
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
    while (this.#committing.length > 0) {
      await new Promise((resolve) => this.#worker.once('message', resolve))
    }
    this.#broken ??= new Error('the store is closed')
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage([])
    await ended
  }

  #send(): void {
    if (this.#committing.length > 0 || this.#waiting.length === 0) return
    this.#committing = this.#waiting.splice(0, commandsPerCommit)
    this.#worker.postMessage(this.#committing.map(({ command }) => command))
  }

  #settle(outcomes: readonly Outcome[]): void {
    const settled = this.#committing
    this.#committing = []
    for (const [index, { resolve, reject }] of settled.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) reject(new Error('the writer thread gave no outcome'))
      else if (outcome.done) resolve(outcome.result)
      else if (outcome.code === undefined) reject(new Error(`the metadata store failed: ${outcome.message}`))
      else reject(new BackendError(outcome.code, outcome.message))
    }
    this.#send()
  }

  #fail(error: Error): void {
    this.#broken = error
    const failed = new BackendError('unavailable', 'the store has stopped', { cause: error })
    for (const { reject } of [...this.#committing.splice(0), ...this.#waiting.splice(0)]) reject(failed)
  }
}
