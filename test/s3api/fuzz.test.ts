import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fuzz } from '../fuzz/fuzz.ts'
import { targets } from '../fuzz/targets.ts'

const test = suite('s3api/fuzz')

/** The whole is `node dist/test/fuzz/run.js`. */
const cases = process.env.SLOW === '1' ? 100_000 : 3_000

for (const target of targets) {
  test(`whatever comes, the parser of ${target.name} answers or refuses`, async () => {
    const { accepted } = await fuzz(target, { cases, seed: 20_261_125 })
    assert.ok(accepted < cases)
  })
}

test.run()
