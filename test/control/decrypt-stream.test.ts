import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChannelCredentials, Client, status } from '@grpc/grpc-js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toTarget } from '../../control/address.ts'
import { verifyAudit } from '../../control/audit/audit-verify.ts'
import { connectKeyService, type EncryptionContext } from '../../control/client.ts'
import { KmsError, kmsErrorCodes } from '../../control/errors.ts'
import { connectAdmin } from '../../control/index.ts'
import { messageSizeMax, packageDefinition } from '../../control/proto.ts'
import { statusOfCode } from '../../control/wire-errors.ts'
import { testMasterKey } from '../support/control.ts'
import { withInstances } from '../support/control-instances.ts'
import {
  answers,
  streamContext as context,
  type DecryptStream,
  hex,
  outcomeOf,
  withDecryptStream,
  withStreamedControl,
} from '../support/decrypt-stream.ts'
import { tcpAddress } from '../support/mutual-tls.ts'
import { policyOf, withTcpControl } from '../support/tcp-control.ts'
import { until } from '../support/vault/fixture.ts'

const test = suite('control/decrypt-stream')

const { keyId } = testMasterKey
const sorted = (came: readonly [number, string][]) => came.toSorted(([a], [b]) => a - b)

test('keys are opened over one stream, with a lease where one is asked for, until the client ends it', async () => {
  await withStreamedControl(async ({ stream, key, registry }) => {
    stream.send(7, key)
    const plain = await stream.answer()
    assert.equal([plain.id, outcomeOf(plain)], [7, hex(key.plaintext)])
    assert.is(plain.response?.lease, null)
    // The largest id, and the same again once it is answered.
    for (let time = 0; time < 2; time++) {
      stream.send(2 ** 32 - 1, key, { lease: true })
      const leased = await stream.answer()
      assert.equal([leased.id, outcomeOf(leased)], [2 ** 32 - 1, hex(key.plaintext)])
      assert.ok((leased.response?.lease?.maxAgeMs ?? 0) > 0)
    }
    stream.call.end()
    assert.is((await stream.ended).code, status.OK)
    assert.match(
      await registry.metrics(),
      /sealgate_kms_requests_total\{operation="DecryptStream",code="ok"\} 3/,
    )
  })
})

test('a key that is there is answered before those that wait for the KMS', async () => {
  await withStreamedControl(async ({ stream, key, keys, kms }) => {
    const other = { ...(await keys.generateDataKey({ context })), context }
    await keys.decrypt(key)
    const held = kms.hold()
    stream.send(1, other)
    stream.send(2, key)
    assert.equal(await answers(stream, 1), [[2, hex(key.plaintext)]])
    held.release()
    assert.equal(await answers(stream, 1), [[1, hex(other.plaintext)]])
  })
})

test('a message that fails fails alone, and in the words of a call', async () => {
  await withStreamedControl(async ({ stream, key, keys }) => {
    const wrong = [
      { ...key, context: { bucket: 'other' } },
      { ...key, keyId: 'no-such-key' },
      { ...key, keyId: '../x' },
      { ...key, sealed: new Uint8Array() },
      { ...key, sealed: new Uint8Array(128 * 1024 + 1) },
    ]
    for (const [index, each] of wrong.entries()) {
      stream.send(2 * index, each)
      stream.send(2 * index + 1, key)
    }
    const came = new Map<number, Awaited<ReturnType<DecryptStream['answer']>>>()
    while (came.size < 2 * wrong.length) {
      const answer = await stream.answer()
      came.set(answer.id, answer)
    }
    for (const [index, each] of wrong.entries()) {
      const error = await keys.decrypt(each).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      assert.ok(error instanceof KmsError)
      const { code, message } = came.get(2 * index)?.error ?? {}
      assert.equal([code, message], [statusOfCode[error.code], error.message])
      const good = came.get(2 * index + 1)
      assert.is(good && outcomeOf(good), hex(key.plaintext))
    }
  })
})

test('every error of the closed set is told by its status, and nobody hears what went wrong inside', async () => {
  await withStreamedControl(async ({ stream, key, kms }) => {
    for (const [id, code] of kmsErrorCodes.entries()) {
      kms.failWith(new KmsError(code, `text of ${code}`))
      stream.send(id, { ...key, context: { of: code } })
      const message = code === 'internal' ? 'internal error' : `text of ${code}`
      assert.equal((await stream.answer()).error, { code: statusOfCode[code], message, retryAfterMs: 0 })
    }
  })
})

test('a message without a request is one that names no key', async () => {
  await withStreamedControl(async ({ stream, key }) => {
    stream.call.write({ id: 3 })
    stream.send(4, key)
    assert.equal(sorted(await answers(stream, 2)), [
      [3, 'NOT_FOUND'],
      [4, hex(key.plaintext)],
    ])
  })
})

test('an id that waits for its answer ends the stream, once what came before is answered', async () => {
  await withStreamedControl(async ({ stream, key, keys, kms }) => {
    const held = kms.hold()
    stream.send(1, key)
    stream.send(2, { ...key, context: {} })
    stream.send(1, key)
    stream.send(3, key)
    await stream.written()
    await until(() => kms.calls.decrypt === 2)
    // The service is of this process: by then it has read what was there for it to read.
    for (let time = 0; time < 5; time++) await keys.status()
    held.release()
    assert.equal(sorted(await answers(stream, 2)), [
      [1, hex(key.plaintext)],
      [2, 'INVALID_ARGUMENT'],
    ])
    const { code, details } = await stream.ended
    assert.equal([code, details], [status.INVALID_ARGUMENT, 'the id 1 waits for its answer already'])
  })
})

test('bytes that are no message, and a message that is too large, end their stream and nothing else', async () => {
  await withStreamedControl(async ({ stream, address, key }) => {
    const client = new Client(toTarget(address), ChannelCredentials.createInsecure())
    const service = packageDefinition['sealgate.kms.v1.Keys']
    const method = service !== undefined && !('format' in service) ? service.DecryptStream : undefined
    assert.ok(method)
    for (const [bytes, expected] of [
      [Buffer.from([0xff, 0xff, 0xff]), status.INTERNAL],
      [Buffer.alloc(messageSizeMax + 1), status.RESOURCE_EXHAUSTED],
    ] as const) {
      const call = client.makeBidiStreamRequest(method.path, (raw: Buffer) => raw, method.responseDeserialize)
      const ended = new Promise<number>((resolve) => call.on('status', ({ code }) => resolve(code)))
      call.on('error', () => {}).on('data', () => {})
      call.write(bytes)
      assert.is(await ended, expected)
    }
    client.close()
    stream.send(1, key)
    assert.equal(await answers(stream, 1), [[1, hex(key.plaintext)]])
  })
})

test('a key that is disabled while the stream is open is refused, and opens again when it is enabled', async () => {
  await withStreamedControl(async ({ stream, address, key }) => {
    const admin = connectAdmin(address)
    try {
      for (const [id, expected] of [hex(key.plaintext), 'PERMISSION_DENIED', hex(key.plaintext)].entries()) {
        if (id === 1) await admin.disableKey(keyId)
        if (id === 2) await admin.enableKey(keyId)
        stream.send(id, key)
        assert.equal(await answers(stream, 1), [[id, expected]])
      }
    } finally {
      admin.close()
    }
  })
})

test('every message is a line of the audit, whatever comes of it, and the chain is unbroken', async () => {
  const audit = (folder: string) =>
    ({ file: join(folder, 'audit.log'), fileSizeMax: 1024 * 1024, sync: 'second', optional: false }) as const
  await withStreamedControl(
    async ({ stream, key, control, folder }) => {
      const count = 200
      for (let id = 0; id < count; id++) stream.send(id, id % 4 === 3 ? { ...key, context: {} } : key)
      await answers(stream, count)
      stream.call.end()
      await stream.ended
      await control.close()
      const { file } = audit(folder)
      assert.is((await verifyAudit([file])).end.sequence, 1 + count)
      const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1)
      const records = lines.map((line) => JSON.parse(line))
      assert.ok(records.every((record) => record.operation === 'DecryptStream' && record.keyId === keyId))
      const refused = records.filter(({ outcome }) => outcome === 'invalid-ciphertext')
      assert.equal([refused.length, refused[0]?.context], [count / 4, {}])
      assert.ok(records.some(({ outcome, cached }) => outcome === 'ok' && cached))
      assert.not(lines.join().includes(Buffer.from(key.plaintext).toString('base64')))
    },
    (folder) => ({ audit: audit(folder) }),
  )
})

test('what policy denies fails alone, and a changed policy counts for the next message of an open stream', async () => {
  const rule = { contexts: [{ photos: '*' }] }
  await withTcpControl(
    (identity) => policyOf(identity, rule),
    async ({ connect, control, files, tls, identity, logged }) => {
      const photos: EncryptionContext = { photos: 'photos/cat' }
      const key = { ...(await connect().generateDataKey({ context: photos })), context: photos }
      await withDecryptStream(tcpAddress(control.address, files), async (stream) => {
        let id = 0
        const outcome = async (sent = key) => {
          stream.send(++id, sent)
          return outcomeOf(await stream.answer())
        }
        assert.is(await outcome({ ...key, context: { photos: '', other: '' } }), 'INVALID_ARGUMENT')
        assert.is(await outcome({ ...key, context: { other: '' } }), 'PERMISSION_DENIED')
        assert.match(
          logged(),
          `"operation":"DecryptStream","code":"access-denied","reason":"policy does not allow this client DecryptStream with key \\"${keyId}\\" and this context","identity":"${identity}"`,
        )
        assert.is(await outcome(), hex(key.plaintext))
        tls.write('policy.json', policyOf(identity, { ...rule, operations: ['Decrypt'] }))
        await until(async () => (await outcome()) === 'PERMISSION_DENIED')
        tls.write('policy.json', policyOf(identity, { ...rule, operations: ['DecryptStream'] }))
        await until(async () => (await outcome()) === hex(key.plaintext))
      })
    },
  )
})

test('a client whose certificate ends while its stream is open is refused from then on', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ connect, control, files }) => {
      const key = { ...(await connect().generateDataKey({ context })), context }
      await withDecryptStream(tcpAddress(control.address, files), async (stream) => {
        stream.send(1, key)
        assert.equal(await answers(stream, 1), [[1, hex(key.plaintext)]])
        const { now } = Date
        // Certificates of the tests are good for 30 days.
        Date.now = () => now() + 31 * 24 * 3600 * 1000
        try {
          stream.send(2, key)
          const { error } = await stream.answer()
          assert.equal(
            [error?.code, error?.message],
            [status.PERMISSION_DENIED, 'the client certificate has ended'],
          )
        } finally {
          Date.now = now
        }
      })
    },
  )
})

test('a control service that is killed ends its streams, and what was not answered opens elsewhere', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const keys = connectKeyService(one.address)
    const key = { ...(await keys.generateDataKey({ context })), context }
    await keys.close()
    await withDecryptStream(one.address, async (stream) => {
      stream.send(1, key)
      assert.equal(await answers(stream, 1), [[1, hex(key.plaintext)]])
      await one.program.end('SIGKILL')
      stream.send(2, key)
      assert.is((await stream.ended).code, status.UNAVAILABLE)
    })
    await withDecryptStream(two.address, async (stream) => {
      stream.send(2, key)
      assert.equal(await answers(stream, 1), [[2, hex(key.plaintext)]])
    })
  })
})

test.run()
