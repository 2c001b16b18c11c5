// Runs every test file under this folder, in as many processes as there are processors, up to four, and prints
// `N passed, N failed, N skipped` last. `node dist/test/run.js [part of a path …]` runs only the files whose path contains one of
// the arguments.
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './support/run-file.ts'
import { TestProcess } from './support/test-process.ts'

/** What most tests wait for are timers and processes of their own; more at once would only be slower. */
const processesMax = 4

const root = fileURLToPath(new URL('.', import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()

const total: Outcome = { passed: 0, failed: 0, skipped: 0, reasons: [] }
const fail = (text: string) => {
  total.failed++
  console.log(`FAIL ${text}`)
}

if (files.length === 0) fail('no test file matches')
const waiting = [...files]
const count = Math.min(availableParallelism(), processesMax, files.length)
await Promise.all(Array.from({ length: count }, runWaiting))
for (const reason of total.reasons) console.log(`SKIP ${reason}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed > 0 ? 1 : 0

/** Has one process run file after file; another takes its place if it dies of one. */
async function runWaiting(): Promise<void> {
  let child = new TestProcess()
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    try {
      add(await child.ask({ root, file }))
    } catch (error) {
      fail(`${file}: ${error instanceof Error ? error.message : String(error)}`)
      child = new TestProcess()
    }
  }
  try {
    add(await child.ask('end'))
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}

function add({ passed, failed, skipped, reasons }: Outcome): void {
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
  total.reasons.push(...reasons)
}
