import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Provider } from '../../control/providers/provider.ts'
import { rejectsWith } from '../contracts/provider.ts'
import {
  fastClock,
  fastTime,
  startReady,
  toConfig,
  until,
  withProvider,
  withVault,
} from '../support/vault/fixture.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'
import { startVaultSimulator } from '../support/vault-simulator.ts'

const test = suite('control/vault-session')

const keyId = 'my-minio-key'
/** Of a period of five minutes: when the first renewal comes, with a chance of 0. */
const half = 150_000
/** Between two renewals. */
const longestPause = 30_000
const generate = (provider: Provider) =>
  provider.generateDataKey({ keyId, context: { bucket: 'bucket' }, signal: AbortSignal.timeout(10_000) })

async function withFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vault-session-'))
  try {
    await check(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Calls from so many callers until `stop` is called, which returns how many there were. Any failure fails the test. */
function load(provider: Provider, callers: number): { stop: () => Promise<number> } {
  let running = true
  let calls = 0
  const call = async () => {
    for (; running; calls++) await generate(provider)
  }
  const ended = Promise.all(Array.from({ length: callers }, call))
  // It is awaited in `stop`; until then a failure has to wait.
  ended.catch(() => {})
  const stop = async () => {
    running = false
    await ended
    return calls
  }
  return { stop }
}

test('a period of 2 s is renewed again and again with one login', () =>
  withVault({ seed: { period: '2s' } }, async ({ vault, provider }) => {
    await startReady(provider)
    const running = load(provider, 2)
    await until(() => provider.session().renewals >= 3)
    assert.ok((await running.stop()) > 0)
    assert.is(provider.session().logins, 1)
    assert.is(vault.count('login'), 1)
    assert.is(vault.count('renew-self'), 3)
  }))

test('a token revoked under load costs one login and no call', () =>
  withVault(fastTime(5), async ({ vault, provider }) => {
    await startReady(provider)
    const running = load(provider, 16)
    await until(() => vault.count('transit') > 32)
    vault.revokeTokens()
    await until(() => provider.session().logins === 2)
    const calls = vault.count('transit')
    await until(() => vault.count('transit') > calls + 32)
    assert.ok((await running.stop()) > 32)
    assert.is(vault.count('login'), 2)
    const accessors = vault.calls
      .filter(({ path }) => path.startsWith('transit'))
      .map((call) => call.accessor)
    assert.is(new Set(accessors.filter((accessor) => accessor !== '')).size, 2)
    assert.is.not(accessors.at(-1), '', 'the old token was sent after the new login')
  }))

test('tokens that cannot be renewed are replaced while calls go on', () =>
  withVault(
    { ...fastTime(5), seed: { role: { token_type: 'batch', token_ttl: '2s', period: '' } } },
    async ({ vault, provider }) => {
      await startReady(provider)
      const running = load(provider, 2)
      await until(() => provider.session().logins >= 3)
      await running.stop()
      assert.is(vault.count('renew-self'), 0)
    },
  ))

test('a token near its maximal life is replaced while calls go on', () =>
  withVault(
    { ...fastTime(5), seed: { role: { token_ttl: '2s', token_max_ttl: '3s', period: '' } } },
    async ({ vault, provider }) => {
      await startReady(provider)
      const running = load(provider, 2)
      await until(() => provider.session().logins >= 2)
      await running.stop()
      assert.ok(vault.count('renew-self') >= 1)
    },
  ))

test('a vault that is away at the start makes it ready when it comes', async () => {
  const first = await startVaultSimulator()
  await first.close()
  const port = Number(new URL(first.endpoint).port)
  const credentials = { keyName: keyId, roleId: 'role', secretId: 'secret' }
  await withProvider(toConfig(first.endpoint, credentials), { clock: fastClock(5) }, async (provider) => {
    provider.start()
    await until(() => provider.session().reason.includes('ECONNREFUSED'))
    assert.is(provider.session().ready, false)
    await rejectsWith('unavailable', generate(provider))
    const vault = await startVaultSimulator({ port })
    try {
      vault.inject({
        kind: 'body',
        text: '{"auth":{"client_token":"t","lease_duration":300,"renewable":true}}',
      })
      await until(() => provider.session().ready)
    } finally {
      await vault.close()
    }
  })
})

test('a vault that is sealed at the start makes it ready when it is unsealed', () =>
  withVault({ clock: fastClock(5) }, async ({ vault, provider }) => {
    vault.seal()
    provider.start()
    await until(() => provider.session().reason.includes('sealed'))
    vault.unseal()
    await until(() => provider.session().ready)
    await generate(provider)
  }))

test('a renewal that fails leaves the session degraded, and calls go on', () => {
  // However slow the machine is, the token does not end while it is renewed.
  const clock = new ManualClock()
  const simulator = { now: () => clock.steadyMs() }
  return withVault({ clock, simulator, seed: { period: '5m' } }, async ({ vault, provider }) => {
    vault.inject({ kind: 'status', status: 500 }, { path: /renew/, times: 2 })
    await startReady(provider)
    await clock.advance(half)
    await until(() => provider.session().state === 'degraded')
    await generate(provider)
    await clock.advance(longestPause)
    await until(() => provider.session().renewalFailures === 2)
    await generate(provider)
    await clock.advance(longestPause)
    await until(() => provider.session().renewals === 1)
    assert.is(provider.session().state, 'ready')
    assert.is(provider.session().logins, 1)
  })
})

test('a renewal without an answer leaves time for another before the token ends', () =>
  withVault({ seed: { period: '4s' } }, async ({ vault, provider }) => {
    vault.inject({ kind: 'hang' }, { path: /renew/, times: 1 })
    await startReady(provider)
    await until(() => provider.session().renewals > 0)
    assert.is(provider.session().logins, 1)
    assert.is(provider.session().renewalFailures, 1)
  }))

test('a wrong secret id is offered three times', () =>
  withVault({ clock: fastClock(50) }, async ({ vault, provider, logged }) => {
    vault.revokeSecretIds()
    provider.start()
    await until(() => provider.session().reason.includes('logins halted'))
    await sleep(200)
    assert.is(vault.count('login'), 3)
    assert.match(logged(), /"level":50.*logins halted/)
    await rejectsWith('unavailable', generate(provider))
    assert.is(vault.count('login'), 3)
  }))

test('a halted login begins again when the file of the secret id changes', () =>
  withFolder((folder) =>
    withVault({}, async ({ vault, credentials }) => {
      const path = join(folder, 'secret-id')
      writeFileSync(path, 'wrong\n')
      const config = toConfig(vault.endpoint, credentials, { secretId: { kind: 'file', path } })
      await withProvider(config, { clock: fastClock(50) }, async (provider) => {
        provider.start()
        await until(() => provider.session().reason.includes('logins halted'))
        writeFileSync(path, `${credentials.secretId}\n`)
        await until(() => provider.session().ready)
        assert.is(vault.count('login'), 4)
      })
    }),
  ))

test('a secret id rotated in its file is used at the next login', () =>
  withFolder((folder) =>
    withVault({}, async ({ vault, credentials }) => {
      const path = join(folder, 'secret-id')
      writeFileSync(path, credentials.secretId)
      const config = toConfig(vault.endpoint, credentials, { secretId: { kind: 'file', path } })
      await withProvider(config, { clock: fastClock(5) }, async (provider) => {
        await startReady(provider)
        vault.revokeSecretIds()
        writeFileSync(path, await vault.issueSecretId())
        vault.revokeTokens()
        await generate(provider)
        assert.is(vault.count('login'), 2)
      })
    }),
  ))

test('a file of the secret id that appears late is waited for', () =>
  withFolder((folder) =>
    withVault({}, async ({ vault, credentials }) => {
      const path = join(folder, 'secret-id')
      const config = toConfig(vault.endpoint, credentials, { secretId: { kind: 'file', path } })
      await withProvider(config, { clock: fastClock(50) }, async (provider) => {
        provider.start()
        await until(() => provider.session().reason.includes(path))
        assert.is(vault.calls.length, 0)
        writeFileSync(path, credentials.secretId)
        await until(() => provider.session().ready)
      })
    }),
  ))

test('a role with one use of its secret id serves until its token ends, then stops', () =>
  withVault(
    { seed: { role: { secret_id_num_uses: 1 } }, clock: fastClock(50) },
    async ({ vault, provider }) => {
      await startReady(provider)
      await generate(provider)
      vault.revokeTokens()
      await rejectsWith('unavailable', generate(provider))
      await until(() => provider.session().reason.includes('logins halted'))
      assert.is(provider.session().state, 'locked')
    },
  ))

test('a look-up that vault does not answer makes the call unavailable, not denied', () =>
  withVault({ deadlineMs: 200 }, async ({ vault, provider }) => {
    await startReady(provider)
    vault.inject({ kind: 'hang' }, { path: /lookup-self/, times: 1 })
    vault.inject({ kind: 'status', status: 403 }, { path: /datakey/, times: 1 })
    await rejectsWith('unavailable', generate(provider))
    assert.is(vault.count('login'), 1)
    await generate(provider)
  }))

test('a role without the policy default is idle, and refused, without logins', () =>
  withVault(
    { ...fastTime(100), seed: { period: '1h', role: { token_no_default_policy: true } } },
    async ({ vault, provider }) => {
      await startReady(provider)
      await generate(provider)
      const told: boolean[] = []
      provider.onSessionChange(() => told.push(provider.session().ready))
      await until(() => vault.count('lookup-self') >= 6)
      const signal = AbortSignal.timeout(10_000)
      await rejectsWith('access-denied', provider.generateDataKey({ keyId: 'other', context: {}, signal }))
      assert.is(vault.count('login'), 1)
      assert.equal(told, [])
      vault.revokeTokens()
      await generate(provider)
      assert.is(vault.count('login'), 2)
    },
  ))

test('a change of readiness is told, once each time', () =>
  withVault({ clock: fastClock(5) }, async ({ vault, provider }) => {
    const told: boolean[] = []
    provider.onSessionChange(() => told.push(provider.session().ready))
    await startReady(provider)
    vault.revokeTokens()
    await generate(provider)
    await provider.close()
    assert.equal(told, [true, false, true, false])
  }))

test('closing while a login hangs does not wait for it', () =>
  withVault({}, async ({ vault, provider }) => {
    vault.inject({ kind: 'hang' })
    provider.start()
    await until(() => vault.calls.length === 1)
    await provider.close()
    assert.is(provider.session().reason, 'closed')
  }))

test.run()
