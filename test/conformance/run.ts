// Runs ceph/s3-tests against a server of this build and prints its score. See docs/conformance.md.
// node dist/test/conformance/run.js CHECKOUT [--python FILE] [--https] [--auto-encryption] [--tests EXPRESSION]
import { parseArgs } from 'node:util'
import { runSuite } from './pytest.ts'
import { printScore, readResults } from './score.ts'
import { startServer } from './server.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    https: { type: 'boolean', default: false },
    'auto-encryption': { type: 'boolean', default: false },
    tests: { type: 'string' },
  },
})
const [checkout] = positionals
if (checkout === undefined || positionals.length !== 1) {
  console.error('usage: run.js CHECKOUT [--python FILE] [--https] [--auto-encryption] [--tests EXPRESSION]')
  process.exit(2)
}

const server = await startServer({ https: values.https, autoEncryption: values['auto-encryption'] })
try {
  const report = await runSuite({
    checkout,
    python: values.python,
    server,
    ...(values.tests !== undefined && { expression: values.tests }),
  })
  const failures = printScore(readResults(report))
  process.exitCode = failures === 0 ? 0 : 1
} finally {
  await server.close()
}
