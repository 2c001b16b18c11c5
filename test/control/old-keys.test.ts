import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { MasterKeyConfig } from '../../control/config.ts'
import { rewrap } from '../../control/keys/rewrap.ts'
import { createMasterKeyProvider } from '../../control/providers/master-key.ts'
import { withOldKeys } from '../../control/providers/old-keys.ts'
import type { Provider } from '../../control/providers/provider.ts'
import { providerContract, rejectsWith } from '../contracts/provider.ts'
import { testMasterKey } from '../support/control.ts'
import { away, countCalls } from '../support/counting-provider.ts'

const { keyId } = testMasterKey
const keyOf = (id: string, byte: number): MasterKeyConfig => ({
  kind: 'master-key',
  keyId: id,
  key: new Uint8Array(32).fill(byte),
})
/** Two that had the same id, and one that had another. */
const older = keyOf(keyId, 1)
const oldest = keyOf(keyId, 2)
const other = keyOf('other-key', 3)

providerContract('master-key beside old ones', async () => {
  const registry = new Registry()
  const provider = withOldKeys(createMasterKeyProvider(testMasterKey), [older, other], { registry })
  provider.start()
  return { provider, close: () => provider.close() }
})

const test = suite('control/old-keys')

const context = { bucket: 'bucket/key' }
const signal = () => AbortSignal.timeout(10_000)

async function sealedBy(config: MasterKeyConfig) {
  const provider = createMasterKeyProvider(config)
  const drawn = await provider.generateDataKey({ keyId: config.keyId, context, signal: signal() })
  await provider.close()
  return { ...drawn, request: { keyId: config.keyId, sealed: drawn.sealed, context, signal: signal() } }
}

interface Scene {
  readonly provider: Provider
  readonly own: ReturnType<typeof countCalls>
  opened(id: string): Promise<number>
}

async function withOlds(check: (scene: Scene) => Promise<void>): Promise<void> {
  const registry = new Registry()
  const own = countCalls()
  const provider = withOldKeys(own, [older, oldest, other], { registry })
  try {
    await check({
      provider,
      own,
      async opened(id) {
        const metric = await registry.getSingleMetric('sealgate_kms_old_key_opened_total')?.get()
        return metric?.values.find(({ labels }) => labels.key_id === id)?.value ?? Number.NaN
      },
    })
  } finally {
    await provider.close()
  }
}

test('what each of them has sealed opens, whether or not the KMS is there, and is counted', () =>
  withOlds(async ({ provider, own, opened }) => {
    own.failWith(away)
    for (const [index, config] of [older, oldest, other].entries()) {
      const { plaintext, request } = await sealedBy(config)
      assert.equal(Buffer.from(await provider.decrypt(request)), Buffer.from(plaintext), `${index}`)
    }
    assert.is(own.calls.decrypt, 0)
    assert.equal([await opened(keyId), await opened(other.keyId)], [2, 1])
  }))

test('they open nothing under another id or with another context, nor what nobody has sealed', () =>
  withOlds(async ({ provider, opened }) => {
    const { request } = await sealedBy(older)
    await rejectsWith('key-not-found', provider.decrypt({ ...request, keyId: 'third-key' }))
    await rejectsWith('invalid-ciphertext', provider.decrypt({ ...request, context: { other: 'other' } }))
    const foreign = await sealedBy(keyOf(keyId, 9))
    await rejectsWith('invalid-ciphertext', provider.decrypt(foreign.request))
    assert.equal([await opened(keyId), await opened(other.keyId)], [0, 0])
  }))

test('they seal nothing: what is sealed is the KMS’s, and an id that only an old key has is none of its', () =>
  withOlds(async ({ provider, own }) => {
    const { sealed, plaintext } = await provider.generateDataKey({ keyId, context, signal: signal() })
    assert.equal(
      Buffer.from(await own.decrypt({ keyId, sealed, context, signal: signal() })),
      Buffer.from(plaintext),
    )
    const call = { keyId: other.keyId, context, signal: signal() }
    await rejectsWith('key-not-found', provider.generateDataKey(call))
    await rejectsWith('key-not-found', provider.encrypt({ ...call, plaintext }))
  }))

test('what is sealed anew is so by the KMS’s key of that id', () =>
  withOlds(async ({ provider, own }) => {
    for (const config of [older, oldest]) {
      const { plaintext, request } = await sealedBy(config)
      const sealed = await rewrap(provider, request)
      assert.equal(Buffer.from(await own.decrypt({ ...request, sealed })), Buffer.from(plaintext))
    }
    const { request } = await sealedBy(other)
    await rejectsWith('key-not-found', rewrap(provider, request))
  }))

test('a KMS that seals anew by itself is asked for what is its own only', async () => {
  const asked: Uint8Array[] = []
  const own: Provider = {
    ...createMasterKeyProvider(testMasterKey),
    async rewrap({ sealed }) {
      asked.push(sealed)
      return sealed
    },
  }
  const provider = withOldKeys(own, [older], { registry: new Registry() })
  const drawn = await provider.generateDataKey({ keyId, context, signal: signal() })
  const request = { keyId, sealed: drawn.sealed, context, signal: signal() }
  assert.is(await provider.rewrap?.(request), drawn.sealed)
  assert.is(await provider.rewrap?.((await sealedBy(older)).request), undefined)
  assert.equal(asked, [drawn.sealed])
  await provider.close()
})

test('a diagnosis names them, and closing forgets them', async () => {
  const provider = withOldKeys(createMasterKeyProvider(testMasterKey), [older, oldest, other], {
    registry: new Registry(),
  })
  const { request } = await sealedBy(older)
  const found = (await provider.diagnose(signal())).at(-1)
  assert.equal([found?.name, found?.result], ['old keys', 'ok'])
  assert.match(found?.detail ?? '', `"${keyId}", "other-key" `)
  await provider.close()
  await rejectsWith('invalid-ciphertext', provider.decrypt(request))
})

test.run()
