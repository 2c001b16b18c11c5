import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './run-file.ts'
import type { Order } from './test-child.ts'

/** A process that runs test files one after the other. What it prints is printed when a file has ended. */
export class TestProcess {
  readonly #child: ChildProcess
  #printed = ''

  constructor() {
    this.#child = fork(fileURLToPath(new URL('./test-child.js', import.meta.url)), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed += text
      })
  }

  /** What has come of it. Errors: the process ended instead. */
  async ask(order: Order): Promise<Outcome> {
    const child = this.#child
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        // `close` comes when all that it has printed is there, too.
        const onClose = (code: number | null, signal: NodeJS.Signals | null) =>
          reject(new Error(`the process of the tests ended with ${signal ?? code}`))
        child.once('close', onClose)
        child.once('message', (outcome: Outcome) => {
          child.off('close', onClose)
          // What was printed before the message is in the pipe, but may not have been read.
          setImmediate(resolve, outcome)
        })
        child.send(order)
      })
    } finally {
      process.stdout.write(this.#printed)
      this.#printed = ''
    }
  }
}
