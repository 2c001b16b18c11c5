import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import type { Provider } from '../../control/providers/provider.ts'
import { rejectsWith } from '../contracts/provider.ts'
import type { FaultKind } from '../support/vault/faults.ts'
import { type Fixture, type FixtureOptions, startReady, withVault } from '../support/vault/fixture.ts'

const test = suite('control/vault')

const keyId = 'my-minio-key'
const context = { bucket: 'bucket/object' }
const signal = () => AbortSignal.timeout(10_000)
const generate = (provider: Provider, id = keyId) =>
  provider.generateDataKey({ keyId: id, context, signal: signal() })
const decrypt = (provider: Provider, sealed: Uint8Array, bound: Record<string, string> = context) =>
  provider.decrypt({ keyId, sealed, context: bound, signal: signal() })

function fact(title: string, options: FixtureOptions, check: (fixture: Fixture) => Promise<void>): void {
  test(title, () =>
    withVault(options, async (fixture) => {
      await startReady(fixture.provider)
      await check(fixture)
    }),
  )
}

fact('the sealed form is the text of vault', {}, async ({ provider }) => {
  const { sealed } = await generate(provider)
  assert.match(Buffer.from(sealed).toString(), /^vault:v1:[A-Za-z0-9+/]+=*$/)
})

fact(
  'calls with the policy of the quickstart use three paths and the token of the login',
  {},
  async (fixture) => {
    const { vault, provider } = fixture
    const { sealed } = await generate(provider)
    await decrypt(provider, sealed)
    await provider.encrypt({ keyId, plaintext: new Uint8Array(3), context, signal: signal() })
    const paths = vault.calls.map(({ method, path }) => `${method} ${path}`)
    assert.equal(paths, [
      'POST auth/approle/login',
      `POST transit/datakey/plaintext/${keyId}`,
      `POST transit/decrypt/${keyId}`,
      `POST transit/encrypt/${keyId}`,
    ])
    assert.is(new Set(vault.calls.slice(1).map(({ accessor }) => accessor)).size, 1)
    assert.is(vault.calls[0]?.accessor, '')
  },
)

fact('a key that is not derived ignores the context', {}, async ({ provider }) => {
  const { plaintext, sealed } = await generate(provider)
  assert.equal(await decrypt(provider, sealed, { bucket: 'another' }), plaintext)
})

fact(
  'a derived key opens with its context only',
  { seed: { key: { derived: true } } },
  async ({ provider }) => {
    const { plaintext, sealed } = await generate(provider)
    assert.equal(await decrypt(provider, sealed), plaintext)
    await rejectsWith('invalid-ciphertext', decrypt(provider, sealed, { bucket: 'another' }))
  },
)

for (const tamperedStatus of [400, 500] as const) {
  const options = { simulator: { tamperedStatus } }
  fact(
    `a tampered ciphertext that vault answers with ${tamperedStatus} is not sent again`,
    options,
    async (fixture) => {
      const { vault, provider } = fixture
      const { sealed } = await generate(provider)
      sealed[20] = sealed[20] === 0x41 ? 0x42 : 0x41
      await rejectsWith('invalid-ciphertext', decrypt(provider, sealed))
      assert.is(vault.count('transit/decrypt'), 1)
    },
  )
}

fact(
  'a ciphertext that an RSA key does not open, which vault answers with 500, is no outage',
  {},
  async ({ vault, provider }) => {
    const { sealed } = await generate(provider)
    const errors = [
      '1 error occurred:\n\t* failed to RSA decrypt the ciphertext: crypto/rsa: decryption error\n\n',
    ]
    vault.inject({ kind: 'status', status: 500, errors }, { path: /decrypt/ })
    for (let count = 0; count < 6; count++) await rejectsWith('invalid-ciphertext', decrypt(provider, sealed))
    assert.is(provider.circuit?.().state, 'closed')
    await generate(provider)
  },
)

const wrongCiphertexts = [
  '',
  'vault:v1:',
  'vault:v1:!!!!',
  'vault:vx:AAAA',
  'vault:v1:AAAA\n',
  'plain',
  'vault:v1:A:A',
]
for (const text of wrongCiphertexts) {
  fact(`${JSON.stringify(text)} is invalid-ciphertext without a call`, {}, async ({ vault, provider }) => {
    await rejectsWith('invalid-ciphertext', decrypt(provider, Buffer.from(text)))
    assert.is(vault.count('transit'), 0)
  })
}

for (const text of ['vault:v1:AAAA', 'vault:v1:AAA', 'vault:v9:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']) {
  fact(`${text} is invalid-ciphertext`, {}, async ({ provider }) => {
    await rejectsWith('invalid-ciphertext', decrypt(provider, Buffer.from(text)))
  })
}

fact(
  'a key that the policy does not name is access-denied, without a login',
  {},
  async ({ vault, provider }) => {
    for (let count = 0; count < 10; count++) await rejectsWith('access-denied', generate(provider, 'other'))
    assert.is(vault.count('login'), 1)
    assert.is(provider.session().state, 'ready')
  },
)

const anyKey = 'path "transit/*" {\n  capabilities = ["update"]\n}\n'
fact('a key that is not there is key-not-found', { seed: { policy: anyKey } }, async ({ provider }) => {
  await rejectsWith('key-not-found', generate(provider, 'other'))
})

for (const name of ['../sys/seal', 'a/b', "a'b=c", '', '.', '-a', 'a b', 'ä']) {
  fact(`${JSON.stringify(name)} is no key name and reaches no path`, {}, async ({ vault, provider }) => {
    await rejectsWith('key-not-found', generate(provider, name))
    assert.is(vault.calls.length, 1)
  })
}

fact('a configured key version is used', { config: { keyVersion: 1 } }, async ({ vault, provider }) => {
  await vault.admin()('PUT', `transit/keys/${keyId}/rotate`)
  const { sealed } = await generate(provider)
  assert.match(Buffer.from(sealed).toString(), /^vault:v1:/)
})

fact(
  'a configured key version that is not there is key-not-found',
  { config: { keyVersion: 3 } },
  async (fixture) => {
    await rejectsWith('key-not-found', generate(fixture.provider))
  },
)

fact(
  'after a rotation new keys have the new version and old ones still open',
  {},
  async ({ vault, provider }) => {
    const { plaintext, sealed } = await generate(provider)
    for (let version = 2; version <= 7; version++) await vault.admin()('PUT', `transit/keys/${keyId}/rotate`)
    assert.match(Buffer.from((await generate(provider)).sealed).toString(), /^vault:v7:/)
    assert.equal(await decrypt(provider, sealed), plaintext)
    await vault.admin()('PUT', `transit/keys/${keyId}/config`, { min_decryption_version: 7 })
    await rejectsWith('access-denied', decrypt(provider, sealed))
  },
)

for (const [what, plaintext] of [
  ['31 bytes', Buffer.alloc(31).toString('base64')],
  ['33 bytes', Buffer.alloc(33).toString('base64')],
  ['unpadded base64', Buffer.alloc(32).toString('base64').slice(0, -1)],
  ['base64 with spare bits set', Buffer.alloc(32).toString('base64').replace(/A=$/, 'B=')],
  ['base64 with a space', ` ${Buffer.alloc(32).toString('base64')}`],
  ['a number', 7],
] as const) {
  fact(`a data key of ${what} is an error`, {}, async ({ vault, provider }) => {
    const text = JSON.stringify({ data: { plaintext, ciphertext: 'vault:v1:AAAA' } })
    vault.inject({ kind: 'body', text }, { path: /datakey/ })
    await rejectsWith('internal', generate(provider))
  })
}

function refusal(text: string): FaultKind {
  return { kind: 'status', status: 400, errors: [text] }
}

const faults: readonly (readonly [string, FaultKind, KmsErrorCode, number])[] = [
  ['429', { kind: 'status', status: 429 }, 'unavailable', 1],
  ['500', { kind: 'status', status: 500, errors: ['internal error'] }, 'unavailable', 1],
  ['502 of a load balancer', { kind: 'status', status: 502 }, 'unavailable', 1],
  ['503 of a sealed server', { kind: 'status', status: 503, errors: ['Vault is sealed'] }, 'unavailable', 1],
  ['404', { kind: 'status', status: 404 }, 'key-not-found', 1],
  ['413 of vault', { kind: 'status', status: 413, errors: ['http: request body too large'] }, 'too-large', 1],
  ['413 of a proxy', { kind: 'page', status: 413, text: '<html>' }, 'too-large', 1],
  ['400 of a soft-deleted key', refusal('refusing to use soft-deleted key'), 'access-denied', 1],
  [
    '400 of a key that signs only',
    refusal('message encryption not supported for key type ed25519'),
    'key-not-found',
    1,
  ],
  ['an answer without JSON', { kind: 'body', text: '<html>' }, 'unavailable', 1],
  ['an answer without data', { kind: 'body', text: '{}' }, 'unavailable', 1],
  ['an answer beyond the cap', { kind: 'flood', size: 2 * 1024 * 1024 }, 'unavailable', 1],
  ['a reset connection', { kind: 'reset' }, 'unavailable', 2],
  ['no answer', { kind: 'hang' }, 'unavailable', 1],
  ['half an answer', { kind: 'half' }, 'unavailable', 1],
]
for (const [what, fault, code, tries] of faults) {
  const title = `${what} is ${code} after ${tries} ${tries === 1 ? 'try' : 'tries'}, and no harm is done`
  fact(title, { deadlineMs: 250 }, async ({ vault, provider }) => {
    const end = vault.inject(fault, { path: /datakey/ })
    await rejectsWith(code, generate(provider))
    assert.is(vault.count('datakey'), tries)
    assert.is(vault.count('login'), 1)
    end()
    await generate(provider)
  })
}

fact('a connection that is reset once costs a second try and no error', {}, async ({ vault, provider }) => {
  vault.inject({ kind: 'reset' }, { path: /datakey/, times: 1 })
  await generate(provider)
  assert.is(vault.count('datakey'), 2)
})

fact(
  'a rotation whose connection broke is not sent again',
  { seed: { policy: 'path "transit/*" {\n  capabilities = ["read", "update"]\n}\n' } },
  async ({ vault, provider }) => {
    vault.inject({ kind: 'reset' }, { path: /rotate/, times: 1 })
    await rejectsWith('unavailable', provider.keys.rotate(keyId, signal()))
    assert.is(vault.count('rotate'), 1)
  },
)

fact('a call ends when its signal does', {}, async ({ vault, provider }) => {
  vault.inject({ kind: 'hang' }, { path: /datakey/ })
  const call = provider.generateDataKey({ keyId, context, signal: AbortSignal.timeout(50) })
  await rejectsWith('unavailable', call)
  assert.is(vault.count('datakey'), 1)
})

fact('a sealed vault is unavailable, and comes back without a login', {}, async ({ vault, provider }) => {
  vault.seal()
  await rejectsWith('unavailable', generate(provider))
  vault.unseal()
  await generate(provider)
  assert.is(vault.count('login'), 1)
})

test('before the login every call is unavailable and none is made', () =>
  withVault({}, async ({ vault, provider }) => {
    await rejectsWith('unavailable', generate(provider))
    assert.is(provider.session().ready, false)
    assert.is(vault.calls.length, 0)
  }))

test('a call right after the start waits for the login', () =>
  withVault({}, async ({ vault, provider }) => {
    vault.inject({ kind: 'delay', ms: 50 }, { path: /login/ })
    provider.start()
    assert.is((await generate(provider)).plaintext.length, 32)
  }))

fact('no secret is in an error or in the log', {}, async ({ vault, provider, credentials, logged }) => {
  const { plaintext, sealed } = await generate(provider)
  const errors: unknown[] = []
  const keep = (error: unknown) => errors.push(error)
  for (const fault of [
    ...faults.map(([, kind]) => kind).filter(({ kind }) => kind !== 'hang' && kind !== 'half'),
  ]) {
    const end = vault.inject(fault, { path: /transit/ })
    await decrypt(provider, sealed).catch(keep)
    await provider.encrypt({ keyId, plaintext, context, signal: signal() }).catch(keep)
    end()
  }
  vault.inject({ kind: 'status', status: 400, errors: [credentials.secretId] }, { path: /login/, times: 1 })
  vault.revokeTokens()
  await generate(provider).catch(keep)
  const { inspect } = await import('node:util')
  const told = logged() + errors.map((error) => inspect(error, { depth: 10, showHidden: true })).join('\n')
  assert.ok(errors.length > 10)
  assert.ok(errors.every((error) => error instanceof KmsError))
  const key = Buffer.from(plaintext)
  const secrets = [credentials.secretId, key.toString('base64'), key.toString('hex'), 'hvs.', vault.rootToken]
  for (const secret of secrets) assert.not.ok(told.includes(secret), 'a secret was told')
})

test.run()
