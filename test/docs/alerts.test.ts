import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { skip } from '../support/skip.ts'

/** docs/alerts.yml as Prometheus reads it. */

const test = suite('docs/alerts')

const rules = fileURLToPath(new URL('../../../docs/alerts.yml', import.meta.url))
const promtool = (...args: string[]) => spawnSync('promtool', args, { encoding: 'utf8' })

/** A counter that stands at 0 for five minutes and then grows, and the alert that it rings. */
const ringing = (series: string, alertname: string, severity: string, { summary = '', ...labels }) => ({
  interval: '1m',
  input_series: [{ series, values: '0x5 1+1x20' }],
  alert_rule_test: [
    { eval_time: '4m', alertname, exp_alerts: [] },
    {
      eval_time: '15m',
      alertname,
      exp_alerts: [
        { exp_labels: { instance: 'a', severity, ...labels }, exp_annotations: { summary: `a: ${summary}` } },
      ],
    },
  ],
})

const requests = (operation: string, code: string) =>
  `sealgate_kms_requests_total{instance="a",operation="${operation}",code="${code}"}`

if (promtool('--version').error !== undefined) skip('docs/alerts.yml: install promtool')
else {
  test('the rules are rules of Prometheus', () => {
    const { status, stderr } = promtool('check', 'rules', rules)
    assert.is(status, 0, stderr)
  })

  test('a refused operation rings whatever way it came, and one that a client got wrong as what it is', () =>
    withDirectory(async (directory) => {
      const file = join(directory, 'rules-test.yml')
      const opens = ['Decrypt', 'DecryptStream', 'DecryptBatch', 'Rewrap']
      const tests = opens.flatMap((operation) => [
        ringing(requests(operation, 'key-not-found'), 'SealgateKeyGone', 'critical', {
          summary: 'objects are sealed under a key that the KMS does not have',
        }),
        ringing(requests(operation, 'invalid-ciphertext'), 'SealgateCiphertextInvalid', 'warning', {
          summary: 'a sealed key does not open',
        }),
        ringing(requests(operation, 'access-denied'), 'SealgateKeysDenied', 'warning', {
          operation,
          summary: `${operation} is denied`,
        }),
      ])
      const quiet = ['SealgateKeyGone', 'SealgateCiphertextInvalid', 'SealgateKeysDenied'].map(
        (alertname) => ({
          interval: '1m',
          input_series: [
            { series: requests('GenerateDataKey', 'key-not-found'), values: '0x5 1+1x20' },
            { series: requests('DecryptStream', 'too-large'), values: '0x5 1+1x20' },
          ],
          alert_rule_test: [{ eval_time: '15m', alertname, exp_alerts: [] }],
        }),
      )
      // JSON is YAML.
      writeFileSync(file, JSON.stringify({ rule_files: [rules], tests: [...tests, ...quiet] }))
      const { status, stdout, stderr } = promtool('test', 'rules', file)
      assert.is(status, 0, stdout + stderr)
    }))
}

test.run()
