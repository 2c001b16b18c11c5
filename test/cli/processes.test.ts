import { get } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { childrenOf, roundTrip, until, withServed } from '../support/served.ts'

const test = suite('cli/processes')
const credentials = { accessKeyId: 'processes', secretAccessKey: 'processes-secret' }
const env = {
  SEALGATE_ACCESS_KEY: credentials.accessKeyId,
  SEALGATE_SECRET_KEY: credentials.secretAccessKey,
  SEALGATE_PROCESSES: '2',
}

/** One request on a connection of its own: the status, or the code of the error. */
function ask(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

async function requestsIn(adminUrl: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const values = [...text.matchAll(/^sealgate_s3_requests_total\{[^}]*\} (\d+)$/gm)]
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}

test('front-ends share one address, and their metrics are told together', async () => {
  await withServed(
    'server',
    async ({ program, url, adminUrl }) => {
      assert.is(childrenOf(program.pid).length, 2)
      await roundTrip(url, credentials)
      const before = await requestsIn(adminUrl)
      assert.ok(before >= 3)
      const statuses = await Promise.all(Array.from({ length: 40 }, () => ask(url)))
      assert.equal([...new Set(statuses)], [403])
      assert.is((await requestsIn(adminUrl)) - before, 40)
      const ready = await (await fetch(`${adminUrl}/readyz`)).json()
      assert.equal(ready, { ready: true, reasons: [] })
      assert.is((await program.end()).status, 0)
    },
    { env, control: false },
  )
})

test('what front-ends have counted is told when they have ended, killed or replaced', async () => {
  await withServed(
    'server',
    async ({ program, url, adminUrl }) => {
      for (let request = 0; request < 20; request++) assert.is(await ask(url), 403)
      assert.is(await requestsIn(adminUrl), 20)
      const [killed = 0] = childrenOf(program.pid)
      process.kill(killed, 'SIGKILL')
      await until(() => childrenOf(program.pid).length === 2 && !childrenOf(program.pid).includes(killed))
      assert.is(await requestsIn(adminUrl), 20)
      process.kill(program.pid, 'SIGHUP')
      await program.output(/the front-ends were restarted/)
      await until(async () => (await ask(url)) === 403)
      assert.ok((await requestsIn(adminUrl)) > 20)
      assert.is((await program.end()).status, 0)
    },
    { env, control: false },
  )
})

test('what front-ends tell of their keys is that of one, and they hear one control', async () => {
  await withServed(
    'server',
    async ({ program, url, adminUrl }) => {
      for (let object = 0; object < 8; object++) await roundTrip(url, credentials)
      const text = async () => (await fetch(`${adminUrl}/metrics`)).text()
      await until(async () => /^sealgate_key_ring_control_instances 1$/m.test(await text()))
      assert.match(await text(), /^sealgate_key_ring_offline_grace_remaining_seconds 900$/m)
      assert.match(await text(), /^sealgate_key_ring_offline 0$/m)
      assert.is((await program.end()).status, 0)
    },
    { env: { ...env, SEALGATE_KMS_MASTER_KEY: `key:${'5a'.repeat(32)}`, SEALGATE_AUTO_ENCRYPTION: 'on' } },
  )
})

test('SIGHUP puts new front-ends in the place of the old, and no connection is refused', async () => {
  await withServed(
    'server',
    async ({ program, url, adminUrl }) => {
      const old = childrenOf(program.pid)
      const seen = new Set<number | string>()
      let going = true
      const asking = (async () => {
        while (going) seen.add(await ask(url))
      })()
      process.kill(program.pid, 'SIGHUP')
      await program.output(/the front-ends were restarted/)
      going = false
      await asking
      // A connection may be closed before its request has come; the client tries again then, as with any server.
      seen.delete('ECONNRESET')
      assert.equal([...seen], [403])
      await until(() => childrenOf(program.pid).length === 2)
      assert.not.ok(childrenOf(program.pid).some((pid) => old.includes(pid)))
      assert.is((await fetch(`${adminUrl}/readyz`)).status, 200)
      assert.is((await program.end()).status, 0)
    },
    { env, control: false },
  )
})

for (const [title, killed, told] of [
  ['of which the old one dies', 1, /the front-ends were restarted/],
  ['of which both die', 2, /a front-end cannot be started/],
] as const) {
  test(`a replacement ${title} before the new one listens leaves one front-end`, async () => {
    await withServed(
      'server',
      async ({ program, url }) => {
        process.kill(program.pid, 'SIGHUP')
        await until(() => childrenOf(program.pid).length === 2)
        for (const pid of childrenOf(program.pid).slice(0, killed)) process.kill(pid, 'SIGKILL')
        await program.output(told)
        await until(async () => (await ask(url)) === 403)
        assert.is(childrenOf(program.pid).length, 1)
        const { status } = await program.end()
        assert.is(status, 0)
      },
      { env: { ...env, SEALGATE_PROCESSES: '1' }, control: false },
    )
  })
}

test.run()
