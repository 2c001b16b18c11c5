import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VaultConfig } from '../../control/config.ts'
import { KmsError } from '../../control/errors.ts'
import { createVaultClient, type VaultClient } from '../../control/providers/vault/vault-client.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { type Certificate, createAuthority, createCertificate } from '../support/vault/certificates.ts'
import { failsAs } from '../support/vault/fails-as.ts'
import { startReady, toConfig, until, withProvider, withVault } from '../support/vault/fixture.ts'
import {
  type SimulatorOptions,
  startVaultSimulator,
  type VaultSimulator,
} from '../support/vault-simulator.ts'

const test = suite('control/vault-client')

const secretId = new TextEncoder().encode('secret')
const request = { operation: 'encrypt', keyName: 'key', body: {} } as const

async function withClient(
  options: SimulatorOptions,
  more: Partial<VaultConfig>,
  check: (client: VaultClient, vault: VaultSimulator) => Promise<unknown>,
): Promise<void> {
  const vault = await startVaultSimulator(options)
  const credentials = { keyName: 'key', roleId: 'role', secretId: 'secret' }
  try {
    const client = createVaultClient(toConfig(vault.endpoint, credentials, more), { deadlineMs: 2_000 })
    await check(client, vault).finally(() => client.close())
  } finally {
    await vault.close()
  }
}

async function withFolder(
  files: Record<string, string>,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vault-client-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    await check(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A server certificate and what signed it. */
async function createServerTls(): Promise<{ ca: Certificate; server: Certificate }> {
  const ca = await createAuthority('vault CA')
  return { ca, server: await createCertificate(ca) }
}

test('a redirect is refused by the name of its host, and the other host sees nothing', async () => {
  const other = await startVaultSimulator()
  try {
    await withClient({}, {}, async (client, vault) => {
      vault.inject({ kind: 'redirect', location: `${other.endpoint}/v1/transit/encrypt/key` })
      const error = await failsAs('redirect', client.transit('a token', request))
      assert.ok(error.message.includes(new URL(other.endpoint).host))
      await failsAs('redirect', client.login(secretId))
      assert.is(other.calls.length, 0)
    })
  } finally {
    await other.close()
  }
})

test('each call carries the token it was given and nothing of the call before', () =>
  withClient({}, {}, async (client, vault) => {
    await client.lookupSelf(vault.rootToken)
    await client.login(secretId).catch(() => {})
    await client.lookupSelf('dead').catch(() => {})
    await client.lookupSelf(vault.rootToken)
    const sent = vault.calls.map(({ accessor }) => accessor !== '')
    assert.equal(sent, [true, false, false, true])
    assert.not.ok(vault.calls[1]?.headerNames.map((name) => name.toLowerCase()).includes('x-vault-token'))
  }))

test('the variables that node-vault reads have no effect', async () => {
  const other = await startVaultSimulator()
  const names = ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_PREFIX', 'VAULT_SKIP_VERIFY', 'DEBUG']
  const proxies = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'ALL_PROXY']
  const saved = [...names, ...proxies].map((name) => [name, process.env[name]] as const)
  const { server } = await createServerTls()
  try {
    for (const name of [...names, ...proxies]) process.env[name] = other.endpoint
    await withClient({}, {}, async (client, vault) => {
      await client.login(secretId).catch(() => {})
      assert.is(vault.calls.length, 1)
      assert.is(vault.calls[0]?.path, 'auth/approle/login')
      assert.is(vault.calls[0]?.namespace, '')
      assert.not.ok(vault.calls[0]?.headerNames.map((name) => name.toLowerCase()).includes('x-vault-token'))
    })
    await withClient({ tls: server }, {}, async (client) => {
      await failsAs('network', client.lookupSelf('token'))
    })
    assert.is(other.calls.length, 0)
  } finally {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await other.close()
  }
})

test('a certificate of the CA directory is trusted, and its connections are kept', async () => {
  const { ca, server } = await createServerTls()
  const another = await createAuthority('another CA')
  const files = { 'another.crt': another.cert, 'ca.pem': ca.cert, 'readme.txt': 'no certificate' }
  await withFolder(files, (caPath) =>
    withClient({ tls: server }, { caPath }, async (client, vault) => {
      for (let count = 0; count < 20; count++) await client.lookupSelf(vault.rootToken)
      assert.ok(vault.connections() < 5, `${vault.connections()} connections`)
    }),
  )
})

test('two certificates in one file of the CA directory are both trusted', async () => {
  const { ca, server } = await createServerTls()
  const another = await createAuthority('another CA')
  await withFolder({ 'bundle.pem': `${another.cert}\n${ca.cert}\n` }, (caPath) =>
    withClient({ tls: server }, { caPath }, (client, vault) => client.lookupSelf(vault.rootToken)),
  )
})

test('a certificate of an unknown CA is refused before anything is sent', async () => {
  const { server } = await createServerTls()
  const another = await createAuthority('another CA')
  await withFolder({ 'ca.pem': another.cert }, (caPath) =>
    withClient({ tls: server }, { caPath }, async (client, vault) => {
      await failsAs('network', client.login(secretId))
      assert.is(vault.calls.length, 0)
    }),
  )
})

test('NODE_TLS_REJECT_UNAUTHORIZED does not switch the check off', async () => {
  const { server } = await createServerTls()
  const saved = process.env.NODE_TLS_REJECT_UNAUTHORIZED
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    await withClient({ tls: server }, {}, async (client) => {
      await failsAs('network', client.login(secretId))
    })
  } finally {
    if (saved === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = saved
  }
})

test('a client certificate opens a vault that demands one', async () => {
  const { ca, server } = await createServerTls()
  const own = await createCertificate(ca)
  const tls = { ...server, clientCa: ca.cert }
  await withFolder({ 'ca.pem': ca.cert }, (caPath) =>
    withFolder({ cert: own.cert, key: own.key }, async (folder) => {
      const clientTls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') }
      await withClient({ tls }, { caPath, clientTls }, (client, vault) => client.lookupSelf(vault.rootToken))
      await withClient({ tls }, { caPath }, async (client, vault) => {
        await failsAs('network', client.lookupSelf(vault.rootToken))
      })
    }),
  )
})

for (const [what, files] of [
  ['no certificate', { 'readme.txt': 'nothing' }],
  ['a broken one', { 'ca.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }],
] as const) {
  test(`a CA directory with ${what} is not-configured, by its name`, () =>
    withFolder(files, async (caPath) => {
      await withClient({}, { caPath }, async () => assert.unreachable()).catch((error: unknown) => {
        if (!(error instanceof KmsError)) throw error
        assert.is(error.code, 'not-configured')
        assert.ok(error.message.includes(caPath))
      })
    }))
}

for (const [what, more] of [
  ['a transit mount with ..', { transitMount: '../sys' }],
  ['a login mount with a slash at its end', { appRoleMount: 'approle/' }],
  ['a namespace with a line break', { namespace: 'ns1\r\nX-Vault-Token: t' }],
] as const) {
  test(`${what} is not-configured`, async () => {
    await rejectsWith(
      'not-configured',
      withClient({}, more, async () => {}),
    )
  })
}

test('a mount of several segments is written as it is', () =>
  withClient({}, { transitMount: 'team/transit', appRoleMount: 'team/approle' }, async (client, vault) => {
    await client.login(secretId).catch(() => {})
    await client.transit(vault.rootToken, request).catch(() => {})
    const paths = vault.calls.map(({ path }) => path)
    assert.equal(paths, ['auth/team/approle/login', 'team/transit/encrypt/key'])
  }))

test('the namespace is on every call, login and renewal included', () =>
  withVault({ namespace: 'ns1', seed: { period: '2s' } }, async ({ vault, provider }) => {
    await startReady(provider)
    await provider.generateDataKey({ keyId: 'my-minio-key', context: {}, signal: AbortSignal.timeout(5_000) })
    await until(() => provider.session().renewals > 0)
    assert.ok(vault.calls.length >= 3)
    assert.ok(vault.calls.every(({ namespace }) => namespace === 'ns1'))
  }))

test('a namespace for logins is on what concerns the token, the other on what concerns keys', async () => {
  const namespaces = { namespace: 'keys', loginNamespace: 'login' }
  await withClient({}, namespaces, async (client, vault) => {
    const token = vault.rootToken
    const scopes = [
      [() => client.login(secretId), 'login'],
      [() => client.renewSelf(token, 60), 'login'],
      [() => client.lookupSelf(token), 'login'],
      [() => client.unwrapSecretId(secretId), 'login'],
      [() => client.transit(token, request), 'keys'],
      [() => client.request(token, { method: 'GET', path: 'transit/keys/key', scope: 'keys' }), 'keys'],
      [() => client.health(), ''],
    ] as const
    for (const [call, namespace] of scopes) {
      await (call() as Promise<unknown>).catch(() => {})
      assert.is(vault.calls.at(-1)?.namespace, namespace)
    }
  })
  await withClient({}, { namespace: 'keys', loginNamespace: '' }, async (client, vault) => {
    await client.login(secretId).catch(() => {})
    assert.is(vault.calls.at(-1)?.namespace, '')
  })
})

test('without the namespace the role of a namespace is not found', () =>
  withVault({ namespace: 'ns1' }, async ({ vault, credentials }) => {
    await withProvider(toConfig(vault.endpoint, credentials), {}, async (provider) => {
      provider.start()
      await until(() => provider.session().reason.includes('403'))
    })
  }))

test('a vault that hangs is a timeout, within the deadline of the call', () =>
  withClient({}, {}, async (client, vault) => {
    vault.inject({ kind: 'hang' })
    await failsAs('timeout', client.lookupSelf('token', { deadlineMs: 100 }))
    await failsAs('timeout', client.transit('token', request, { deadlineMs: 100 }))
  }))

test('increments are sent in seconds', () =>
  withVault(
    { seed: { role: { period: '', token_ttl: '100s', token_max_ttl: '1h' } } },
    async ({ vault, credentials }) => {
      const client = createVaultClient(toConfig(vault.endpoint, credentials))
      try {
        const { token, leaseSeconds } = await client.login(new TextEncoder().encode(credentials.secretId))
        assert.is(leaseSeconds, 100)
        assert.is((await client.renewSelf(token, 600)).leaseSeconds, 600)
      } finally {
        await client.close()
      }
    },
  ))

for (const text of [
  '{}',
  '{"auth":null}',
  '{"auth":{"client_token":"t"}}',
  '{"auth":{"client_token":"","lease_duration":1}}',
]) {
  test(`${text} is not taken for a login`, () =>
    withClient({}, {}, async (client, vault) => {
      vault.inject({ kind: 'body', text })
      await failsAs('invalid-answer', client.login(secretId))
    }))
}

test.run()
