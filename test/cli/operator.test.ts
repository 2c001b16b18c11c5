import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService } from '../../control/client.ts'
import { type Program, runProgram, startProgram } from '../support/program.ts'
import { seedPolicy } from '../support/vault/seed.ts'
import { startVaultSimulator, type VaultSimulator } from '../support/vault-simulator.ts'

const test = suite('cli/operator')

const keysPolicy =
  'path "transit/keys" {\n  capabilities = ["list"]\n}\npath "transit/keys/*" {\n  capabilities = ["read", "update"]\n}\n'

interface Scene {
  readonly vault: VaultSimulator
  /** The environment of the quickstart, with its own names. */
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
}

async function withVault(policy: string, check: (scene: Scene) => Promise<void>): Promise<void> {
  const vault = await startVaultSimulator()
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-operator-'))
  try {
    const { keyName, roleId, secretId } = await vault.setUpSeed({ policy })
    const env = {
      MINIO_SSE_VAULT_APPROLE_ID: roleId,
      MINIO_SSE_VAULT_APPROLE_SECRET: secretId,
      MINIO_SSE_VAULT_ENDPOINT: vault.endpoint,
      MINIO_SSE_VAULT_KEY_NAME: keyName,
      MINIO_SSE_VAULT_AUTH_TYPE: 'approle',
    }
    await check({ vault, env, folder })
  } finally {
    await vault.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `sealgate control` on a socket in the folder, which answers. */
async function withControl(
  scene: Scene,
  check: (address: string, control: Program) => Promise<void>,
): Promise<void> {
  const address = `unix:${join(scene.folder, 'control.sock')}`
  const control = startProgram(['control', '--address', address], scene.env)
  try {
    await control.output(/control is listening/)
    await check(address, control)
  } finally {
    await control.end()
  }
}

/** Calls that fail for want of a KMS. */
async function outages(address: string, count: number): Promise<void> {
  const keys = connectKeyService({ kind: 'unix', path: address.replace('unix:', '') }, { deadlineMs: 1_000 })
  for (let call = 0; call < count; call++) await keys.generateDataKey({ context: {} }).catch(() => {})
  await keys.close()
}

test('status tells the truth of a control service, and a key command which HCL it lacks', () =>
  withVault(seedPolicy('my-minio-key'), (scene) =>
    withControl(scene, async (address, control) => {
      const status = () => runProgram(['status'], { SEALGATE_CONTROL: address })
      await control.output(/vault session is ready/)
      const ready = await status()
      assert.is(ready.status, 0)
      assert.match(ready.stdout, /^READY\n/)
      assert.match(
        ready.stdout,
        new RegExp(`^KMS +vault at ${scene.vault.endpoint}, default key my-minio-key$`, 'm'),
      )
      assert.match(ready.stdout, /^Session +ready for /m)
      assert.match(ready.stdout, /^Token +\dm.* left of 5m, renewed in /m)
      assert.match(ready.stdout, /^Logins +1, last /m)
      assert.match(ready.stdout, /^Circuit +closed$/m)

      const rotate = await runProgram(['key', 'rotate', 'my-minio-key', '--control', address])
      assert.is(rotate.status, 1)
      const lacking = 'path "transit/keys/my-minio-key/rotate" {\n  capabilities = ["update"]\n}'
      assert.ok(rotate.stderr.includes(lacking))

      scene.vault.seal()
      await outages(address, 5)
      const sealed = await status()
      assert.is(sealed.status, 1)
      assert.match(sealed.stdout, /^NOT READY +calls are held back: .*sealed/)
      assert.match(sealed.stdout, /^Circuit +(open|probing) since /m)

      scene.vault.unseal()
      await control.output(/the circuit to the KMS is closed/)
      const json = JSON.parse((await runProgram(['status', '--json', '--control', address])).stdout)
      assert.is(json.instances[0].status.session, 'ready')
      assert.is(json.instances[0].status.logins, 1)
      assert.not.ok(control.stderr().includes(scene.env.MINIO_SSE_VAULT_APPROLE_SECRET ?? ''))
      assert.not.ok(control.stderr().includes('hvs.'))
    }),
  ))

test('a locked session is told, with its reason, and doctor prints what ends it', () =>
  withVault(seedPolicy('my-minio-key'), async (scene) => {
    scene.vault.revokeSecretIds()
    await withControl(scene, async (address, control) => {
      await control.output(/vault session is locked/)
      const { stdout } = await runProgram(['status', '--control', address])
      assert.match(stdout, /^NOT READY +logins halted/)
      assert.match(stdout, /^Session +locked for /m)
      assert.match(stdout, /HALTED until the secret id is replaced/)
      const doctor = await runProgram(['doctor', '--control', address])
      assert.is(doctor.status, 1)
      assert.match(doctor.stdout, /^FAILED +login +logins halted/m)
      assert.match(doctor.stdout, /vault write -field=secret_id -f auth\/approle\/role\/my-role\/secret-id/)
      assert.is(scene.vault.count('login'), 3)
    })
  }))

test('nobody who answers is NOT READY with status 1, and nobody who is known is status 2', async () => {
  const gone = await runProgram(['status', '--control', 'unix:/nowhere/control.sock'])
  assert.is(gone.status, 1)
  assert.match(gone.stdout, /^NOT READY +control does not answer/)
  const none = await runProgram(['status', '/nowhere'])
  assert.is(none.status, 2)
  assert.match(none.stderr, /no server with a control service of its own runs on \/nowhere/)
})

test("a server's private control service is found by its folder, as long as it runs", () =>
  withVault(seedPolicy('my-minio-key'), async ({ env, folder }) => {
    const off = ['--admin-address', 'off', '--control-admin-address', 'off']
    const credentials = { MINIO_ACCESS_KEY: 'minio', MINIO_SECRET_KEY: 'minio-secret' }
    const server = startProgram(['server', ...off, '--address', '127.0.0.1:0', folder], {
      ...env,
      ...credentials,
      SEALGATE_LOG_LEVEL: 'info',
    })
    try {
      await server.output(/vault session is ready/)
      assert.match((await runProgram(['status', folder])).stdout, /^READY\n/)
      const here = startProgram(['doctor'], {}, { cwd: folder })
      assert.is((await here.ended).status, 0)
      assert.match(here.stdout(), /^ok +control +unix:/)
    } finally {
      await server.end()
    }
    assert.equal(
      readdirSync(join(folder, '.sealgate')).filter((name) => name.startsWith('running')),
      [],
    )
    assert.is((await runProgram(['status', folder])).status, 2)
  }))

test("a gateway's control service is found without a folder, also while its store does not answer", () =>
  withVault(seedPolicy('my-minio-key'), async ({ env, folder }) => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const addresses = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']
    const gateway = startProgram(['gateway', 's3', `http://127.0.0.1:${port}`, ...addresses], {
      ...env,
      MINIO_ACCESS_KEY: 'minio',
      MINIO_SECRET_KEY: 'minio-secret',
      SEALGATE_LOG_LEVEL: 'info',
      TMPDIR: folder,
    })
    try {
      await gateway.output(/vault session is ready/)
      assert.match((await runProgram(['status'], { TMPDIR: folder })).stdout, /^READY\n/)
    } finally {
      await gateway.end()
      silent.closeAllConnections()
      silent.close()
    }
    assert.is((await runProgram(['status'], { TMPDIR: folder })).status, 2)
  }))

test('doctor examines the KMS of its environment where no control runs, by one login', () =>
  withVault(seedPolicy('my-minio-key'), async ({ env, vault }) => {
    const well = await runProgram(['doctor'], env)
    assert.is(well.status, 0, well.stdout)
    assert.match(well.stdout, /^ok +key +a data key under "my-minio-key" was made \(v1\)/m)
    vault.revokeSecretIds()
    const refused = await runProgram(['doctor', '--json'], env)
    assert.is(refused.status, 1)
    assert.is(JSON.parse(refused.stdout).checks.at(-1).name, 'login')
    assert.is(vault.count('login'), 2)
    const everything = well.stdout + well.stderr + refused.stdout + refused.stderr
    assert.not.ok(everything.includes(env.MINIO_SSE_VAULT_APPROLE_SECRET ?? ''))
  }))

test('doctor waits for its turn to log in again, and says what it found then', () =>
  withVault(seedPolicy('my-minio-key'), async ({ env, vault }) => {
    const errors = ['1 error occurred:\n\t* permission denied\n\n']
    vault.inject({ kind: 'status', status: 403, errors }, { path: /lookup-self|transit/ })
    const { status, stdout } = await runProgram(['doctor'], env)
    assert.match(stdout, /^FAILED +token .*takes no call with it/m)
    assert.is(status, 1)
  }))

test('keys are listed, described, made and rotated, by people and by programs', () =>
  withVault(seedPolicy('my-minio-key') + keysPolicy, (scene) =>
    withControl(scene, async (address) => {
      const key = (...rest: string[]) => runProgram(['key', ...rest, '--control', address])
      assert.match((await key('describe')).stdout, /^Key +my-minio-key \(default\)$/m)
      assert.match((await key('create', 'second', '--context-bound')).stdout, /^Context +bound by the KMS$/m)
      const again = await key('create', 'second')
      assert.is(again.status, 1)
      assert.match(again.stderr, /there is a key "second" already/)
      assert.is(JSON.parse((await key('rotate', 'second', '--json')).stdout).latestVersion, 2)
      assert.equal(JSON.parse((await key('list', '--json')).stdout), { keyIds: ['my-minio-key', 'second'] })
    }),
  ))

test('what is said to all control services reaches those that answer, in any order, and all outcomes are told', () =>
  withVault(seedPolicy('my-minio-key'), (scene) =>
    withControl(scene, async (live) => {
      const down = `unix:${join(scene.folder, 'down.sock')}`
      const key = (...rest: string[]) => runProgram(['key', ...rest])
      for (const both of [`${down},${live}`, `${live},${down}`]) {
        for (const [command, done] of [
          [
            'disable',
            `my-minio-key is disabled at ${live}, until control is started again: it is not written down\n`,
          ],
          ['enable', `my-minio-key is enabled at ${live}\n`],
        ] as const) {
          const { status, stdout, stderr } = await key(command, 'my-minio-key', '--control', both)
          assert.equal([status, stdout], [1, done])
          assert.match(stderr, new RegExp(`^sealgate: ${down}: [^\n]+\n$`))
        }
        const { status, stdout } = await key('flush', '--json', '--control', both)
        assert.is(status, 1)
        const outcomes = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
        assert.is(outcomes.find(({ address }) => address === live).keys, 0)
        assert.type(outcomes.find(({ address }) => address === down).error, 'string')
      }
    }),
  ))

test.run()
