import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMutualTls, type MutualTls } from '../support/mutual-tls.ts'
import { type Program, startProgram } from '../support/program.ts'
import { childrenOf, roundTrip, withServed } from '../support/served.ts'

const test = suite('cli/shared-control')

const credentials = { accessKeyId: 'access', secretAccessKey: 'the secret access key' }
const masterKey = `my-minio-key:${'5a'.repeat(32)}`
const policy = (identity: string) =>
  JSON.stringify({
    clients: { 'front-end': [identity] },
    rules: [{ clients: ['front-end'], operations: ['Keys/*'], keys: ['my-minio-key'] }],
  })

interface Shared {
  readonly controls: readonly Program[]
  /** What a front-end is given. */
  readonly env: Readonly<Record<string, string>>
}

const files = (tls: MutualTls, name: string) => ({
  SEALGATE_CONTROL_CERT_FILE: tls.path(`${name}.pem`),
  SEALGATE_CONTROL_KEY_FILE: tls.path(`${name}.key`),
  SEALGATE_CONTROL_CA_FILE: tls.path('ca.pem'),
})

/** Two control services on TCP with one policy and one audit each, and the certificates of a front-end. */
async function withSharedControl(
  policyOf: (identity: string) => string,
  use: (shared: Shared) => Promise<void>,
): Promise<void> {
  const tls = await createMutualTls()
  const controls: Program[] = []
  try {
    await tls.issue('server')
    const { identity } = await tls.issue('client')
    tls.write('policy.json', policyOf(identity))
    for (const name of ['one', 'two']) {
      controls.push(
        startProgram(['control', '--address', '127.0.0.1:0'], {
          ...files(tls, 'server'),
          SEALGATE_KMS_MASTER_KEY: masterKey,
          SEALGATE_CONTROL_POLICY_FILE: tls.path('policy.json'),
          SEALGATE_AUDIT_FILE: join(tls.directory, `${name}.audit`),
        }),
      )
    }
    const addresses: string[] = []
    for (const control of controls) addresses.push((await control.output(/"address":"([^"]+)"/))[1] ?? '')
    const env = {
      ...files(tls, 'client'),
      SEALGATE_CONTROL: addresses.join(','),
      SEALGATE_ACCESS_KEY: credentials.accessKeyId,
      SEALGATE_SECRET_KEY: credentials.secretAccessKey,
      SEALGATE_AUTO_ENCRYPTION: 'on',
    }
    await use({ controls, env })
  } finally {
    for (const control of controls) await control.end('SIGKILL')
    tls.close()
  }
}

test('a server uses two control services over mutual TLS, and one of them can be killed', async () => {
  await withSharedControl(policy, async ({ controls, env }) => {
    await withServed(
      'server',
      async ({ program, url }) => {
        assert.is(childrenOf(program.pid).length, 1)
        assert.is(await roundTrip(url, credentials), 'AES256')
        await controls[0]?.end('SIGKILL')
        for (let turn = 0; turn < 5; turn++) assert.is(await roundTrip(url, credentials), 'AES256')
      },
      { env, control: false },
    )
  })
})

test('a server that policy does not know stores nothing', async () => {
  const ofSomebodyElse = () => policy(`sha256:${'0'.repeat(64)}`)
  await withSharedControl(ofSomebodyElse, async ({ env }) => {
    await withServed(
      'server',
      async ({ url }) => {
        const outcome = await roundTrip(url, credentials).catch((error: unknown) => error)
        assert.ok(outcome instanceof Error, String(outcome))
        // It cannot even see whether the KMS is the one of its store.
        assert.is(outcome.name, 'ServiceUnavailable')
      },
      { env, control: false },
    )
  })
})

test.run()
