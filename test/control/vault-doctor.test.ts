import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VaultConfig } from '../../control/config.ts'
import type { Check, Provider } from '../../control/providers/provider.ts'
import { systemClock } from '../../control/session/session-clock.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'
import { fastClock, startReady, toConfig, until, withProvider, withVault } from '../support/vault/fixture.ts'
import { startVaultSimulator } from '../support/vault-simulator.ts'

const test = suite('control/vault-doctor')

const credentials = { keyName: 'my-minio-key', roleId: 'role', secretId: 'secret' }
const diagnose = (provider: Provider) => provider.diagnose(AbortSignal.timeout(10_000))

/** The last check of a Vault whose session never began. */
async function lastOf(config: VaultConfig): Promise<Check> {
  let last: Check | undefined
  await withProvider(config, {}, async (provider) => {
    last = (await diagnose(provider)).at(-1)
  })
  if (last === undefined) throw new Error('nothing was checked')
  return last
}

/** A Vault with TLS, its CA in a folder. */
async function withTls(
  more: { readonly mutual: boolean },
  check: (parts: { readonly endpoint: string; readonly caPath: string }) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vault-doctor-'))
  const ca = await createAuthority('vault CA')
  const tls = { ...(await createCertificate(ca)), ...(more.mutual && { clientCa: ca.cert }) }
  const vault = await startVaultSimulator({ tls })
  try {
    writeFileSync(join(folder, 'ca.pem'), ca.cert)
    await check({ endpoint: vault.endpoint, caPath: folder })
  } finally {
    await vault.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a token that may not look at itself is told from a dead one', () =>
  withVault({ seed: { role: { token_no_default_policy: true } } }, async ({ provider, vault }) => {
    await startReady(provider)
    const checks = await diagnose(provider)
    const token = checks.find(({ name }) => name === 'token')
    assert.is(token?.result, 'skipped')
    assert.match(token?.detail ?? '', /leaves out the policy default/)
    assert.is(checks.find(({ name }) => name === 'key')?.result, 'ok')
    assert.is(vault.count('login'), 1)
  }))

test('a port where nobody listens is named', async () => {
  const vault = await startVaultSimulator()
  await vault.close()
  const { name, detail, remedy } = await lastOf(toConfig(vault.endpoint, credentials))
  assert.is(name, 'network')
  assert.match(detail, /nothing listens on 127\.0\.0\.1 port \d+/)
  assert.match(remedy, /vault status/)
})

test('TLS towards a port without it is answered with the right address', async () => {
  const vault = await startVaultSimulator()
  try {
    const check = await lastOf(toConfig(vault.endpoint.replace('http:', 'https:'), credentials))
    assert.is(check.name, 'tls')
    assert.match(check.detail, /does not speak TLS/)
    assert.match(check.remedy, new RegExp(`^export SEALGATE_KMS_VAULT_ENDPOINT=${vault.endpoint} `))
  } finally {
    await vault.close()
  }
})

test('a name that the certificate does not have is told', () =>
  withTls({ mutual: false }, async ({ endpoint, caPath }) => {
    const config = toConfig(endpoint.replace('127.0.0.1', 'localhost'), credentials, { caPath })
    assert.match((await lastOf(config)).detail, /certificate is not for localhost/)
  }))

test('a certificate of ours that is demanded is told by the variables to set', () =>
  withTls({ mutual: true }, async ({ endpoint, caPath }) => {
    const { name, detail, remedy } = await lastOf(toConfig(endpoint, credentials, { caPath }))
    assert.is(name, 'tls')
    assert.match(detail, /demands a certificate of ours, and none is set/)
    assert.match(remedy, /SEALGATE_KMS_VAULT_CLIENT_CERT_FILE/)
  }))

test('a CA directory that is gone is named', () =>
  withTls({ mutual: false }, async ({ endpoint, caPath }) => {
    await withProvider(toConfig(endpoint, credentials, { caPath }), {}, async (provider) => {
      rmSync(caPath, { recursive: true })
      const last = (await diagnose(provider)).at(-1)
      assert.is(last?.name, 'tls')
      assert.ok(last?.detail.includes(caPath))
    })
  }))

test('clocks that are two minutes apart are a warning, and nothing is skipped for it', () => {
  const clock = { ...systemClock, random: () => 0, wallMs: () => Date.now() + 120_000 }
  return withVault({ clock }, async ({ provider }) => {
    await startReady(provider)
    const checks = await diagnose(provider)
    const skew = checks.find(({ name }) => name === 'clock')
    assert.is(skew?.result, 'warning')
    assert.match(skew?.detail ?? '', /^1[12]\d s apart/)
    assert.is(checks.at(-1)?.name, 'context')
  })
})

test('a key that is missing is told by the commands that look for it and make it, and by when not to', () => {
  const policy = 'path "transit/*" {\n  capabilities = ["update"]\n}\n'
  return withVault({ seed: { policy }, config: { keyName: 'other-key' } }, async ({ provider }) => {
    await startReady(provider)
    const last = (await diagnose(provider)).at(-1)
    assert.is(last?.name, 'key')
    assert.match(
      last?.remedy ?? '',
      /^vault list transit\/keys {3}#.*\nvault write -f transit\/keys\/other-key {3}# only where nothing/,
    )
  })
})

for (const [text, remedy] of [
  ['refusing to use soft-deleted key', /^vault write -f transit\/keys\/my-minio-key\/soft-delete-restore$/],
  [
    'message encryption not supported for key type ed25519',
    /^vault read transit\/keys\/my-minio-key {3}# its type cannot encrypt/,
  ],
] as const) {
  test(`"${text}" is told by the command that shows or mends it`, () =>
    withVault({}, async ({ vault, provider }) => {
      await startReady(provider)
      vault.inject({ kind: 'status', status: 400, errors: [text] }, { path: /datakey/ })
      const last = (await diagnose(provider)).at(-1)
      assert.is(last?.name, 'key')
      assert.match(last?.remedy ?? '', remedy)
    }))
}

test('a quota of vault that holds calls back is told', () =>
  withVault({}, async ({ vault, provider }) => {
    await startReady(provider)
    vault.inject({ kind: 'status', status: 429 }, { path: /datakey|capabilities/ })
    const checks = await diagnose(provider)
    const policy = checks.find(({ name }) => name === 'policy')
    assert.equal([policy?.result, policy?.remedy], ['skipped', ''])
    const last = checks.at(-1)
    assert.match(last?.remedy ?? '', /^vault list sys\/quotas\/rate-limit /)
  }))

test('a token that vault gives out and then takes nowhere is told from one without the policy default', () =>
  withVault({}, async ({ vault, provider }) => {
    await startReady(provider)
    const errors = ['1 error occurred:\n\t* permission denied\n\n']
    vault.inject({ kind: 'status', status: 403, errors }, { path: /lookup-self|transit/ })
    const last = (await diagnose(provider)).at(-1)
    assert.is(last?.name, 'token')
    assert.is(last?.result, 'failed')
    assert.match(last?.remedy ?? '', /token_bound_cidrs/)
  }))

test('a standby without an active node is told from credentials that are wrong', () =>
  withVault({}, async ({ vault, provider }) => {
    const health = { initialized: true, sealed: false, standby: true, version: '1.14.1' }
    vault.inject({ kind: 'body', text: JSON.stringify(health) }, { path: /sys\/health/ })
    const leader = (address: string) =>
      vault.inject(
        { kind: 'body', text: JSON.stringify({ ha_enabled: true, leader_address: address }) },
        { path: /sys\/leader/ },
      )
    const errors = ['local node not active but active cluster node not found']
    const elect = vault.inject({ kind: 'status', status: 500, errors }, { path: /login/ })
    const vacate = leader('')
    provider.start()
    await until(() => provider.session().loginFailures > 0)
    assert.match(provider.session().lastError, /500 \(no-active-node\)/)
    const last = (await diagnose(provider)).at(-1)
    assert.equal([last?.name, last?.result], ['server', 'failed'])
    assert.match(last?.remedy ?? '', /^vault status /)
    elect()
    vacate()
    leader('https://127.0.0.1:8200')
    await until(() => provider.session().ready)
    assert.ok((await diagnose(provider)).every(({ result }) => result !== 'failed'))
  }))

test('a secret id that is bound to other addresses is told, and tried until that is mended', () =>
  withVault({ clock: fastClock(50) }, async ({ vault, provider }) => {
    const errors = ['source address "127.0.0.1" unauthorized by CIDR restrictions on the role: <nil>']
    const mend = vault.inject({ kind: 'status', status: 400, errors }, { path: /login/ })
    provider.start()
    await until(() => provider.session().loginFailures > 3)
    const last = (await diagnose(provider)).at(-1)
    assert.is(last?.name, 'login')
    assert.match(last?.detail ?? '', /source-address/)
    assert.match(last?.remedy ?? '', /secret_id_bound_cidrs/)
    mend()
    await until(() => provider.session().ready)
  }))

test('a policy that may make keys by encrypting is too wide', () => {
  const policy = 'path "transit/*" {\n  capabilities = ["create", "update"]\n}\n'
  return withVault({ seed: { policy } }, async ({ provider }) => {
    await startReady(provider)
    const wide = (await diagnose(provider)).filter(({ result }) => result === 'warning')
    assert.is(wide.length, 3)
    assert.match(wide[0]?.detail ?? '', /more than is needed: create/)
  })
})

test('commands carry the namespace that they are for', () => {
  const seed = {
    role: { token_num_uses: 50 },
    policy: 'path "transit/x" {\n  capabilities = ["update"]\n}\n',
  }
  return withVault({ namespace: 'ns1', seed }, async ({ provider }) => {
    await startReady(provider)
    const checks = await diagnose(provider)
    const remedies = checks.map(({ remedy }) => remedy).join('\n')
    assert.match(remedies, /^vault write -namespace=ns1 auth\/approle\/role\/my-role token_num_uses=0$/m)
    assert.match(remedies, /^vault policy read -namespace=ns1 minio-policy/m)
  })
})

test('a diagnosis uses no login, and holds no secret', () =>
  withVault({}, async ({ vault, provider, credentials: { secretId } }) => {
    await startReady(provider)
    const text = JSON.stringify(await diagnose(provider))
    assert.is(vault.count('login'), 1)
    for (const secret of [secretId, 'hvs.', vault.rootToken]) assert.not.ok(text.includes(secret))
  }))

test.run()
