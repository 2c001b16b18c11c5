import { type ChildProcess, fork } from 'node:child_process'
import cluster from 'node:cluster'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { FromChild, ToChild } from './child.ts'
import type { Report, RunningProcess } from './running-process.ts'

/** One child process that is kept running: started again, later and later, when it ends by itself. */

const restartDelayMinMs = 200
const restartDelayMaxMs = 10_000
/** A child that ran for so long has not failed at once. */
const settledMs = 30_000
/** A report that takes longer is of a child that hangs. */
const reportMs = 5_000
/** One that could not start ends by itself. */
const failedStopMs = 2_000

const childFile = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url))

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

export interface ChildOptions {
  readonly log: Logger
  readonly env?: Readonly<Record<string, string>>
  readonly nodeOptions?: readonly string[]
  /** It listens on a socket that its siblings and successors listen on as well. */
  readonly sharesSocket?: boolean
}

export class SupervisedChild {
  readonly #start: Extract<ToChild, { config: unknown }>
  readonly #options: ChildOptions
  readonly #log: Logger
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #delayMs = restartDelayMinMs
  #stopping = false
  #replacing = false
  /** Settles when a restart that has begun is done, or has failed. */
  #restarting: Promise<void> | undefined
  #nextReport = 1
  /** Children that were told what to do; one that was not has nothing to end. */
  readonly #told = new WeakSet<ChildProcess>()

  constructor(start: Extract<ToChild, { config: unknown }>, options: ChildOptions) {
    this.#start = start
    this.#options = options
    this.#log = options.log
  }

  /** Resolves when it listens for the first time. Errors: what it could not start for. */
  async start(): Promise<RunningProcess['facts']> {
    const { child, facts } = await this.#launch()
    this.#keep(child)
    return facts
  }

  /** A new process in the place of the old, which ends when the new one listens. Errors: what that could not start for. */
  async replace(timeoutMs: number): Promise<void> {
    // Two that were started at once would both be kept running, one of them unknown to us.
    await this.#restarting
    clearTimeout(this.#timer)
    const old = this.#child
    const child = await this.#launchReplacement()
    if (this.#stopping) {
      child.kill('SIGKILL')
      return
    }
    this.#keep(child)
    if (old !== undefined) await this.#end(old, timeoutMs)
  }

  /** Asks it to end; kills it when it has not ended in time. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    if (this.#child !== undefined) await this.#end(this.#child, timeoutMs)
  }

  kill(): void {
    this.#stopping = true
    clearTimeout(this.#timer)
    this.#child?.kill('SIGKILL')
  }

  /** Of the one that runs, or ran last. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** What it says of itself. Errors: where it does not run, or does not answer. */
  report(): Promise<Report> {
    const child = this.#child
    const id = this.#nextReport++
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        child?.off('message', take).off('exit', fail)
      }
      const fail = () => {
        settle()
        reject(new Error(`${this.#start.type} does not answer`))
      }
      const take = (message: FromChild) => {
        if (message.type !== 'report' || message.id !== id) return
        settle()
        resolve(message.report)
      }
      const timer = setTimeout(fail, reportMs)
      child?.on('message', take).on('exit', fail)
      if (child?.connected !== true) fail()
      else child.send({ type: 'report', id } satisfies ToChild, () => {})
    })
  }

  async #end(child: ChildProcess, timeoutMs: number): Promise<void> {
    if (!this.#told.has(child)) child.kill('SIGKILL')
    else if (child.connected) child.send({ type: 'stop' } satisfies ToChild, () => {})
    const timer = setTimeout(() => {
      this.#log.warn({ child: this.#start.type }, 'killing a process that does not end')
      child.kill('SIGKILL')
    }, timeoutMs)
    if (!hasEnded(child)) {
      await new Promise((resolve) => child.once('exit', resolve))
    }
    clearTimeout(timer)
  }

  async #launch(): Promise<{ readonly child: ChildProcess; readonly facts: RunningProcess['facts'] }> {
    const child = this.#fork()
    child.on('error', (error) => this.#log.error({ err: error, child: this.#start.type }, 'a process failed'))
    const facts = await new Promise<RunningProcess['facts']>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`${this.#start.type} ended (${signal ?? code})`)))
      child.on('message', (message: FromChild) => {
        if (message.type === 'up' && !this.#stopping) {
          this.#told.add(child)
          child.send(this.#start, () => {})
        }
        if (message.type === 'listening') resolve(message.facts)
        else if (message.type === 'failed') reject(new Error(message.message))
      })
      // What could not start ends as well, and then stop and kill have nothing to do.
      this.#child ??= child
    })
    return { child, facts }
  }

  async #launchReplacement(): Promise<ChildProcess> {
    this.#replacing = true
    try {
      return (await this.#launch()).child
    } catch (error) {
      // The old one was not started again meanwhile.
      if (this.#child === undefined || hasEnded(this.#child)) this.#restartLater()
      throw error
    } finally {
      this.#replacing = false
    }
  }

  #fork(): ChildProcess {
    const { env = {}, nodeOptions = [], sharesSocket = false } = this.#options
    const execArgv = [...nodeOptions]
    if (!sharesSocket) {
      return fork(childFile, {
        // Its own process group: a terminal's Ctrl-C reaches us alone, and we end the children in order.
        detached: true,
        execArgv,
        env: { ...passed(), ...env },
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
    }
    // Children take connections themselves; the primary only keeps the socket, for as long as one of them listens.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({
      exec: childFile,
      args: [],
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    return cluster.fork({ ...withoutOurs(), ...env }).process
  }

  /** From now on this is the child, and its end is the end of it. */
  #keep(child: ChildProcess): void {
    this.#child = child
    const settled = setTimeout(() => {
      this.#delayMs = restartDelayMinMs
    }, settledMs).unref()
    const ended = () => {
      clearTimeout(settled)
      if (this.#child !== child) return
      if (this.#replacing)
        this.#log.error({ child: this.#start.type }, 'a process ended before its replacement listens')
      else this.#restartLater()
    }
    if (hasEnded(child)) ended()
    else child.once('exit', ended)
  }

  #restartLater(): void {
    if (this.#stopping) return
    this.#log.error(
      { child: this.#start.type, delayMs: this.#delayMs },
      'a process ended by itself; starting it again',
    )
    this.#timer = setTimeout(() => {
      this.#restarting = this.#restart()
    }, this.#delayMs)
    this.#delayMs = Math.min(this.#delayMs * 2, restartDelayMaxMs)
  }

  async #restart(): Promise<void> {
    this.#child = undefined
    try {
      const { child } = await this.#launch()
      if (this.#stopping) child.kill('SIGKILL')
      else this.#keep(child)
    } catch (error) {
      if (this.#child !== undefined) await this.#end(this.#child, failedStopMs)
      this.#log.error({ err: error, child: this.#start.type }, 'a process cannot be started again')
      this.#restartLater()
    }
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function passed(): Record<string, string> {
  return Object.fromEntries(
    passedVariables.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** cluster.fork adds to our environment: what is undefined is taken out of it. */
function withoutOurs(): Record<string, string | undefined> {
  const names = Object.keys(process.env).filter((name) => !passedVariables.includes(name))
  return Object.fromEntries(names.map((name) => [name, undefined]))
}
