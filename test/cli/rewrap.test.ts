import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifyAudit } from '../../control/index.ts'
import { openGatewayBackend } from '../../s3api/backends/gateway/index.ts'
import { testMasterKey } from '../support/control.ts'
import { makeEpochs } from '../support/epochs.ts'
import { withKeySystem } from '../support/key-system.ts'
import { runProgram, startProgram } from '../support/program.ts'
import { startUpstreamStore, type UpstreamStore } from '../support/upstream-store.ts'

const test = suite('cli/rewrap')

const { keyId } = testMasterKey
const kms = { SEALGATE_KMS_MASTER_KEY: `${keyId}:${Buffer.from(testMasterKey.key).toString('hex')}` }

test('`sealgate rewrap` does it for a store, with a control service of its own', () =>
  withKeySystem(async (system) => {
    await makeEpochs(system, 3)
    const store = join(system.directory, 'store')
    const done = await runProgram(['rewrap', store], kms)
    assert.is(done.stdout, '3 epochs and 0 fingerprints sealed anew, 0 failed\n')
    assert.is(done.status, 0)
    const without = await runProgram(['rewrap', store], {})
    assert.is(without.status, 2)
    assert.match(without.stderr, 'no server runs on')
    const mistyped = join(system.directory, 'stroe')
    const nothing = await runProgram(['rewrap', mistyped], kms)
    assert.equal([nothing.status, nothing.stdout], [2, ''])
    assert.is(nothing.stderr, `sealgate: there is no store in ${mistyped}\n`)
    assert.not.ok(existsSync(mistyped))
  }))

test('a key that was disabled at the server of a store is not used by a rewrap without it', () =>
  withKeySystem(async (system) => {
    await makeEpochs(system, 2)
    const store = join(system.directory, 'store')
    writeFileSync(join(store, '.sealgate', 'disabled-keys.json'), JSON.stringify({ disabled: [keyId] }))
    const { status, stdout } = await runProgram(['rewrap', store], kms)
    assert.is(status, 1)
    assert.match(stdout, /^0 epochs and 0 fingerprints sealed anew, 2 failed\n/)
  }))

interface GatewayScene {
  readonly upstream: UpstreamStore
  /** Of the gateway, without its KMS. */
  readonly env: Readonly<Record<string, string>>
}

/** A store behind a gateway, with two epochs. */
async function withGatewayStore(check: (scene: GatewayScene) => Promise<void>): Promise<void> {
  await withKeySystem(async (system) => {
    const upstream = await startUpstreamStore()
    try {
      const config = upstream.config()
      const backend = await openGatewayBackend(config, { log: pino({ level: 'silent' }) })
      await makeEpochs(system, 2, backend.system)
      await backend.close()
      assert.is(config.credentials.kind, 'static')
      const keys = config.credentials.kind === 'static' ? config.credentials.credential : undefined
      const env = {
        SEALGATE_ACCESS_KEY: 'access-key',
        SEALGATE_SECRET_KEY: 'secret-access-key',
        SEALGATE_BACKEND_ACCESS_KEY: keys?.accessKey ?? '',
        SEALGATE_BACKEND_SECRET_KEY: keys?.secretKey ?? '',
        // What runs on this machine besides is not to be found.
        TMPDIR: system.directory,
      }
      await check({ upstream, env })
    } finally {
      await upstream.close()
    }
  })
}

test('`sealgate rewrap --gateway` does it for the store behind a gateway', () =>
  withGatewayStore(async ({ upstream, env }) => {
    const done = await runProgram(['rewrap', '--gateway', upstream.url], { ...env, ...kms })
    assert.is(done.stdout, '2 epochs and 0 fingerprints sealed anew, 0 failed\n')
    const without = await runProgram(['rewrap', '--gateway', upstream.url], env)
    assert.is(without.status, 2)
    assert.match(without.stderr, 'without a KMS')
  }))

test('`sealgate rewrap` says where it cannot have a socket for a control service of its own', () =>
  withGatewayStore(async ({ upstream, env }) => {
    const temporary = join(env.TMPDIR ?? '', 'a'.repeat(100))
    mkdirSync(temporary)
    const { status, stderr } = await runProgram(['rewrap', '--gateway', upstream.url], {
      ...env,
      ...kms,
      TMPDIR: temporary,
    })
    assert.is(status, 2)
    assert.match(stderr, /^sealgate: TMPDIR is too long[^\n]*\n$/)
    assert.equal(readdirSync(temporary), [])
  }))

test('`sealgate rewrap --gateway` asks the control service of the gateway that runs, which keeps its audit', () =>
  withGatewayStore(async ({ upstream, env }) => {
    const audit = join(env.TMPDIR ?? '', 'audit.log')
    const all = { ...env, ...kms, SEALGATE_AUDIT_FILE: audit }
    const off = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']
    const gateway = startProgram(['gateway', 's3', upstream.url, ...off], all)
    try {
      await gateway.output(/the front-end is listening/)
      const done = await runProgram(['rewrap', '--gateway', upstream.url], all)
      assert.is(done.stdout, '2 epochs and 0 fingerprints sealed anew, 0 failed\n', done.stderr)
    } finally {
      await gateway.end()
    }
    assert.is(readFileSync(audit, 'utf8').match(/"operation":"Rewrap"/g)?.length, 2)
    await verifyAudit([audit])
  }))

test.run()
