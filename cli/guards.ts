import { codeOf } from './error-text.ts'
import { createLog } from './log.ts'

/** What no process of ours does, whatever happens in it. */
export function guardProcess(name: string): void {
  // Stores, records and audits are for whom the process runs as, whatever the shell that started it thinks.
  process.umask(0o077)
  // Node opens a debugger on SIGUSR1, through which keys could be read; a handler keeps it shut.
  process.on('SIGUSR1', () => {})
  // Node prints errors with all their properties, on which a library may have hung a token; the log prints what it knows.
  process.on('uncaughtException', (error) => {
    createLog('fatal', name).fatal({ err: error }, 'the process ends: an error that nothing expected')
    process.exit(1)
  })
  // What Node has against calls of our libraries is for developers, and is no line of JSON between those of the log.
  process.noDeprecation = true
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error) => {
    const code = codeOf(error) ?? error.message
    // Whoever read what we print has gone: no reason to end.
    if (code === 'EPIPE') return
    process.exitCode = 1
    process.stderr.write(`sealgate: what there is to print cannot be written (${code})\n`)
  })
}
