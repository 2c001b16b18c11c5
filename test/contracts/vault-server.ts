import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VaultConfig } from '../../control/config.ts'
import type { Check, Provider } from '../../control/providers/provider.ts'
import { createVaultProvider } from '../../control/providers/vault/vault.ts'
import { skip } from '../support/skip.ts'
import { startReady, toConfig, until } from '../support/vault/fixture.ts'
import {
  type SeedCredentials,
  type SeedOptions,
  seedPolicy,
  setUpSeed,
  type VaultAdmin,
} from '../support/vault/seed.ts'
import { rejectsWith } from './provider.ts'

/** A Vault with nothing in it. */
export interface VaultServer {
  readonly endpoint: string
  readonly admin: VaultAdmin
  /** Makes a namespace, and resolves to its admin; undefined where the server has none (Vault's free edition). */
  addNamespace(name: string): Promise<VaultAdmin | undefined>
  /** A response-wrapping token for a fresh secret id of the quickstart's role. */
  wrap(): Promise<string>
  revokeTokens(): Promise<void>
  seal(): Promise<void>
  close(): Promise<void>
}

interface Scene {
  readonly server: VaultServer
  readonly credentials: SeedCredentials
  readonly provider: Provider
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const keyId = 'my-minio-key'
const context = { bucket: 'bucket' }
const signal = () => AbortSignal.timeout(10_000)
const keysPolicy =
  'path "transit/keys" {\n  capabilities = ["list"]\n}\npath "transit/keys/*" {\n  capabilities = ["read", "update"]\n}\n'

const generate = (provider: Provider) => provider.generateDataKey({ keyId, context, signal: signal() })
const decrypt = (provider: Provider, sealed: Uint8Array) =>
  provider.decrypt({ keyId, sealed, context, signal: signal() })

/** What the Vault provider does with a server: facts that hold for the simulator and for a real one. */
export function vaultServerFacts(name: string, start: () => Promise<VaultServer>): void {
  const test = suite(`contract/vault-server: ${name}`)

  /** The quickstart's steps were done; the session is ready. */
  const fact = (title: string, seed: SeedOptions, check: (scene: Scene) => Promise<void>) =>
    test(title, async () => {
      const server = await start()
      try {
        const credentials = await setUpSeed(server.admin, seed)
        await withProvider(toConfig(server.endpoint, credentials), async (provider) => {
          await startReady(provider)
          await check({ server, credentials, provider })
        })
      } finally {
        await server.close()
      }
    })

  fact('a token revoked in mid-traffic costs one login and no call', {}, async ({ server, provider }) => {
    let running = true
    const caller = async () => {
      for (; running; ) await generate(provider)
    }
    const callers = Promise.all(Array.from({ length: 8 }, caller))
    callers.catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await server.revokeTokens()
    await until(() => provider.session().logins === 2)
    await generate(provider)
    running = false
    await callers
    assert.is(provider.session().logins, 2)
  })

  fact('tokens revoked twice in a row cost two logins and no call', {}, async ({ server, provider }) => {
    for (const logins of [2, 3]) {
      await server.revokeTokens()
      await generate(provider)
      assert.is(provider.session().logins, logins)
    }
  })

  fact(
    'a key rotated to v7 opens what v1 sealed, until the minimum is raised',
    {},
    async ({ server, provider }) => {
      const { plaintext, sealed } = await generate(provider)
      for (let version = 2; version <= 7; version++)
        await server.admin('PUT', `transit/keys/${keyId}/rotate`, {})
      const newest = await generate(provider)
      assert.match(Buffer.from(newest.sealed).toString(), /^vault:v7:/)
      assert.equal(Buffer.from(await decrypt(provider, sealed)), Buffer.from(plaintext))
      await server.admin('PUT', `transit/keys/${keyId}/config`, { min_decryption_version: 7 })
      await rejectsWith('access-denied', decrypt(provider, sealed))
      assert.equal(Buffer.from(await decrypt(provider, newest.sealed)), Buffer.from(newest.plaintext))
    },
  )

  fact('a sealed server is unavailable, and its session stays', {}, async ({ server, provider }) => {
    await server.seal()
    await rejectsWith('unavailable', generate(provider))
    assert.is(provider.session().logins, 1)
    const checks = await provider.diagnose(signal())
    assert.equal(resultsOf(checks), ['network ok', 'tls ok', 'server failed'])
    assert.match(checks.at(-1)?.remedy ?? '', /vault operator unseal/)
  })

  fact(
    'a wrapped secret id logs in, and again after the token is gone',
    {},
    async ({ server, credentials }) => {
      const value = new TextEncoder().encode(await server.wrap())
      const secretId = { kind: 'value', value, wrapped: true } as const
      await withProvider(toConfig(server.endpoint, credentials, { secretId }), async (provider) => {
        await startReady(provider)
        await server.revokeTokens()
        await generate(provider)
        assert.is(provider.session().logins, 2)
      })
      await withProvider(toConfig(server.endpoint, credentials, { secretId }), async (provider) => {
        provider.start()
        await until(() => provider.session().loginFailures > 0)
        assert.match(provider.session().lastError, /wrapping-token/)
      })
    },
  )

  test('role, policy and key may be in a namespace, and are nowhere else', async () => {
    const server = await start()
    try {
      const admin = await server.addNamespace('ns1')
      if (admin === undefined) return skip(`namespaces of ${name}: have VAULT_BIN name OpenBao's bao`)
      const credentials = await setUpSeed(admin)
      await withProvider(toConfig(server.endpoint, credentials, { namespace: 'ns1' }), async (provider) => {
        await startReady(provider)
        const { plaintext, sealed } = await generate(provider)
        assert.equal(Buffer.from(await decrypt(provider, sealed)), Buffer.from(plaintext))
        assert.ok((await provider.diagnose(signal())).every(({ result }) => result === 'ok'))
      })
      await withProvider(toConfig(server.endpoint, credentials, { namespace: 'ns2' }), async (provider) => {
        provider.start()
        await until(() => provider.session().loginFailures > 0)
        const login = (await provider.diagnose(signal())).at(-1)
        assert.is(login?.result, 'failed')
        assert.match(login?.remedy ?? '', /vault auth list -namespace=ns2/)
      })
    } finally {
      await server.close()
    }
  })

  fact('the policy of the quickstart lets a doctor find nothing wrong', {}, async ({ provider }) => {
    const checks = await provider.diagnose(signal())
    assert.equal(
      resultsOf(checks),
      [
        'network',
        'tls',
        'server',
        'clock',
        'login',
        'token',
        'policy',
        'policy',
        'policy',
        'policy',
        'key',
        'context',
      ].map((check) => `${check} ok`),
    )
    assert.match(checks.at(-1)?.detail ?? '', /not derived/)
    assert.ok(checks.every(({ remedy }) => remedy === ''))
  })

  fact('a derived key is told by the doctor', { key: { derived: true } }, async ({ provider }) => {
    const checks = await provider.diagnose(signal())
    assert.match(checks.at(-1)?.detail ?? '', /is derived/)
  })

  const partial = seedPolicy(keyId).replace(/path "transit\/encrypt[^}]*}/, '')
  fact(
    'a path that is missing is told with the HCL that adds it',
    { policy: partial },
    async ({ server, provider }) => {
      const failed = (await provider.diagnose(signal())).find(({ result }) => result === 'failed')
      const hcl = /path "[\s\S]*$/.exec(failed?.remedy ?? '')?.[0] ?? ''
      assert.match(failed?.remedy ?? '', /vault policy write minio-policy policy.hcl/)
      await server.admin('PUT', 'sys/policies/acl/minio-policy', { policy: `${partial}\n${hcl}\n` })
      assert.ok((await provider.diagnose(signal())).every(({ result }) => result === 'ok'))
    },
  )

  fact(
    'a token with limits is warned of, and the command takes them away',
    { period: '0', role: { token_num_uses: 100, token_ttl: '20m' } },
    async (scene) => {
      const warnings = (await scene.provider.diagnose(signal())).filter(({ result }) => result === 'warning')
      assert.equal(
        warnings.map(({ remedy }) => remedy),
        ['token_num_uses=0', 'period=5m'].map(
          (setting) => `vault write auth/approle/role/my-role ${setting}`,
        ),
      )
    },
  )

  fact(
    'keys are listed, described, made and rotated where that is granted',
    { policy: seedPolicy(keyId) + keysPolicy },
    async ({ provider }) => {
      const { keys } = provider
      assert.equal(await keys.list(signal()), [keyId])
      const made = await keys.create('second', { contextBound: true, signal: signal() })
      assert.equal(
        [made.keyId, made.type, made.contextBound, made.latestVersion],
        ['second', 'aes256-gcm96', true, 1],
      )
      assert.ok(Math.abs(made.latestVersionAtMs - Date.now()) < 60_000)
      await rejectsWith('not-configured', keys.create('second', { contextBound: true, signal: signal() }))
      assert.is((await keys.rotate('second', signal())).latestVersion, 2)
      assert.equal(await keys.list(signal()), [keyId, 'second'])
      await rejectsWith('key-not-found', keys.describe('third', signal()))
      await rejectsWith('key-not-found', keys.rotate('third', signal()))
      await rejectsWith('key-not-found', keys.describe('../../sys/seal', signal()))
    },
  )

  fact(
    'with the policy of the quickstart each of these is refused with what to grant',
    {},
    async ({ provider }) => {
      const { keys } = provider
      const calls: readonly (readonly [() => Promise<unknown>, string])[] = [
        [() => keys.list(signal()), 'path "transit/keys" {\n  capabilities = ["list"]\n}'],
        [
          () => keys.describe(keyId, signal()),
          `path "transit/keys/${keyId}" {\n  capabilities = ["read"]\n}`,
        ],
        [
          () => keys.create('new', { contextBound: false, signal: signal() }),
          'path "transit/keys/new" {\n  capabilities = ["read"]\n}',
        ],
        [
          () => keys.rotate(keyId, signal()),
          `path "transit/keys/${keyId}/rotate" {\n  capabilities = ["update"]\n}`,
        ],
      ]
      for (const [call, hcl] of calls) {
        const error = await call().then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        assert.ok(error instanceof Error && error.message.includes(hcl), String(error))
      }
      assert.is(provider.session().logins, 1)
    },
  )

  test.run()
}

function resultsOf(checks: readonly Check[]): readonly string[] {
  return checks.map(({ name, result }) => `${name} ${result}`)
}

async function withProvider(
  config: VaultConfig,
  check: (provider: Provider) => Promise<void>,
): Promise<void> {
  const provider = createVaultProvider(config, { log: silent })
  try {
    await check(provider)
  } finally {
    await provider.close()
  }
}
