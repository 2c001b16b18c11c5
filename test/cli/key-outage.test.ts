import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError } from '../../cli/config-error.ts'
import { Environment } from '../../cli/environment.ts'
import { parseServer } from '../../cli/server.ts'
import { type Program, runProgram } from '../support/program.ts'
import { childrenOf, until, withServed } from '../support/served.ts'
import { sendSigned } from '../support/signed-request.ts'

const test = suite('cli/key-outage')

const signer = { accessKey: 'access', secretKey: 'the secret access key' }
const keyId = 'my-minio-key'
const env = {
  MINIO_ACCESS_KEY: signer.accessKey,
  MINIO_SECRET_KEY: signer.secretKey,
  MINIO_SSE_MASTER_KEY: `${keyId}:${'5a'.repeat(32)}`,
  MINIO_SSE_AUTO_ENCRYPTION: 'on',
}

async function status(url: string, method: 'PUT' | 'GET', target: string): Promise<number> {
  const object = target.split('/').length > 2
  const body = method === 'PUT' && object ? { body: 'some words' } : {}
  return (await sendSigned(url, { method, target, ...body }, signer)).status
}

/** Waits for the answer of a server that lacks its keys for an object. */
async function refused(url: string, method: 'PUT' | 'GET'): Promise<void> {
  const body = method === 'PUT' ? { body: 'some words' } : {}
  await until(async () => {
    const { status, headers } = await sendSigned(url, { method, target: '/bucket/object', ...body }, signer)
    if (status === 503) assert.ok(Number(headers['retry-after']) > 0)
    return status === 503
  })
}

/** Control is started before the front-end. */
function controlOf({ pid }: Program): number {
  const [control] = childrenOf(pid)
  assert.ok(control)
  return control
}

test('control killed under load, twice, costs no request', async () => {
  await withServed(
    'server',
    async ({ program, url }) => {
      assert.is(await status(url, 'PUT', '/bucket'), 200)
      assert.is(await status(url, 'PUT', '/bucket/first'), 200)
      let running = true
      const statuses = new Set<number>()
      const load = Array.from({ length: 4 }, async (_, worker) => {
        for (let index = 0; running; index++) {
          statuses.add(await status(url, 'PUT', `/bucket/${worker}-${index % 10}`))
          statuses.add(await status(url, 'GET', '/bucket/first'))
        }
      })
      let killed = controlOf(program)
      for (let time = 0; time < 2; time++) {
        const before = new Set(childrenOf(program.pid))
        process.kill(killed, 'SIGKILL')
        await until(() => childrenOf(program.pid).length === 2 && !childrenOf(program.pid).includes(killed))
        killed = childrenOf(program.pid).find((pid) => !before.has(pid)) ?? 0
      }
      // A new bucket needs a new data key: of the control that was started again.
      assert.is(await status(url, 'PUT', '/other'), 200)
      await until(async () => (await status(url, 'PUT', '/other/object')) === 200)
      running = false
      await Promise.all(load)
      assert.equal([...statuses], [200])
    },
    { env },
  )
})

test('a key that is disabled by command stops at once and stays off over a restart of control', async () => {
  await withServed(
    'server',
    async ({ program, url, directory }) => {
      await status(url, 'PUT', '/bucket')
      assert.is(await status(url, 'PUT', '/bucket/object'), 200)
      const disabled = await runProgram(['key', 'disable', keyId, '--dir', directory])
      assert.is(disabled.status, 0)
      assert.match(disabled.stdout, `${keyId} is disabled at unix:`)
      await until(async () => (await status(url, 'GET', '/bucket/object')) === 403)
      assert.is(await status(url, 'PUT', '/bucket/other'), 403)
      const file = readFileSync(join(directory, '.sealgate', 'disabled-keys.json'), 'utf8')
      assert.equal(JSON.parse(file), { disabled: [keyId] })
      const killed = controlOf(program)
      process.kill(killed, 'SIGKILL')
      await until(() => childrenOf(program.pid).length === 2 && !childrenOf(program.pid).includes(killed))
      assert.is(await status(url, 'GET', '/bucket/object'), 403)
      await until(async () => {
        const enabled = await runProgram(['key', 'enable', keyId, '--dir', directory])
        return enabled.status === 0
      })
      await until(async () => (await status(url, 'GET', '/bucket/object')) === 200)
      assert.is(await status(url, 'PUT', '/bucket/other'), 200)
      const flushed = await runProgram(['key', 'flush', '--dir', directory, '--json'])
      assert.is(flushed.status, 0)
      assert.ok(JSON.parse(flushed.stdout).keys > 0)
    },
    { env },
  )
})

test('with control frozen, requests end as its leases do, and go on with it', async () => {
  const short = { SEALGATE_KMS_LEASE_SECONDS: '1', SEALGATE_KMS_OFFLINE_GRACE_SECONDS: '0' }
  await withServed(
    'server',
    async ({ program, url, adminUrl }) => {
      await status(url, 'PUT', '/bucket')
      assert.is(await status(url, 'PUT', '/bucket/object'), 200)
      const control = controlOf(program)
      process.kill(control, 'SIGSTOP')
      try {
        await Promise.all([refused(url, 'PUT'), refused(url, 'GET')])
        assert.match(
          await (await fetch(`${adminUrl}/readyz`)).text(),
          'control: control did not answer in time',
        )
      } finally {
        process.kill(control, 'SIGCONT')
      }
      for (const method of ['GET', 'PUT'] as const) {
        await until(async () => (await status(url, method, '/bucket/object')) === 200)
      }
      assert.is(controlOf(program), control)
    },
    { env: { ...env, ...short } },
  )
})

test('settings of keys that cannot be are refused, each by its name', () => {
  for (const [name, value] of [
    ['SEALGATE_KMS_KEY_REUSE', 'sometimes'],
    ['SEALGATE_KMS_EPOCH_SECONDS', '0'],
    ['SEALGATE_KMS_EPOCH_USES', '4294967297'],
    ['SEALGATE_KMS_CACHE_ENTRIES', '0'],
    ['SEALGATE_KMS_CACHE_SECONDS', 'a minute'],
    ['SEALGATE_KMS_CACHE_USES', '-1'],
    ['SEALGATE_KMS_CACHE_IDLE_SECONDS', '0'],
    ['SEALGATE_KMS_OFFLINE_GRACE_SECONDS', '1e9'],
    ['SEALGATE_KMS_LEASE_SECONDS', '0'],
    ['SEALGATE_KMS_DISABLED_KEYS_FILE', 'relative.json'],
  ] as const) {
    const { message } = refusalOf({ ...env, [name]: value })
    assert.match(message, name)
    if (value.length > 2) assert.not.match(message, value)
  }
  const { MINIO_SSE_MASTER_KEY: _, ...front } = env
  const { message } = refusalOf({
    ...front,
    SEALGATE_CONTROL: 'unix:/run/control.sock',
    SEALGATE_KMS_KEY_REUSE: 'object',
  })
  assert.match(message, 'SEALGATE_KMS_KEY_REUSE is for a control service')
})

function refusalOf(given: Readonly<Record<string, string>>): ConfigError {
  try {
    parseServer(new Environment(given), {}, '/nonexistent')
  } catch (error) {
    assert.instance(error, ConfigError)
    return error as ConfigError
  }
  throw new Error('it was taken')
}

test.run()
