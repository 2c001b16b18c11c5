// Fuzzes the parsers of what clients send: `node dist/test/fuzz/run.js [CASES [SEED]]`, a million cases of each by default.
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const [cases = 1_000_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
console.log(`seed ${seed}`)
for (const target of targets) {
  const startedAt = performance.now()
  const { accepted, slowestMs } = await fuzz(target, { cases, seed })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(
    `${target.name.padEnd(16)} ${cases} cases in ${seconds} s, ${accepted} accepted, slowest ${slowestMs.toFixed(1)} ms`,
  )
}
