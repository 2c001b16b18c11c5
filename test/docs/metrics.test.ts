import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startProgram } from '../support/program.ts'
import { startVaultSimulator } from '../support/vault-simulator.ts'

const test = suite('docs/metrics')

const docs = new URL('../../../docs/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, docs), 'utf8')
/** Names in back quotes, without their labels. */
const namesIn = (text: string) =>
  new Set([...text.matchAll(/`(sealgate_[a-z0-9_]+)(?:\{[a-z,]+\})?`/g)].map(([, name = '']) => name))

test('every metric that a server shows is described, with its type and its labels', async () => {
  const vault = await startVaultSimulator()
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-metrics-'))
  const { keyName, roleId, secretId } = await vault.setUpSeed()
  const any = '127.0.0.1:0'
  const addresses = ['--address', any, '--admin-address', any, '--control-admin-address', any]
  const server = startProgram(['server', ...addresses, folder], {
    MINIO_SSE_VAULT_APPROLE_ID: roleId,
    MINIO_SSE_VAULT_APPROLE_SECRET: secretId,
    MINIO_SSE_VAULT_ENDPOINT: vault.endpoint,
    MINIO_SSE_VAULT_KEY_NAME: keyName,
    MINIO_ACCESS_KEY: 'minio',
    MINIO_SECRET_KEY: 'minio-secret',
    SEALGATE_AUDIT_FILE: join(folder, 'audit.log'),
    SEALGATE_LOG_LEVEL: 'info',
  })
  try {
    const [, frontEnd = ''] = await server.output(/"admin":"([^"]+)".*the front-end is listening/)
    const [, control = ''] = await server.output(/"admin":"([^"]+)".*the admin port is open/)
    const pages = await Promise.all(
      [frontEnd, control].map(async (url) => (await fetch(`${url}/metrics`)).text()),
    )
    const shown = new Map(
      pages.flatMap((page) =>
        [...page.matchAll(/^# TYPE (sealgate_\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type]),
      ) as [string, string][],
    )
    assert.ok(shown.size > 30)
    const page = read('metrics.md')
    for (const [name, type] of shown) {
      const row = new RegExp(`^\\| \`${name}(?:\\{[a-z,]+\\})?\` \\| ${type} \\| `, 'm')
      assert.ok(row.test(page), `docs/metrics.md has no row for the ${type} ${name}`)
    }
  } finally {
    await server.end()
    await vault.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('alerts are made of metrics that are described, and each has its paragraph', () => {
  const rules = read('alerts.yml')
  const runbook = read('alerts.md')
  const described = namesIn(read('metrics.md'))
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  assert.ok(alerts.length >= 10)
  for (const name of alerts) assert.ok(runbook.includes(`\n### ${name}\n`), `no paragraph for ${name}`)
  const headings = [...runbook.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)
  assert.equal(headings, alerts)
  const used = new Set([...rules.matchAll(/sealgate_[a-z0-9_]+/g)].map(([name]) => name))
  for (const name of used) {
    const base = name.replace(/_(bucket|count|sum)$/, '')
    assert.ok(described.has(name) || described.has(base), `docs/metrics.md does not describe ${name}`)
  }
})

test.run()
