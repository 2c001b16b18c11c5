// The process that a TestProcess starts: runs the test files that it is sent, and says at the end what they left open.
import { type Outcome, runFile } from './run-file.ts'
import { makeRunFolders } from './scratch.ts'

/** A file to run below a folder, or that there are no more. The answer is an Outcome. */
export type Order = { readonly root: string; readonly file: string } | 'end'

/** What is still open so long after the end was left open by a test. */
const closingMs = 2000

makeRunFolders()
let unexpected = 0
const fail = (text: string) => {
  unexpected++
  console.log(`FAIL ${text}`)
}
process.on('unhandledRejection', (reason) => {
  fail(`unhandled rejection: ${reason instanceof Error ? reason.stack : String(reason)}`)
})
// Whoever started it has died.
process.once('disconnect', () => process.exit(1))
process.on('message', async (order: Order) => {
  if (order === 'end') return end()
  const startedAt = performance.now()
  const outcome = await runFile(order.root, order.file)
  console.log(`${order.file}  ${Math.round(performance.now() - startedAt)} ms`)
  report(outcome)
})

function report(outcome: Outcome): void {
  process.send?.({ ...outcome, failed: outcome.failed + unexpected } satisfies Outcome)
  unexpected = 0
}

function end(): void {
  // Listening for orders would keep the process alive.
  process.channel?.unref()
  const finish = () => {
    report({ passed: 0, failed: 0, skipped: 0, reasons: [] })
    process.disconnect()
    process.exit()
  }
  setTimeout(() => {
    const open = process
      .getActiveResourcesInfo()
      .filter((name) => name !== 'Timeout' && !/^(TTYWrap|PipeWrap|FSReqCallback)$/.test(name))
    if (open.length > 0) fail(`left open: ${open.join(', ')}`)
    finish()
  }, closingMs).unref()
  process.once('beforeExit', finish)
}
