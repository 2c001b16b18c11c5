import { readFileSync } from 'node:fs'
import {
  type Client,
  credentials,
  status as grpcStatus,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService } from '../../control/client.ts'
import type { MutualTlsFiles } from '../../control/config.ts'
import { KmsError } from '../../control/errors.ts'
import { packageDefinition } from '../../control/proto.ts'
import { operationNames } from '../../control/server/operations.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { tcpAddress } from '../support/mutual-tls.ts'
import { type PolicyRule, policyOf, withTcpControl } from '../support/tcp-control.ts'
import { createAuthority } from '../support/vault/certificates.ts'

const test = suite('control/clients')

const keyId = 'my-minio-key'
const photos = { photos: 'photos/cat' }

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

const succeeds = (promise: Promise<unknown>) =>
  promise.then(
    () => true,
    () => false,
  )

test('a client that policy allows everything uses the key service over mutual TLS', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ connect }) => {
      const keys = connect()
      const dataKey = await keys.generateDataKey({ context: photos })
      assert.equal(await keys.decrypt({ keyId, sealed: dataKey.sealed, context: photos }), dataKey.plaintext)
      assert.is((await keys.status()).provider, 'master-key')
    },
  )
})

test('without a policy file nobody may do anything', async () => {
  await withTcpControl(undefined, async ({ connect, logged }) => {
    const keys = connect()
    await rejectsWith('access-denied', keys.generateDataKey({ context: photos }))
    await rejectsWith('access-denied', keys.status())
    assert.match(logged(), /there is no policy/)
  })
})

test('a client without a certificate, or with one of another authority, does not get in', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ tls, control, connect }) => {
      const foreign = await tls.issue('foreign', await createAuthority('another authority'))
      const keys = connectKeyService(tcpAddress(control.address, foreign.files), { deadlineMs: 500 })
      await rejectsWith('unavailable', keys.generateDataKey({ context: photos }))
      await keys.close()
      const bare = await rawError(
        control.address,
        credentials.createSsl(readFileSync(tls.path('ca.pem'))),
        'Status',
      )
      assert.is(bare.code, grpcStatus.UNAVAILABLE)
      assert.ok(await succeeds(connect().status()))
    },
  )
})

test('a server of another authority gets no request', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ tls, control, files }) => {
      const caFile = tls.write('other-ca.pem', (await createAuthority('another authority')).cert)
      const keys = connectKeyService(tcpAddress(control.address, { ...files, caFile }), { deadlineMs: 500 })
      await rejectsWith('unavailable', keys.status())
      await keys.close()
    },
  )
})

const generate = { operations: ['GenerateDataKey'] }
for (const [title, rules, allowed] of [
  ['the operation', [generate], true],
  ['the service of the operation', [{ operations: ['Keys/*'] }], true],
  ['another operation', [{ operations: ['Decrypt'] }], false],
  ['another service', [{ operations: ['Admin/*'] }], false],
  ['the key', [{ keys: [keyId] }], true],
  ['a pattern of the key', [{ keys: ['my-*-key'] }], true],
  ['another key', [{ keys: ['my-key'] }], false],
  ['the context', [{ contexts: [{ photos: 'photos/*' }] }], true],
  ['a pattern of the context', [{ contexts: [{ '*': '*/cat' }] }], true],
  ['another context', [{ contexts: [{ photos: 'photos/dog' }] }], false],
  ['one of two contexts', [{ contexts: [{ other: '*' }, { photos: '*' }] }], true],
  ['more than the context has', [{ contexts: [{ photos: '*', other: '*' }] }], false],
  ['each half in another rule', [{ operations: ['Decrypt'] }, { ...generate, keys: ['other'] }], false],
  ['one of two rules', [{ operations: ['Decrypt'] }, generate], true],
] as const satisfies readonly (readonly [string, readonly PolicyRule[], boolean])[]) {
  test(`a rule for ${title} ${allowed ? 'allows' : 'does not allow'}`, async () => {
    await withTcpControl(
      (identity) => policyOf(identity, ...(rules as unknown as PolicyRule[])),
      async ({ connect }) => {
        const call = connect().generateDataKey({ context: photos })
        if (allowed) assert.is((await call).keyId, keyId)
        else await rejectsWith('access-denied', call)
      },
    )
  })
}

test('the items of a batch that policy denies fail alone', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, { contexts: [{ photos: '*' }] }),
    async ({ connect, identity, logged, registry }) => {
      const keys = connect()
      const { sealed, plaintext } = await keys.generateDataKey({ context: photos })
      const item = (context: Record<string, string>) => ({ keyId, sealed, context })
      const results = await keys.decryptBatch([
        item({ other: '' }),
        item(photos),
        item({ photos: 'x' }),
        item({}),
      ])
      assert.equal(
        results.map((result) => (result instanceof KmsError ? result.code : result)),
        ['access-denied', plaintext, 'invalid-ciphertext', 'access-denied'],
      )
      assert.is((await keys.decryptBatch([])).length, 0)
      const refused = logged()
        .split('\n')
        .filter((line) => line.includes('key operation failed'))
        .map((line) => JSON.parse(line))
      assert.equal(
        refused.map(({ operation, code, identity }) => [operation, code, identity]),
        [
          ['DecryptBatch', 'access-denied', identity],
          ['DecryptBatch', 'invalid-ciphertext', identity],
        ],
      )
      const metrics = await registry.metrics()
      assert.match(metrics, 'sealgate_kms_requests_total{operation="DecryptBatch",code="access-denied"} 2')
      assert.match(
        metrics,
        'sealgate_kms_requests_total{operation="DecryptBatch",code="invalid-ciphertext"} 1',
      )
    },
  )
})

test('a client that is refused is named in the log, a stream of its as well', async () => {
  await withTcpControl(policyOf, async ({ connect, identity, logged }) => {
    const keys = connect()
    const endWatch = keys.watch(() => {})
    await rejectsWith('access-denied', keys.generateDataKey({ context: photos }))
    await rejectsWith(
      'access-denied',
      keys.decrypt({ keyId: 'other', sealed: new Uint8Array(9), context: {} }),
    )
    const lines = () =>
      logged()
        .trim()
        .split('\n')
        .map((line): Record<string, string> => JSON.parse(line))
    const refused = (operation: string) =>
      lines().find((line) => line.operation === operation && line.code === 'access-denied')
    await until(async () => refused('Watch') !== undefined)
    endWatch()
    for (const [operation, of] of [
      ['Watch', ''],
      ['GenerateDataKey', ` with key "${keyId}" and this context`],
      ['Decrypt', ' with key "other" and this context'],
    ] as const) {
      const line = refused(operation)
      assert.is(line?.identity, identity)
      assert.match(line?.peer ?? '', /^127\.0\.0\.1:\d+$/)
      assert.is(line?.reason, `policy does not allow this client ${operation}${of}`)
    }
  })
})

test('no method of any service lets a client in that policy does not know', async () => {
  await withTcpControl(policyOf, async ({ control, files }) => {
    const methods = Object.entries(packageDefinition).flatMap(([name, definition]) =>
      'format' in definition ? [] : Object.keys(definition).map((method) => [name, method] as const),
    )
    assert.equal(methods.map(([, method]) => method).sort(), [...operationNames].sort())
    for (const [service, method] of methods) {
      const { code } = await rawError(control.address, channelOf(files), method, service)
      // A method that this service does not implement says so before it would look at who asks.
      assert.ok(
        code === grpcStatus.PERMISSION_DENIED || code === grpcStatus.UNIMPLEMENTED,
        `${method}: ${code}`,
      )
    }
  })
})

test('a changed policy counts at once, and one that cannot be used changes nothing', async () => {
  await withTcpControl(policyOf, async ({ connect, tls, identity, registry, logged }) => {
    const keys = connect()
    const valid = async () => /sealgate_kms_policy_valid (\d)/.exec(await registry.metrics())?.[1]
    await rejectsWith('access-denied', keys.status())
    tls.write('policy.json', policyOf(identity, { operations: ['Status'] }))
    await until(() => succeeds(keys.status()))
    tls.write('policy.json', `${policyOf(identity)} and more`)
    await until(async () => (await valid()) === '0')
    assert.ok(await succeeds(keys.status()))
    assert.match(logged(), /the old one stays/)
    tls.write('policy.json', policyOf(identity))
    await until(async () => !(await succeeds(keys.status())))
    assert.is(await valid(), '1')
  })
})

test('certificates of both sides, and the authority, are replaced without a restart', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ tls, control, connect, files, identity, logged }) => {
      const before = connect()
      await before.status()
      const authority = await createAuthority('the next authority')
      const next = await tls.issue('client', authority)
      await tls.issue('server', authority)
      tls.write('ca.pem', authority.cert)
      tls.write('policy.json', policyOf(next.identity, {}).replace('[', `["${identity}",`))
      await until(async () => /the certificate was loaded again/.test(logged()))
      await until(async () => {
        const after = connectKeyService(tcpAddress(control.address, files), { deadlineMs: 1_000 })
        const fine = await succeeds(after.status())
        await after.close()
        return fine
      })
      // The connection from before goes on.
      await before.status()
    },
  )
})

test('a client that asks more than its rate is told when to try again', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ connect }) => {
      const keys = connect()
      for (let call = 0; call < 3; call++) await keys.generateDataKey({ context: photos })
      const error = await keys.generateDataKey({ context: photos }).then(
        () => undefined,
        (caught: unknown) => caught,
      )
      assert.ok(error instanceof KmsError && error.code === 'unavailable')
      assert.ok((error.retryAfterMs ?? 0) > 0)
    },
    { limits: { inFlightMax: 10, perSecondMax: 3 } },
  )
})

test('a message beyond the limit is refused and the connection goes on', async () => {
  await withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ connect, control, files }) => {
      const error = await rawError(control.address, channelOf(files), 'Encrypt', undefined, {
        plaintext: Buffer.alloc(2 * 1024 * 1024),
      })
      assert.is(error.code, grpcStatus.RESOURCE_EXHAUSTED)
      assert.ok(await succeeds(connect().status()))
    },
  )
})

function channelOf({ caFile, keyFile, certFile }: MutualTlsFiles) {
  return credentials.createSsl(readFileSync(caFile), readFileSync(keyFile), readFileSync(certFile))
}

/** What a method answers, whatever kind it is of, to a client of its own. */
async function rawError(
  address: string,
  channel: ReturnType<typeof credentials.createSsl>,
  method: string,
  service = 'sealgate.kms.v1.Keys',
  request: object = {},
): Promise<Pick<ServiceError, 'code'>> {
  const definition = packageDefinition[service]
  if (definition === undefined || 'format' in definition) throw new Error(`there is no ${service}`)
  // grpc-js types definitions with type parameters that a table has not.
  const Generic = makeGenericClientConstructor(definition as never, service)
  const client = new Generic(address, channel, { 'grpc.enable_retries': 0 }) as Client &
    Record<string, (...parameters: unknown[]) => NodeJS.EventEmitter & { end?(): void; cancel(): void }>
  try {
    return await new Promise((resolve) => {
      const { requestStream = false, responseStream = false } = definition[method] ?? {}
      const done = (error: ServiceError | null) => resolve(error ?? { code: grpcStatus.OK })
      const input = requestStream ? [] : [request]
      const call = client[method]?.(
        ...input,
        { deadline: Date.now() + 5_000 },
        ...(responseStream ? [] : [done]),
      )
      if (!responseStream) return
      call?.on('error', resolve)
      call?.on('data', () => {
        call.cancel()
        resolve({ code: grpcStatus.OK })
      })
      call?.on('end', () => resolve({ code: grpcStatus.OK }))
    })
  } finally {
    client.close()
  }
}

test.run()
