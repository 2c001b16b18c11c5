import cluster from 'node:cluster'
import type { ControlProcessConfig } from './control-process.ts'
import { messageOf } from './error-text.ts'
import type { FrontEndProcessConfig } from './front-end-process.ts'
import { guardProcess } from './guards.ts'
import { createLog } from './log.ts'
import type { Report, RunningProcess } from './running-process.ts'

/** A process that the supervisor starts: gets its configuration over IPC, so that neither arguments nor environment show it. */

/** What the supervisor says. */
export type ToChild =
  | { readonly type: 'control'; readonly config: ControlProcessConfig }
  | { readonly type: 'front-end'; readonly config: FrontEndProcessConfig }
  | { readonly type: 'report'; readonly id: number }
  | { readonly type: 'stop' }

/** What it is told. */
export type FromChild =
  /** It listens to us: before, what is said to it could be lost. */
  | { readonly type: 'up' }
  | { readonly type: 'listening'; readonly facts: RunningProcess['facts'] }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'report'; readonly id: number; readonly report: Report }

let running: Promise<RunningProcess> | undefined
let ending = false
/** A start that waits for a store, or for control, ends with it. */
const stopped = new AbortController()

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message)
}

/** Neither loads what only the other needs. */
async function control(config: ControlProcessConfig): Promise<RunningProcess> {
  const { runControl } = await import('./control-process.ts')
  return runControl(config)
}

async function frontEnd(config: FrontEndProcessConfig): Promise<RunningProcess> {
  const { runFrontEnd } = await import('./front-end-process.ts')
  return runFrontEnd(config, stopped.signal)
}

async function start(starting: Promise<RunningProcess>): Promise<void> {
  running = starting
  try {
    const { facts } = await starting
    tell({ type: 'listening', facts })
  } catch (error) {
    if (ending) return
    // Told here: there is nothing to stop.
    ending = true
    tell({ type: 'failed', message: messageOf(error) })
    end(1)
  }
}

async function report(id: number): Promise<void> {
  try {
    const given = await (await running)?.report?.()
    if (given !== undefined) tell({ type: 'report', id, report: given })
  } catch (error) {
    tell({ type: 'report', id, report: { ready: false, reasons: [messageOf(error)], metrics: [] } })
  }
}

async function stop(): Promise<void> {
  if (ending) return
  ending = true
  stopped.abort(new Error('it was stopped while it started'))
  // What could not start has ended what it had begun.
  const started = await running?.catch(() => undefined)
  try {
    await started?.close()
    end(0)
  } catch (error) {
    createLog('error', 'child').error({ err: error }, 'a process did not end in order')
    end(1)
  }
}

/** Ends by itself when nothing is left open; the channel to the supervisor is the last. */
function end(code: number): void {
  process.exitCode = code
  if (process.connected) process.disconnect()
  setTimeout(() => process.exit(code), lingerMs).unref()
}

const lingerMs = 500

guardProcess('child')
// node:cluster would otherwise end us at once when the supervisor goes away.
if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
// They go to all processes of a service at once, and keys are needed until the last request is done: the supervisor, who
// gets them too, ends its children in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Without a supervisor there is nobody to serve for.
process.on('disconnect', () => void stop())
process.on('message', (message: ToChild) => {
  if (message.type === 'stop') void stop()
  else if (message.type === 'report') void report(message.id)
  else if (message.type === 'control') void start(control(message.config))
  else void start(frontEnd(message.config))
})
tell({ type: 'up' })
