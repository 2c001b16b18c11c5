import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { skips } from './skip.ts'

type UvuRun = () => Promise<[errors: string | true, ran: number, skipped: number, total: number]>
interface UvuGlobals {
  UVU_DEFER?: number
  UVU_QUEUE?: [name: string, ...runs: UvuRun[]][]
  UVU_INDEX?: number
}

/** What has come of tests. */
export interface Outcome {
  passed: number
  failed: number
  skipped: number
  /** Why what was skipped was, where that was said. */
  reasons: string[]
}

const fileTimeoutMs = 300_000

/**
 * Runs a test file, and tells what uvu alone would not: a file without a suite, a suite that ran fewer tests than it has. What is
 * wrong is printed.
 */
export async function runFile(root: string, file: string): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0, reasons: [] }
  const fail = (text: string) => {
    outcome.failed++
    console.log(`FAIL ${text}`)
  }
  const uvu = globalThis as UvuGlobals
  const queue: [string, ...UvuRun[]] = [file]
  uvu.UVU_DEFER = 1
  uvu.UVU_QUEUE = [queue]
  uvu.UVU_INDEX = 0
  const skipsBefore = skips.length
  try {
    await import(pathToFileURL(join(root, file)).href)
  } catch (error) {
    fail(`${file} does not load: ${error instanceof Error ? error.stack : String(error)}`)
    return outcome
  }
  const runs = queue.slice(1) as UvuRun[]
  // A file that has said why it tries nothing here has no suite to register.
  if (runs.length === 0 && skips.length === skipsBefore)
    fail(`${file} registers no suite (is \`test.run()\` missing?)`)
  for (const run of runs) {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${fileTimeoutMs} ms`)), fileTimeoutMs)
    })
    try {
      const [errors, ran, left, total] = await Promise.race([run(), timeout])
      outcome.passed += ran
      outcome.skipped += left
      const lost = total - ran
      if (errors !== true) console.log(errors)
      if (lost > 0) {
        outcome.failed += lost
        if (errors === true) console.log(`FAIL ${file}: ${lost} tests did not run; a hook threw`)
      }
    } catch (error) {
      fail(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      clearTimeout(timer)
    }
  }
  outcome.reasons = skips.slice(skipsBefore)
  outcome.skipped += outcome.reasons.length
  return outcome
}
