import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import type { Logger } from 'pino'
import type { FromChild, ToChild } from './child.ts'
import type { RunningProcess } from './running-process.ts'

/** One child process that is kept running: started again, later and later, when it ends by itself. */

const restartDelayMinMs = 200
const restartDelayMaxMs = 10_000
/** A child that ran for so long has not failed at once. */
const settledMs = 30_000

/** What a child needs of our environment; its configuration is not in it. */
const passedVariables = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'LANG',
  'LC_ALL',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]

export type StartOfChild = Exclude<ToChild, { type: 'stop' }>

interface Options {
  readonly log: Logger
  readonly env?: Readonly<Record<string, string>>
  /** How it is started again, by what it told when it had started for the first time. */
  readonly pin?: (start: StartOfChild, facts: RunningProcess['facts']) => StartOfChild
}

export class SupervisedChild {
  readonly #pin: NonNullable<Options['pin']>
  #start: StartOfChild
  readonly #log: Logger
  readonly #extra: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #delayMs = restartDelayMinMs
  #stopping = false

  constructor(start: StartOfChild, options: Options) {
    this.#start = start
    this.#pin = options.pin ?? ((same) => same)
    this.#log = options.log
    this.#extra = options.env ?? {}
  }

  /** Resolves when it listens for the first time. Errors: what it could not start for. */
  async start(): Promise<RunningProcess['facts']> {
    const facts = await this.#launch()
    this.#start = this.#pin(this.#start, facts)
    this.#child?.once('exit', () => this.#restartLater())
    return facts
  }

  /** Asks it to end; kills it when it has not ended in time. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    const child = this.#child
    if (child === undefined) return
    if (child.connected) child.send({ type: 'stop' } satisfies ToChild, () => {})
    const timer = setTimeout(() => {
      this.#log.warn({ process: this.#start.type }, 'killing a process that does not end')
      child.kill('SIGKILL')
    }, timeoutMs)
    await this.#exited
    clearTimeout(timer)
  }

  kill(): void {
    this.#stopping = true
    clearTimeout(this.#timer)
    this.#child?.kill('SIGKILL')
  }

  async #launch(): Promise<RunningProcess['facts']> {
    const child = fork(new URL(`./child${extname(import.meta.url)}`, import.meta.url), {
      // Its own process group: a terminal's Ctrl-C reaches us alone, and we end the children in order.
      detached: true,
      execArgv: [],
      env: { ...passed(), ...this.#extra },
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`${this.#start.type} ended (${signal ?? code})`)))
      child.once('message', (message: FromChild) => {
        if (message.type === 'listening') resolve(message.facts)
        else reject(new Error(message.message))
      })
      child.send(this.#start, () => {})
    })
  }

  #restartLater(): void {
    if (this.#stopping) return
    this.#log.error(
      { process: this.#start.type, delayMs: this.#delayMs },
      'a process ended by itself; starting it again',
    )
    this.#timer = setTimeout(() => void this.#restart(), this.#delayMs)
    this.#delayMs = Math.min(this.#delayMs * 2, restartDelayMaxMs)
  }

  async #restart(): Promise<void> {
    try {
      await this.#launch()
      const settled = setTimeout(() => {
        this.#delayMs = restartDelayMinMs
      }, settledMs).unref()
      this.#child?.once('exit', () => {
        clearTimeout(settled)
        this.#restartLater()
      })
    } catch (error) {
      this.#log.error({ err: error, process: this.#start.type }, 'a process cannot be started again')
      await this.#exited
      this.#restartLater()
    }
  }
}

function passed(): Record<string, string> {
  return Object.fromEntries(
    passedVariables.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
