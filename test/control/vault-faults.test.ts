// What happens to a Vault, and what a client of the control service over its socket sees of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KeyService } from '../../control/client.ts'
import type { VaultConfig } from '../../control/config.ts'
import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import type { Provider } from '../../control/providers/provider.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { startTestControl } from '../support/control.ts'
import type { FaultKind } from '../support/vault/faults.ts'
import {
  type FixtureOptions,
  fastClock,
  toConfig,
  until,
  withProvider,
  withVault,
} from '../support/vault/fixture.ts'
import type { VaultSimulator } from '../support/vault-simulator.ts'

const test = suite('control/vault-faults')

const context = { bucket: 'bucket/object' }
/** Pauses are a tenth of what they are, and a call may take 400 ms. */
const hurried = { clock: fastClock(10), deadlineMs: 400 }

interface Scene {
  readonly vault: VaultSimulator
  readonly provider: Provider
  readonly keys: KeyService
  /** Everything that was printed, and every error that a client got. */
  readonly told: (errors: readonly unknown[]) => string
}

/** A control service whose session is ready, with a client. In the end nothing that it told may hold a secret. */
async function withControl(options: FixtureOptions, check: (scene: Scene) => Promise<void>): Promise<void> {
  await withVault({ ...hurried, ...options }, async ({ vault, provider, credentials, logged }) => {
    const control = await startTestControl({ provider, deadlineMs: 3_000 })
    const secrets = [credentials.secretId, vault.rootToken, 'hvs.', 'hvb.']
    const told = (errors: readonly unknown[]) =>
      logged() +
      control.logged() +
      errors.map((error) => inspect(error, { depth: 10, showHidden: true })).join('\n')
    try {
      await until(() => provider.session().ready)
      await check({ vault, provider, keys: control.keys, told })
      for (const secret of secrets) assert.not.ok(told([]).includes(secret), 'a secret was logged')
    } finally {
      await control.close()
    }
  })
}

/** Calls, each with a key of its own, until it is ended; then what they failed with, and the keys that were drawn. */
function load({ keys }: Scene, callers = 4) {
  let running = true
  const failures: unknown[] = []
  const drawn: { readonly plaintext: Uint8Array; readonly sealed: Uint8Array }[] = []
  const caller = async () => {
    while (running) {
      try {
        drawn.push(await keys.generateDataKey({ context }))
      } catch (error) {
        failures.push(error)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const ended = Promise.all(Array.from({ length: callers }, caller))
  return {
    failures,
    drawn,
    async end() {
      running = false
      await ended
    },
  }
}

/** The keys open, each as what it was drawn as. */
async function requireOpen({ keys }: Scene, drawn: ReturnType<typeof load>['drawn']): Promise<void> {
  for (const { plaintext, sealed } of drawn.slice(-20)) {
    const opened = await keys.decrypt({ keyId: 'my-minio-key', sealed, context })
    assert.ok(Buffer.from(opened).equals(plaintext))
  }
}

function codesOf(failures: readonly unknown[]): readonly (KmsErrorCode | undefined)[] {
  return [...new Set(failures.map((error) => (error instanceof KmsError ? error.code : undefined)))]
}

function inject(fault: FaultKind, path = /./): (vault: VaultSimulator) => () => void {
  return (vault) => vault.inject(fault, { path })
}

const sealing = (vault: VaultSimulator) => {
  vault.seal()
  return () => vault.unseal()
}

const restarting = async (vault: VaultSimulator) => {
  await vault.stop()
  return () => vault.resume()
}

const html = '<html>blocked</html>'
const outages: readonly (readonly [string, (vault: VaultSimulator) => unknown])[] = [
  ['hangs', inject({ kind: 'hang' })],
  ['drips', inject({ kind: 'drip', everyMs: 20 })],
  ['resets connections', inject({ kind: 'reset' })],
  ['answers by half', inject({ kind: 'half' })],
  ['answers 200 with a page', inject({ kind: 'body', text: html })],
  ['answers 500', inject({ kind: 'status', status: 500, errors: ['internal error'] })],
  ['answers 502', inject({ kind: 'page', status: 502, text: html })],
  ['is kept from us by a firewall with 403', inject({ kind: 'page', status: 403, text: html })],
  ['is kept from us by a proxy with 404', inject({ kind: 'page', status: 404, text: html })],
  ['answers 429 with Retry-After', inject({ kind: 'status', status: 429, retryAfter: '2' })],
  ['redirects', inject({ kind: 'redirect', location: 'http://127.0.0.1:9/v1/' })],
  ['is sealed', sealing],
  ['is restarted', restarting],
]
for (const [what, begin] of outages) {
  test(`a vault that ${what} is held back from, and used again by itself with the same token`, () =>
    withControl({}, async (scene) => {
      const { vault, provider, keys, told } = scene
      const running = load(scene)
      await until(() => running.drawn.length > 10)
      const end = (await begin(vault)) as () => unknown
      await until(() => provider.circuit?.().state !== 'closed')
      assert.is(provider.session().ready, false)
      const status = await keys.status()
      assert.is.not(status.circuit, 'closed')
      assert.is(status.ready, false)
      assert.is.not(status.reason, '')
      await end()
      const before = running.drawn.length
      await until(() => running.drawn.length > before + 10)
      await running.end()
      // Those that the client's own tries did not outlast.
      assert.ok(codesOf(running.failures).every((code) => code === 'unavailable'))
      assert.is(provider.session().logins, 1)
      await requireOpen(scene, running.drawn)
      const everything = told(running.failures)
      for (const { plaintext } of running.drawn) {
        assert.not.ok(everything.includes(Buffer.from(plaintext).toString('base64')), 'a key was told')
      }
    }))
}

test('a vault that says 403 to one path denies it, and nothing else suffers', () =>
  withControl({}, async (scene) => {
    const { vault, provider, keys } = scene
    const { sealed, plaintext } = await keys.generateDataKey({ context })
    const end = vault.inject(
      { kind: 'status', status: 403, errors: ['permission denied'] },
      { path: /datakey/ },
    )
    for (let count = 0; count < 10; count++) {
      await rejectsWith('access-denied', keys.generateDataKey({ context }))
    }
    assert.ok(Buffer.from(await keys.decrypt({ keyId: 'my-minio-key', sealed, context })).equals(plaintext))
    assert.is(provider.circuit?.().state, 'closed')
    assert.is(provider.session().logins, 1)
    end()
    await keys.generateDataKey({ context })
  }))

for (const fault of [
  { kind: 'status', status: 413, errors: ['http: request body too large'] },
  { kind: 'page', status: 413, text: html },
] as const) {
  test(`a request that is answered 413 with a ${fault.kind} fails, and holds nobody back`, () =>
    withControl({}, async ({ vault, provider, keys }) => {
      const end = vault.inject(fault, { path: /datakey/ })
      for (let count = 0; count < 10; count++) {
        await rejectsWith('too-large', keys.generateDataKey({ context }))
      }
      assert.is(vault.count('datakey'), 10)
      assert.is(provider.circuit?.().state, 'closed')
      assert.is(provider.session().ready, true)
      assert.is((await keys.status()).cache?.offlineSinceMs, 0)
      end()
      await keys.generateDataKey({ context })
    }))
}

test('a tampered ciphertext that is answered with 500 is sent once, and holds nobody back', () =>
  withControl({ simulator: { tamperedStatus: 500 } }, async ({ vault, provider, keys }) => {
    const { sealed } = await keys.generateDataKey({ context })
    for (let place = 30; place < 50; place++) {
      const tampered = Buffer.from(sealed)
      tampered[place] = tampered[place] === 0x41 ? 0x42 : 0x41
      await rejectsWith(
        'invalid-ciphertext',
        keys.decrypt({ keyId: 'my-minio-key', sealed: tampered, context }),
      )
    }
    assert.is(vault.count('transit/decrypt'), 20)
    assert.is(provider.circuit?.().state, 'closed')
    assert.is(provider.session().ready, true)
  }))

test('tokens revoked again and again in mid-traffic fail no request of a client', () =>
  withControl({}, async (scene) => {
    const running = load(scene, 8)
    for (let round = 1; round <= 3; round++) {
      await until(() => running.drawn.length > round * 30)
      scene.vault.revokeTokens()
      await until(() => scene.provider.session().logins === round + 1)
    }
    await running.end()
    assert.equal(running.failures, [])
    assert.is(scene.vault.count('login'), 4)
    await requireOpen(scene, running.drawn)
  }))

test('a token revoked while nobody calls is replaced before somebody does', () =>
  withControl({ clock: fastClock(50) }, async ({ vault, provider }) => {
    vault.revokeTokens()
    await until(() => provider.session().logins === 2)
  }))

test('a secret id rotated in its file, the old one and its token revoked, fails no request of a client', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vault-faults-'))
  const path = join(folder, 'secret-id')
  writeFileSync(path, 'to be replaced')
  try {
    const file = { kind: 'file', path } as const
    await withVault({}, async ({ vault, credentials }) => {
      writeFileSync(path, credentials.secretId)
      const config: VaultConfig = toConfig(vault.endpoint, credentials, { secretId: file })
      await withProvider(config, hurried, async (provider, logged) => {
        const control = await startTestControl({ provider })
        try {
          await until(() => provider.session().ready)
          const running = load({ vault, provider, keys: control.keys, told: logged })
          await until(() => running.drawn.length > 10)
          vault.revokeSecretIds()
          writeFileSync(path, `${await vault.issueSecretId()}\n`)
          vault.revokeTokens()
          await until(() => provider.session().logins === 2)
          await running.end()
          assert.equal(running.failures, [])
        } finally {
          await control.close()
        }
      })
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a key rotated to v7 under load fails no request, and a raised minimum denies the old ones', () =>
  withControl({}, async (scene) => {
    const { vault, keys } = scene
    const running = load(scene)
    await until(() => running.drawn.length > 10)
    const [old] = running.drawn
    for (let version = 2; version <= 7; version++)
      await vault.admin()('PUT', 'transit/keys/my-minio-key/rotate')
    const before = running.drawn.length
    await until(() => running.drawn.length > before + 20)
    await running.end()
    assert.equal(running.failures, [])
    assert.match(Buffer.from(running.drawn.at(-1)?.sealed ?? []).toString(), /^vault:v7:/)
    await vault.admin()('PUT', 'transit/keys/my-minio-key/config', { min_decryption_version: 7 })
    const request = { keyId: 'my-minio-key', sealed: old?.sealed ?? new Uint8Array(), context }
    await rejectsWith('access-denied', keys.decrypt(request))
    await requireOpen(scene, running.drawn.slice(-1))
  }))

test('what is refused without asking Vault does not end its outage', async () => {
  await withControl({}, async ({ vault, keys }) => {
    const { keyId } = await keys.generateDataKey({ context })
    await vault.stop()
    await rejectsWith('unavailable', keys.generateDataKey({ context }))
    const isOffline = async () => ((await keys.status()).cache?.offlineSinceMs ?? 0) > 0
    assert.ok(await isOffline())
    for (const size of [9, 5_000]) {
      await rejectsWith(
        'invalid-ciphertext',
        keys.decrypt({ keyId, sealed: Buffer.alloc(size, 'x'), context }),
      )
      assert.ok(await isOffline())
    }
  })
})

test.run()
