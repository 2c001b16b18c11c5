import { rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { epochIdOf, type KeyRing } from '../../control/client.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { type CountingProvider, countCalls, refused } from '../support/counting-provider.ts'
import { bucketContext, keyId, sealedKey, withRing } from '../support/key-ring-fixture.ts'
import type { RunningControl } from '../support/key-system.ts'
import { until } from '../support/vault/fixture.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

const test = suite('control/key-ring')

const request = { bucketContext, objectContext: () => ({ bucket: 'bucket/object' }) }
const minuteMs = 60_000

test('the id of an epoch is the one of FORMAT.md', () => {
  const id = epochIdOf(Uint8Array.from({ length: 32 }, (_, index) => index))
  assert.is(Buffer.from(id).toString('hex'), 'a9839983b51234649c750ade7711e302')
})

test('what the ring gives is a copy: zeroing it hurts nobody', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    await system.startControl()
    const first = await ring.dataKey(request)
    const kept = Buffer.from(first.plaintext)
    first.plaintext.fill(0)
    const second = await ring.dataKey(request)
    assert.equal(Buffer.from(second.plaintext), kept)
    assert.ok(second.epochId)
    const key = { keyId, sealed: second.sealed, context: bucketContext, epochId: second.epochId }
    for (let time = 0; time < 2; time++) {
      const opened = await ring.open(key)
      assert.equal(Buffer.from(opened), kept)
      opened.fill(0)
    }
  }))

test('a key of an epoch does not open under another context or epoch', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    await system.startControl()
    const { sealed, epochId } = await ring.dataKey(request)
    assert.ok(epochId)
    await rejectsWith(
      'invalid-ciphertext',
      ring.open({ keyId, sealed, context: { other: 'other' }, epochId }),
    )
    const other = new Uint8Array(16)
    await rejectsWith(
      'invalid-ciphertext',
      ring.open({ keyId, sealed, context: bucketContext, epochId: other }),
    )
  }))

test('a lease ends by its uses, and the ring asks for more', () =>
  withRing(['control'], {}, async ({ system, ring }) => {
    const kms = countCalls()
    const control = await system.startControl({ provider: kms, limits: { epochUsesMax: 100 } })
    for (let use = 0; use < 64; use++) await ring.dataKey(request)
    assert.is((await control.calls()).LeaseDataKey, 1)
    for (let use = 0; use < 36; use++) await ring.dataKey(request)
    assert.is((await control.calls()).LeaseDataKey, 2)
    assert.is(kms.calls.generateDataKey, 1)
    await ring.dataKey(request)
    assert.is(kms.calls.generateDataKey, 2)
  }))

for (const [limit, limits, waitMs] of [
  ['age', { leaseAgeMs: 2 * minuteMs }, 2 * minuteMs],
  ['idleness', { idleMs: minuteMs }, minuteMs],
] as const) {
  const clock = new ManualClock()
  test(`a lease ends by its ${limit}`, () =>
    withRing(['control'], { clock }, async ({ system, ring }) => {
      const control = await system.startControl({ limits })
      const key = await sealedKey(control)
      await ring.open(key)
      await ring.open(key)
      assert.is((await control.calls()).Decrypt, 1)
      await clock.advance(waitMs)
      await ring.open(key)
      assert.is((await control.calls()).Decrypt, 2)
    }))
}

test('a leased key whose first form the KMS opens no more is opened by its newer one at once', () => {
  const clock = new ManualClock()
  return withRing(['control'], { clock }, async ({ system, ring }) => {
    const limits = { leaseAgeMs: 2 * minuteMs }
    const before = await system.startControl({ limits })
    const { sealed, epochId } = await ring.dataKey(request)
    assert.ok(epochId)
    const key = { keyId, sealed, context: bucketContext, epochId }
    const [newest] = await before.keys.rewrap([key])
    if (!(newest instanceof Uint8Array)) throw newest
    await before.stop()
    const kms = countCalls()
    const decrypt: typeof kms.decrypt = async (call) => {
      if (Buffer.compare(call.sealed, sealed) === 0) throw refused
      return kms.decrypt(call)
    }
    const after = await system.startControl({ provider: { ...kms, decrypt }, limits })
    // The lease still serves, and is due to be renewed.
    await clock.advance(100_000)
    await until(async () => {
      await ring.open(key, async () => ({ keyId, sealed: newest }))
      return (await after.calls()).Decrypt === 2
    })
  })
})

test('the ring holds so many keys and no more', () =>
  withRing(['control'], { entriesMax: 2 }, async ({ system, ring }) => {
    const control = await system.startControl()
    const keys = [await sealedKey(control), await sealedKey(control), await sealedKey(control)]
    for (const key of keys) await ring.open(key)
    const [first, , last] = keys
    assert.ok(first && last)
    await ring.open(last)
    assert.is((await control.calls()).Decrypt, 3)
    await ring.open(first)
    assert.is((await control.calls()).Decrypt, 4)
  }))

test('a key that is disabled at one of two instances is refused, and at neither it is not', () =>
  withRing(['a', 'b'], {}, async ({ system, ring }) => {
    const a = await system.startControl({ name: 'a' })
    const b = await system.startControl({ name: 'b' })
    await heard(a, b)
    await ring.dataKey(request)
    await b.disable(keyId)
    await until(async () => (await outcome(ring)) === 'access-denied')
    await b.enable(keyId)
    await until(async () => (await outcome(ring)) === 'ok')
  }))

test('two instances that share their list of disabled keys stop a key at both', () =>
  withRing(['a', 'b'], {}, async ({ system, ring }) => {
    const disabledKeysFile = join(system.directory, 'disabled.json')
    const a = await system.startControl({ name: 'a', disabledKeysFile })
    const b = await system.startControl({ name: 'b', disabledKeysFile })
    await heard(a, b)
    await a.disable(keyId)
    await until(async () => (await b.keys.status()).disabledKeyIds.includes(keyId))
    await a.stop()
    await until(async () => (await outcome(ring)) === 'access-denied')
    await b.enable(keyId)
    await until(async () => (await outcome(ring)) === 'ok')
  }))

test('of two instances one is ended under load, and no key is refused', () =>
  withRing(['a', 'b'], {}, async ({ system, ring }) => {
    const kms: CountingProvider[] = [countCalls(), countCalls()]
    const [a, b] = [
      await system.startControl({ name: 'a', ...(kms[0] && { provider: kms[0] }) }),
      await system.startControl({ name: 'b', ...(kms[1] && { provider: kms[1] }) }),
    ]
    await heard(a, b)
    let running = true
    const load = Array.from({ length: 8 }, async (_, worker) => {
      for (let index = 0; running; index++) {
        const name = `${worker}-${index}`
        await ring.dataKey({ bucketContext: { [name]: name }, objectContext: () => ({}) })
      }
    })
    const done = Promise.all(load)
    done.catch(() => {})
    await a.stop()
    const before = kms[1]?.calls.generateDataKey ?? 0
    await until(() => (kms[1]?.calls.generateDataKey ?? 0) > before + 50)
    running = false
    await done
  }))

test('a flush that came while the connection was broken counts when it is back', () =>
  withRing(['relay'], {}, async ({ system, ring }) => {
    const control = await system.startControl()
    const relay = await Relay.start(
      join(system.directory, 'relay.sock'),
      join(system.directory, 'control.sock'),
    )
    try {
      const key = await sealedKey(control)
      await until(async () => (await control.metric('sealgate_kms_watchers')) === 1)
      await ring.open(key)
      assert.is((await control.calls()).Decrypt, 1)
      await relay.cut()
      await until(async () => (await control.metric('sealgate_kms_watchers')) === 0)
      await control.flush()
      // The lease still serves: nothing could be heard.
      await ring.open(key)
      assert.is((await control.calls()).Decrypt, 1)
      await relay.mend()
      await until(async () => (await control.metric('sealgate_kms_watchers')) === 1)
      await until(async () => {
        await ring.open(key)
        return (await control.calls()).Decrypt === 2
      })
    } finally {
      await relay.cut()
    }
  }))

test('a break without a flush ends no lease', () =>
  withRing(['relay'], {}, async ({ system, ring }) => {
    const control = await system.startControl()
    const relay = await Relay.start(
      join(system.directory, 'relay.sock'),
      join(system.directory, 'control.sock'),
    )
    try {
      const key = await sealedKey(control)
      await until(async () => (await control.metric('sealgate_kms_watchers')) === 1)
      await ring.open(key)
      await relay.cut()
      await until(async () => (await control.metric('sealgate_kms_watchers')) === 0)
      await relay.mend()
      await until(async () => (await control.metric('sealgate_kms_watchers')) === 1)
      await ring.open(key)
      assert.is((await control.calls()).Decrypt, 1)
    } finally {
      await relay.cut()
    }
  }))

async function heard(...controls: readonly RunningControl[]): Promise<void> {
  for (const control of controls) {
    await until(async () => (await control.metric('sealgate_kms_watchers')) === 1)
  }
}

async function outcome(ring: KeyRing): Promise<string> {
  return ring.dataKey(request).then(
    () => 'ok',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'another error'),
  )
}

/** Stands between a client and a control service, and can be taken away. */
class Relay {
  readonly #path: string
  readonly #target: string
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  private constructor(path: string, target: string) {
    this.#path = path
    this.#target = target
  }

  static async start(path: string, target: string): Promise<Relay> {
    const relay = new Relay(path, target)
    await relay.mend()
    return relay
  }

  async mend(): Promise<void> {
    rmSync(this.#path, { force: true })
    const server = createServer((socket) => {
      const onward = createConnection(this.#target)
      for (const [from, to] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => to.destroy()).on('close', () => this.#sockets.delete(from))
        from.pipe(to)
      }
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.#path, resolve))
  }

  async cut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
  }
}

test.run()
