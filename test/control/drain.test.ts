import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService } from '../../control/client.ts'
import type { ControlConfig } from '../../control/config.ts'
import { Endpoints } from '../../control/connection/endpoints.ts'
import { HealthWatch } from '../../control/connection/health-watch.ts'
import { KmsError } from '../../control/errors.ts'
import { type Control, startControl } from '../../control/index.ts'
import { createMasterKeyProvider } from '../../control/providers/master-key.ts'
import type { Provider } from '../../control/providers/provider.ts'
import { toS3Error } from '../../s3api/http/error-reply.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { testMasterKey } from '../support/control.ts'

const test = suite('control/drain')

/** A master key whose data keys come when the test lets them. */
function createSlowProvider() {
  if (testMasterKey.kind !== 'master-key') throw new TypeError('the test master key is none')
  const provider = createMasterKeyProvider(testMasterKey)
  let asked = () => {}
  let release = () => {}
  const wasAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow: Provider = {
    ...provider,
    async generateDataKey(request) {
      asked()
      await released
      return provider.generateDataKey(request)
    },
  }
  return { slow, wasAsked, release }
}

async function withControl(
  parts: { readonly provider?: Provider; readonly config?: Partial<ControlConfig> },
  use: (started: { control: Control; address: { kind: 'unix'; path: string } }) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-drain-'))
  const address = { kind: 'unix', path: join(folder, 'control.sock') } as const
  try {
    await withControlAt(address, (control) => use({ control, address }), parts)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withControlAt(
  address: ControlConfig['address'],
  use: (control: Control) => Promise<void>,
  parts: { readonly provider?: Provider; readonly config?: Partial<ControlConfig> } = {},
): Promise<void> {
  const control = await startControl(
    { address, provider: testMasterKey, ...parts.config },
    {
      log: pino({ enabled: false }),
      registry: new Registry(),
      version: '0',
      ...(parts.provider !== undefined && { provider: parts.provider }),
    },
  )
  try {
    await use(control)
  } finally {
    await control.close()
  }
}

test('a successor may listen on the socket while the last call is answered, and keeps it', async () => {
  const { slow, wasAsked, release } = createSlowProvider()
  await withControl({ provider: slow }, async ({ control, address }) => {
    const keys = connectKeyService(address)
    const call = keys.generateDataKey({ context: {} })
    await wasAsked
    const closed = control.close()
    while (existsSync(address.path)) await new Promise((resolve) => setTimeout(resolve, 10))
    await withControlAt(address, async () => {
      release()
      await call
      await closed
      assert.ok(existsSync(address.path))
      const others = connectKeyService(address)
      assert.is((await others.generateDataKey({ context: {} })).plaintext.length, 32)
      await others.close()
    })
    assert.not.ok(existsSync(address.path))
    await keys.close()
  })
})

test('a drain is told before it begins, running calls end well, and open streams do not hold it up', async () => {
  const { slow, wasAsked, release } = createSlowProvider()
  await withControl({ provider: slow }, async ({ control, address }) => {
    const keys = connectKeyService(address)
    const endpoints = new Endpoints([address])
    const told: string[] = []
    const client = endpoints.all[0]?.client
    assert.ok(client)
    let draining = () => {}
    const heard = new Promise<void>((resolve) => {
      draining = resolve
    })
    const health = new HealthWatch(client, (state) => {
      told.push(state)
      if (state === 'draining') draining()
    })
    const endWatch = keys.watch(() => {})
    const call = keys.generateDataKey({ context: {} })
    await wasAsked
    const closed = control.close()
    await heard
    release()
    assert.is((await call).plaintext.length, 32)
    await closed
    assert.is(told[0], 'serving')
    endWatch()
    health.close()
    endpoints.close()
    await keys.close()
  })
})

test('a call that does not end in time is ended', async () => {
  const { slow, wasAsked, release } = createSlowProvider()
  await withControl({ provider: slow }, async ({ control, address }) => {
    const keys = connectKeyService(address, { deadlineMs: 4_000 })
    const call = rejectsWith('unavailable', keys.generateDataKey({ context: {} }))
    await wasAsked
    await control.close()
    await call
    release()
    await keys.close()
  })
})

test('a client with too many calls under way is refused, which S3 clients are told as SlowDown', async () => {
  const { slow, wasAsked, release } = createSlowProvider()
  const config = { limits: { inFlightMax: 1, perSecondMax: 1_000 } }
  await withControl({ provider: slow, config }, async ({ address }) => {
    const keys = connectKeyService(address)
    const first = keys.generateDataKey({ context: {} })
    await wasAsked
    const error = await keys.generateDataKey({ context: {} }).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    assert.ok(error instanceof KmsError && error.code === 'unavailable')
    assert.ok((error.retryAfterMs ?? 0) > 0)
    const { code, status } = toS3Error(error, pino({ enabled: false }))
    assert.equal([code, status], ['SlowDown', 503])
    release()
    await first
    await keys.generateDataKey({ context: {} })
    await keys.close()
  })
})

test('a stream counts among the calls under way of its client for as long as it is open', async () => {
  const config = { limits: { inFlightMax: 1, perSecondMax: 1_000 } }
  await withControl({ config }, async ({ address }) => {
    const keys = connectKeyService(address)
    let end = () => {}
    await new Promise<void>((resolve) => {
      end = keys.watch((_, state) => {
        if (state !== undefined) resolve()
      })
    })
    await rejectsWith('unavailable', keys.status())
    end()
    let answered = false
    while (!answered) {
      answered = await keys.status().then(
        () => true,
        () => false,
      )
    }
    await keys.close()
  })
})

test('an answer of unavailable is tried again, and then believed', async () => {
  let asked = 0
  const { slow } = createSlowProvider()
  const away: Provider = {
    ...slow,
    async generateDataKey() {
      asked++
      throw new KmsError('unavailable', 'the KMS is away')
    },
  }
  await withControl({ provider: away }, async ({ address }) => {
    const keys = connectKeyService(address)
    await rejectsWith('unavailable', keys.generateDataKey({ context: {} }))
    await keys.close()
  })
  assert.is(asked, 3)
})

test.run()
