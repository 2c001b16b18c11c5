// Runs every test file under this folder and tells what uvu alone would not: a file without a suite, a suite that ran
// fewer tests than it has, handles left open. Prints `N passed, N failed, N skipped` last.
// `node dist/test/run.js [part of a path …]` runs only the files whose path contains one of the arguments.
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { makeRunFolders } from './support/scratch.ts'
import { skips } from './support/skip.ts'

type UvuRun = () => Promise<[errors: string | true, ran: number, skipped: number, total: number]>
interface UvuGlobals {
  UVU_DEFER?: number
  UVU_QUEUE?: [name: string, ...runs: UvuRun[]][]
  UVU_INDEX?: number
}

const fileTimeoutMs = 300_000
const root = fileURLToPath(new URL('.', import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()

makeRunFolders()
const uvu = globalThis as UvuGlobals
uvu.UVU_DEFER = 1
uvu.UVU_QUEUE = []

let passed = 0
let failed = 0
let skipped = 0
const fail = (text: string) => {
  failed++
  console.log(`FAIL ${text}`)
}

process.on('unhandledRejection', (reason) => {
  fail(`unhandled rejection: ${reason instanceof Error ? reason.stack : String(reason)}`)
})

for (const file of files) {
  const queue: [string, ...UvuRun[]] = [file]
  uvu.UVU_QUEUE = [queue]
  uvu.UVU_INDEX = 0
  const startedAt = performance.now()
  const skipsBefore = skips.length
  try {
    await import(pathToFileURL(join(root, file)).href)
  } catch (error) {
    fail(`${file} does not load: ${error instanceof Error ? error.stack : String(error)}`)
    continue
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
      passed += ran
      skipped += left
      const lost = total - ran
      if (errors !== true) console.log(errors)
      if (lost > 0) {
        failed += lost
        if (errors === true) console.log(`FAIL ${file}: ${lost} tests did not run; a hook threw`)
      }
    } catch (error) {
      fail(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      clearTimeout(timer)
    }
  }
  console.log(`${relative('.', join(root, file))}  ${Math.round(performance.now() - startedAt)} ms`)
}

if (files.length === 0) fail('no test file matches')
for (const reason of skips) console.log(`SKIP ${reason}`)

const finish = () => {
  console.log(`${passed} passed, ${failed} failed, ${skipped + skips.length} skipped`)
  process.exit(failed > 0 ? 1 : 0)
}
// Whatever is still open two seconds after the end was left open by a test.
setTimeout(() => {
  const open = process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Timeout' && !/^(TTYWrap|PipeWrap|FSReqCallback)$/.test(name))
  if (open.length > 0) fail(`left open: ${open.join(', ')}`)
  finish()
}, 2000).unref()
process.on('beforeExit', finish)
