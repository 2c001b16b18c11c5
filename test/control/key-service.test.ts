import { existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChannelCredentials, Client } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { service as healthService } from 'grpc-health-check'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService } from '../../control/client.ts'
import { KmsError, type KmsErrorCode, kmsErrorCodes } from '../../control/errors.ts'
import { startControl } from '../../control/index.ts'
import { statusOfCode } from '../../control/wire-errors.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { startTestControl, type TestControl, testMasterKey } from '../support/control.ts'
import { countCalls } from '../support/counting-provider.ts'
import { until } from '../support/served.ts'

const test = suite('control/key-service')

const { keyId } = testMasterKey
const context = { bucket: 'bucket/object' }

function fact(title: string, check: (control: TestControl) => Promise<void>): void {
  test(title, async () => {
    const control = await startTestControl()
    try {
      await check(control)
    } finally {
      await control.close()
    }
  })
}

async function withFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-service-'))
  try {
    await check(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const start = (path: string) =>
  startControl(
    { address: { kind: 'unix', path }, provider: testMasterKey },
    { log: pino({ level: 'silent' }), registry: new Registry(), version: '1.2.3' },
  )

test('a control that is not there is told of in the words of the system', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    const keys = connectKeyService({ kind: 'unix', path }, { deadlineMs: 500 })
    const error = await keys.generateDataKey({ context }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    await keys.close()
    assert.ok(error instanceof KmsError)
    assert.is(error.message, `control cannot be reached: connect ENOENT ${path}`)
  }))

fact('a data key is drawn under the default key, and opens again', async ({ keys }) => {
  const dataKey = await keys.generateDataKey({ context })
  assert.is(dataKey.keyId, keyId)
  assert.is(dataKey.plaintext.length, 32)
  const opened = await keys.decrypt({ ...dataKey, context })
  assert.equal(Buffer.from(opened), Buffer.from(dataKey.plaintext))
  const leased = await keys.decryptLeased({ ...dataKey, context })
  assert.equal(Buffer.from(leased.plaintext), Buffer.from(dataKey.plaintext))
  assert.ok(leased.lease.maxAgeMs > 0 && leased.lease.maxAgeMs <= 300_000)
  assert.is(leased.lease.offlineGraceMs, 900_000)
})

fact('key ids that cannot be, or are not here, are key-not-found', async ({ keys }) => {
  for (const wrong of ['no-such-key', '../x', 'a b', 'x'.repeat(129)]) {
    await rejectsWith('key-not-found', keys.generateDataKey({ keyId: wrong, context }))
    await rejectsWith('key-not-found', keys.encrypt({ keyId: wrong, plaintext: new Uint8Array(1), context }))
    await rejectsWith('key-not-found', keys.decrypt({ keyId: wrong, sealed: new Uint8Array(64), context }))
  }
  await rejectsWith('key-not-found', keys.decrypt({ keyId: '', sealed: new Uint8Array(64), context }))
})

fact(
  'a wrong context, nothing, and more than a ciphertext has are invalid-ciphertext; a long context is too-large',
  async ({ keys }) => {
    const { sealed } = await keys.generateDataKey({ context })
    const wrong = { bucket: 'bucket/other' }
    await rejectsWith('invalid-ciphertext', keys.decrypt({ keyId, sealed, context: wrong }))
    await rejectsWith('invalid-ciphertext', keys.decrypt({ keyId, sealed: new Uint8Array(), context }))
    const large = new Uint8Array(128 * 1024 + 1)
    await rejectsWith('invalid-ciphertext', keys.decrypt({ keyId, sealed: large, context }))
    const entries = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`name${index}`, 'value']))
    await rejectsWith('too-large', keys.generateDataKey({ context: entries }))
    await rejectsWith('too-large', keys.generateDataKey({ context: { a: 'x'.repeat(16 * 1024) } }))
  },
)

fact('payloads of 1 byte to 64 KiB are sealed, no others', async ({ keys }) => {
  for (const size of [1, 64 * 1024]) {
    const plaintext = new Uint8Array(size).fill(3)
    const sealed = await keys.encrypt({ plaintext: plaintext.slice(), context })
    assert.is(sealed.keyId, keyId)
    assert.equal(Buffer.from(await keys.decrypt({ ...sealed, context })), Buffer.from(plaintext))
  }
  for (const size of [0, 64 * 1024 + 1]) {
    await rejectsWith('too-large', keys.encrypt({ plaintext: new Uint8Array(size), context }))
  }
})

fact('a batch answers each item for itself, in order, up to 1,000', async ({ keys }) => {
  const good = await Promise.all([1, 2].map(() => keys.generateDataKey({ context })))
  const [a, b] = good
  assert.ok(a && b)
  const results = await keys.decryptBatch([
    { keyId, sealed: a.sealed, context },
    { keyId, sealed: a.sealed, context: { bucket: 'other' } },
    { keyId: 'no-such-key', sealed: a.sealed, context },
    { keyId, sealed: b.sealed, context },
  ])
  assert.equal(results.map(outcomeOf), [
    Buffer.from(a.plaintext).toString('hex'),
    'invalid-ciphertext',
    'key-not-found',
    Buffer.from(b.plaintext).toString('hex'),
  ])
  const many = (count: number) => Array.from({ length: count }, () => ({ keyId, sealed: a.sealed, context }))
  assert.is((await keys.decryptBatch(many(1000))).length, 1000)
  assert.equal(await keys.decryptBatch([]), [])
  await rejectsWith('too-large', keys.decryptBatch(many(1001)))
})

test('a batch of keys that are held keeps nobody else waiting until it is done', async () => {
  const kms = countCalls()
  const control = await startTestControl({ provider: kms })
  try {
    const { keys } = control
    const [held, other] = await Promise.all([1, 2].map(() => keys.generateDataKey({ context })))
    assert.ok(held && other)
    const [key, first] = [held, other].map(({ sealed }) => ({ keyId, sealed, context }))
    assert.ok(key && first)
    await keys.decrypt(key)
    const calls = kms.calls.decrypt
    const hold = kms.hold()
    const done: string[] = []
    const batch = keys.decryptBatch([first, ...new Array(999).fill(key)]).then(() => done.push('batch'))
    // Its first key waits for the KMS: the batch is being worked on.
    await until(() => kms.calls.decrypt > calls)
    const single = keys.decrypt(key).then(() => done.push('single'))
    hold.release()
    await Promise.all([batch, single])
    assert.equal(done, ['single', 'batch'])
  } finally {
    await control.close()
  }
})

function outcomeOf(result: Uint8Array | KmsError): string {
  return result instanceof KmsError ? result.code : Buffer.from(result).toString('hex')
}

fact('status tells provider, key, version and what the cache holds', async ({ keys }) => {
  const before = await keys.status()
  assert.is(before.provider, 'master-key')
  assert.is(before.defaultKeyId, keyId)
  assert.is(before.ready, true)
  assert.is(before.session, 'none')
  assert.is(before.version, '0.0.0-test')
  const dataKey = await keys.generateDataKey({ context })
  for (let time = 0; time < 3; time++) await keys.decrypt({ ...dataKey, context })
  await keys.leaseDataKey({ context: { bucket: 'bucket' } })
  const { cache } = await keys.status()
  assert.is(cache?.openedKeys, 2)
  assert.is(cache?.epochs, 1)
  assert.is(cache?.hits, 2 + 1)
  assert.is(cache?.misses, 2)
  assert.is(cache?.offlineSinceMs, 0)
})

test('every error of the closed set comes over the wire as it was thrown', async () => {
  const kms = countCalls()
  const control = await startTestControl({ provider: kms })
  try {
    for (const code of kmsErrorCodes) {
      kms.failWith(new KmsError(code, `text of ${code}`))
      const error = await control.keys.generateDataKey({ context }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      assert.instance(error, KmsError)
      assert.is((error as KmsError).code, code satisfies KmsErrorCode)
      // What went wrong inside is nobody's business outside.
      assert.is((error as KmsError).message, code === 'internal' ? 'internal error' : `text of ${code}`)
    }
    assert.is(new Set(Object.values(statusOfCode)).size, kmsErrorCodes.length)
  } finally {
    await control.close()
  }
})

test('a programmer’s error is told as "internal error" and logged', async () => {
  const kms = countCalls()
  const control = await startTestControl({
    provider: {
      ...kms,
      encrypt: async () => {
        throw new TypeError('the details of a mistake')
      },
    },
  })
  try {
    const sealing = control.keys.encrypt({ plaintext: new Uint8Array(1), context })
    const error = await sealing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.is(error instanceof KmsError && error.message, 'internal error')
    assert.match(control.logged(), 'the details of a mistake')
  } finally {
    await control.close()
  }
})

test('no key and no plaintext is in the log, whatever the level', async () => {
  const control = await startTestControl()
  try {
    const { plaintext, sealed } = await control.keys.generateDataKey({ context })
    await control.keys.decrypt({ keyId, sealed, context })
    await rejectsWith('invalid-ciphertext', control.keys.decrypt({ keyId, sealed, context: {} }))
    for (const encoding of ['hex', 'base64', 'latin1'] as const) {
      for (const secret of [plaintext, testMasterKey.key]) {
        assert.not.match(control.logged(), Buffer.from(secret).toString(encoding))
      }
    }
  } finally {
    await control.close()
  }
})

fact('health says serving, for the server and for the service', async ({ address }) => {
  const client = clientOf(address)
  const { path, requestSerialize, responseDeserialize } = healthService.Check as NonNullable<
    (typeof healthService)[string]
  >
  try {
    for (const service of ['', 'sealgate.kms.v1.Keys']) {
      const answer = await new Promise<unknown>((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, value) =>
          error === null ? resolve(value) : reject(error),
        )
      })
      assert.is((answer as { status: string }).status, 'SERVING')
    }
  } finally {
    client.close()
  }
})

fact('reflection lists the services', async ({ address }) => {
  const client = clientOf(address)
  try {
    const names = await listServices(client)
    for (const name of ['sealgate.kms.v1.Keys', 'sealgate.kms.v1.Admin']) assert.ok(names.includes(name))
  } finally {
    client.close()
  }
})

test('the socket is its owner’s alone, in a folder that is made for it', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'deep', 'control.sock')
    const control = await start(path)
    assert.is(statSync(path).mode & 0o777, 0o600)
    assert.is(statSync(join(folder, 'deep')).mode & 0o777, 0o700)
    await control.close()
    assert.not.ok(existsSync(path))
  }))

test('the socket of a process that is gone is cleared away, that of a living one is not', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    await leaveStale(path)
    const control = await start(path)
    await rejectsWith('unavailable', start(path))
    const keys = connectKeyService({ kind: 'unix', path })
    assert.is((await keys.status()).ready, true)
    await keys.close()
    await control.close()
  }))

test('what is no socket is left alone, and a path that is too long is refused', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'file')
    writeFileSync(path, 'text')
    await rejectsWith('unavailable', start(path))
    assert.is(statSync(path).size, 4)
    await rejectsWith('unavailable', start(join(folder, 'x'.repeat(108))))
  }))

test('a call under way is finished before control ends', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    const kms = countCalls()
    const held = kms.hold()
    const control = await startControl(
      { address: { kind: 'unix', path }, provider: testMasterKey },
      { log: pino({ level: 'silent' }), registry: new Registry(), version: '', provider: kms },
    )
    const keys = connectKeyService({ kind: 'unix', path })
    try {
      const drawing = keys.generateDataKey({ context })
      while (kms.calls.generateDataKey === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      const closing = control.close()
      held.release()
      assert.is((await drawing).plaintext.length, 32)
      await closing
      await rejectsWith('unavailable', keys.generateDataKey({ context }))
    } finally {
      await keys.close()
    }
  }))

test('a call is given up by its deadline', async () => {
  const kms = countCalls()
  const held = kms.hold()
  const control = await startTestControl({ provider: kms, deadlineMs: 100 })
  try {
    await rejectsWith('unavailable', control.keys.generateDataKey({ context }))
  } finally {
    held.release()
    await control.close()
  }
})

/** A socket file that nobody listens on, as a killed process leaves it. */
async function leaveStale(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.living`, resolve))
  linkSync(`${path}.living`, path)
  await new Promise((resolve) => server.close(resolve))
  assert.ok(statSync(path).isSocket())
}

function clientOf(address: TestControl['address']): Client {
  assert.is(address.kind, 'unix')
  const path = address.kind === 'unix' ? address.path : ''
  return new Client(`unix:${path}`, ChannelCredentials.createInsecure())
}

/** grpc.reflection.v1's one method. */
async function listServices(client: Client): Promise<string[]> {
  const proto = new URL(
    '../proto/grpc/reflection/v1/reflection.proto',
    import.meta.resolve('@grpc/reflection'),
  ).pathname
  const definition = loadSync(proto, { oneofs: true })['grpc.reflection.v1.ServerReflection']
  const method =
    definition !== undefined && 'ServerReflectionInfo' in definition
      ? definition.ServerReflectionInfo
      : undefined
  assert.ok(method)
  const { path, requestSerialize, responseDeserialize } = method
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const answer = new Promise<{ listServicesResponse: { service: { name: string }[] } }>((resolve, reject) => {
    call.on('data', resolve).on('error', reject)
  })
  call.write({ listServices: '' })
  const { listServicesResponse } = await answer
  call.end()
  return listServicesResponse.service.map(({ name }) => name)
}

test.run()
