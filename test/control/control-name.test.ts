// The name of the control service vanishes, comes back, and moves to another address.
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService, KeyRing } from '../../control/client.ts'
import type { ControlAddress } from '../../control/config.ts'
import { type Control, startControl } from '../../control/index.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { testMasterKey } from '../support/control.ts'
import { createMutualTls } from '../support/mutual-tls.ts'
import { type Names, withNames } from '../support/names.ts'
import { createCertificate } from '../support/vault/certificates.ts'
import { until } from '../support/vault/fixture.ts'

const test = suite('control/control-name')

const host = 'control.sealgate.test'
const context = { bucket: 'bucket' }

interface Scene {
  readonly names: Names
  /** Starts control at a loopback address, always on the same port. */
  start(address: string): Promise<Control>
  /** As front-ends name it; the port is known once it was started. */
  address(): ControlAddress
}

async function withScene(check: (scene: Scene) => Promise<void>): Promise<void> {
  const tls = await createMutualTls()
  const running = new Set<Control>()
  try {
    const server = await createCertificate(tls.authority, { host })
    const files = {
      certFile: tls.write('server.pem', server.cert),
      keyFile: tls.write('server.key', server.key),
      caFile: join(tls.directory, 'ca.pem'),
    }
    const client = await tls.issue('client')
    const policyFile = tls.write(
      'policy.json',
      JSON.stringify({
        clients: { client: [client.identity] },
        rules: [{ clients: ['client'], operations: ['*'], keys: ['*'] }],
      }),
    )
    let port = 0
    const start = async (at: string) => {
      const control = await startControl(
        { address: { kind: 'tcp', host: at, port, tls: files }, provider: testMasterKey, policyFile },
        { log: pino({ level: 'silent' }), registry: new Registry(), version: '0.0.0-test' },
      )
      running.add(control)
      port = Number(control.address.split(':').at(-1))
      return control
    }
    const address = () => ({ kind: 'tcp', host, port, tls: client.files }) as const
    await withNames((names) => check({ names, start, address }))
  } finally {
    for (const control of running) await control.close()
    tls.close()
  }
}

test('a client finds control as soon as its name is known', () =>
  withScene(async ({ names, start, address }) => {
    await start('127.0.0.1')
    const keys = connectKeyService(address(), { deadlineMs: 500 })
    try {
      await rejectsWith('unavailable', keys.generateDataKey({ context }))
      names.set(host, '127.0.0.1')
      await until(() => answers(() => keys.generateDataKey({ context })))
    } finally {
      await keys.close()
    }
  }))

test('without control and its name a front-end goes on under its leases, and finds it at another address', () =>
  withScene(async ({ names, start, address }) => {
    const first = await start('127.0.0.1')
    names.set(host, '127.0.0.1')
    const keys = connectKeyService(address(), { deadlineMs: 500 })
    const ring = new KeyRing({ service: keys })
    const seal = (bucket: string) =>
      ring.dataKey({
        bucketContext: { [bucket]: bucket },
        objectContext: () => ({ [bucket]: `${bucket}/key` }),
      })
    try {
      const before = await seal('bucket')
      names.remove(host)
      await first.close()
      await rejectsWith('unavailable', seal('another'))
      const after = await seal('bucket')
      assert.equal(Buffer.from(after.sealed), Buffer.from(before.sealed))
      const sealed = { keyId: before.keyId, sealed: before.sealed, context: { bucket: 'bucket' } }
      assert.is(
        (await ring.open({ ...sealed, ...(before.epochId && { epochId: before.epochId }) })).length,
        32,
      )
      await start('127.0.0.2')
      names.set(host, '127.0.0.2')
      await until(() => answers(() => seal('another')))
    } finally {
      await ring.close()
      await keys.close()
    }
  }))

function answers(call: () => Promise<unknown>): Promise<boolean> {
  return call().then(
    () => true,
    () => false,
  )
}

test.run()
