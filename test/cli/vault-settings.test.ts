import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError } from '../../cli/config-error.ts'
import { Environment } from '../../cli/environment.ts'
import { parseKms } from '../../cli/kms-config.ts'

const test = suite('cli/vault-settings')

const base = {
  MINIO_SSE_VAULT_ENDPOINT: 'https://vault.example.com:8200',
  MINIO_SSE_VAULT_APPROLE_ID: 'role',
  MINIO_SSE_VAULT_KEY_NAME: 'my-minio-key',
}
const secret = { MINIO_SSE_VAULT_APPROLE_SECRET: 'secret' }

function parse(env: Readonly<Record<string, string>>) {
  const kms = parseKms(new Environment({ ...base, ...env }))
  if (kms?.kind !== 'vault') throw new Error('no vault was parsed')
  return kms
}

function refusalOf(env: Readonly<Record<string, string>>): string {
  try {
    parse(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('it was taken')
}

test('a wrapping token takes the place of the secret id', () => {
  const { secretId } = parse({ SEALGATE_KMS_VAULT_APPROLE_WRAPPED_SECRET: 'hvs.wrapping' })
  assert.is(secretId.wrapped, true)
  assert.is(parse(secret).secretId.wrapped, undefined)
})

test('a wrapping token in a file is read there at each login', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-settings-'))
  try {
    const path = join(folder, 'wrapped')
    writeFileSync(path, 'hvs.wrapping\n')
    const { secretId } = parse({ SEALGATE_KMS_VAULT_APPROLE_WRAPPED_SECRET_FILE: path })
    assert.equal(secretId, { kind: 'file', path, wrapped: true })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a secret id and a wrapping token at once, and neither, are refused by their names alone', () => {
  const both = refusalOf({ ...secret, SEALGATE_KMS_VAULT_APPROLE_WRAPPED_SECRET: 'hvs.wrapping' })
  assert.match(both, /MINIO_SSE_VAULT_APPROLE_SECRET and SEALGATE_KMS_VAULT_APPROLE_WRAPPED_SECRET/)
  assert.not.match(both, /hvs\.|secret$/)
  assert.match(refusalOf({}), /SEALGATE_KMS_VAULT_APPROLE_SECRET must be set/)
})

for (const [given, namespace] of [
  ['ns1', 'ns1'],
  ['/ns1/team/', 'ns1/team'],
  ['/', ''],
] as const) {
  test(`${given} as the login namespace is ${JSON.stringify(namespace)}`, () => {
    const env = { ...secret, MINIO_SSE_VAULT_NAMESPACE: 'keys', SEALGATE_KMS_VAULT_LOGIN_NAMESPACE: given }
    assert.is(parse(env).loginNamespace, namespace)
    assert.is(parse(env).namespace, 'keys')
  })
}

const certificates = {
  SEALGATE_KMS_VAULT_CLIENT_CERT_FILE: '/dev/null',
  SEALGATE_KMS_VAULT_CLIENT_KEY_FILE: '/dev/null',
}
for (const [name, value] of [
  ['MINIO_SSE_VAULT_CAPATH', '/nowhere'],
  ['MINIO_SSE_VAULT_CAPATH', '/dev/null'],
  // Where no file is a certificate.
  ['MINIO_SSE_VAULT_CAPATH', '/dev'],
  ['SEALGATE_KMS_VAULT_CLIENT_CERT_FILE', '/nowhere'],
  ['SEALGATE_KMS_VAULT_CLIENT_KEY_FILE', '/nowhere'],
  ['SEALGATE_KMS_VAULT_TRANSIT_MOUNT', '-transit'],
  ['SEALGATE_KMS_VAULT_TRANSIT_MOUNT', 'team//transit'],
  ['SEALGATE_KMS_VAULT_APPROLE_MOUNT', '-approle'],
  ['MINIO_SSE_VAULT_KEY_NAME', '-key'],
  ['MINIO_SSE_VAULT_NAMESPACE', 'ns 1'],
  ['SEALGATE_KMS_VAULT_LOGIN_NAMESPACE', 'ns 1'],
] as const) {
  test(`${value} as ${name} is refused by the variable’s name`, () => {
    const refusal = refusalOf({ ...secret, ...(name.includes('CLIENT') && certificates), [name]: value })
    assert.ok(refusal.includes(`${name} `), refusal)
    assert.not.ok(refusal.includes(value), refusal)
  })
}

test.run()
