import { createCipheriv, createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contextBytes } from '../../control/context.ts'
import { hchacha20 } from '../../control/providers/hchacha20.ts'
import { createMasterKeyProvider } from '../../control/providers/master-key.ts'
import { sealBytes } from '../../engine/index.ts'
import { providerContract, rejectsWith } from '../contracts/provider.ts'
import { testMasterKey } from '../support/control.ts'
import { readVectors } from '../support/vectors.ts'

providerContract('master-key', async () => {
  const provider = createMasterKeyProvider(testMasterKey)
  provider.start()
  return { provider, close: () => provider.close() }
})

const test = suite('control/master-key')

const signal = () => AbortSignal.timeout(10_000)
const { keyId } = testMasterKey

interface MinioObject {
  readonly context?: string
  readonly masterDerived?: string
  readonly externalKey?: string
  readonly fsJson?: { readonly meta: Readonly<Record<string, string>> }
  readonly dareMetaRaw?: string
}

const sealedKeyName = 'X-Minio-Internal-Server-Side-Encryption-S3-Kms-Sealed-Key'

/** What MinIO itself has sealed, with its context. */
const objects = readVectors<MinioObject[]>('minio-objects').flatMap((object) => {
  const { context, externalKey, fsJson, dareMetaRaw } = object
  const meta = fsJson?.meta ?? (dareMetaRaw === undefined ? undefined : JSON.parse(dareMetaRaw).meta)
  const sealed: unknown = meta?.[sealedKeyName]
  if (context === undefined || externalKey === undefined || typeof sealed !== 'string') return []
  return [{ context: JSON.parse(context) as Record<string, string>, externalKey, sealed }]
})

test('data keys that MinIO sealed open, and with no other context', async () => {
  const provider = createMasterKeyProvider(testMasterKey)
  assert.ok(objects.length >= 3)
  for (const { context, externalKey, sealed } of objects) {
    const request = { keyId, sealed: Buffer.from(sealed, 'base64'), signal: signal() }
    const opened = await provider.decrypt({ ...request, context })
    assert.is(Buffer.from(opened).toString('hex'), externalKey)
    await rejectsWith('invalid-ciphertext', provider.decrypt({ ...request, context: { other: 'other' } }))
  }
  await provider.close()
})

interface KesVectors {
  readonly masterKey: string
  readonly context: Readonly<Record<string, string>>
  readonly dataKeys: readonly {
    readonly release: string
    readonly cipher: string
    readonly dataKey: string
    readonly sealed: string
  }[]
}

/** Made by the releases of KES that they name, of a key that was imported into each. */
const kes = readVectors<KesVectors>('kes')
const secretKey = Buffer.from(kes.masterKey, 'base64')

/** Data keys that MinIO has sealed in its later way: its own two, in JSON, and one in the bytes of 2024; and those of KES. */
const laterForms = [
  {
    sealed: Buffer.from(
      '{"aead":"ChaCha20Poly1305","iv":"JbI+vwvYww1lCb5VpkAFuQ==","nonce":"ARjIjJxBSD541Gz8","bytes":"KCbEc2sA0TLvA7aWTWa23AdccVfJMpOxwgG8hm+4PaNrxYfy1xFWZg2gEenVrOgv"}',
    ),
    context: {},
    dataKey: 'zmS7NrG765UZ0ZN85oPjybelxqVvpz01vxsSpOISy2M=',
  },
  {
    sealed: Buffer.from(
      '{"aead":"ChaCha20Poly1305","iv":"r4+yfiVbVIYR0Z2I9Fq+6g==","nonce":"2YpwGwE59GcVraI3","bytes":"k/svMglOU7/Kgwv73heG38NWW575XLcFp3SaxQHDMjJGYyRI3Fiygu2OeutGPXNL"}',
    ),
    context: { key: 'value' },
    dataKey: 'UnPWsZgVI+T4L9WGNzFlP1PsP1Z6hn2Fx8ISeZfDGnA=',
  },
  {
    sealed: Buffer.from(
      '9d163e0bc491aa3a2e31a4be6ee81d4ae874eea6887142ddd57865260dd4b056f1d586496d2ad79441771626de45b6e901010101010101010101010101010101020202020202020202020202',
      'hex',
    ),
    context: { bucket: 'bucket/object' },
    dataKey: Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64'),
  },
  ...kes.dataKeys.map(({ sealed, dataKey }) => ({
    sealed: Buffer.from(sealed, 'base64'),
    context: kes.context,
    dataKey,
  })),
]

test('data keys that MinIO sealed under a secret key, and each KES, open, and nothing that was changed does', async () => {
  const provider = createMasterKeyProvider({ kind: 'master-key', keyId: 'my-key', key: secretKey })
  const otherKey = createMasterKeyProvider({ kind: 'master-key', keyId: 'my-key', key: Buffer.alloc(32, 1) })
  assert.ok(kes.dataKeys.length >= 10)
  for (const { sealed, context, dataKey } of laterForms) {
    const decrypt = (changed: Uint8Array, other: Record<string, string> = context) =>
      provider.decrypt({ keyId: 'my-key', sealed: changed, context: other, signal: signal() })
    assert.is(Buffer.from(await decrypt(sealed)).toString('base64'), dataKey)
    await rejectsWith('invalid-ciphertext', decrypt(sealed, { other: 'other' }))
    await rejectsWith(
      'invalid-ciphertext',
      otherKey.decrypt({ keyId: 'my-key', sealed, context, signal: signal() }),
    )
    for (let position = 0; position < sealed.length; position++) {
      const changed = Buffer.from(sealed)
      changed[position] = (changed[position] ?? 0) ^ 1
      await rejectsWith('invalid-ciphertext', decrypt(changed))
    }
    await rejectsWith('invalid-ciphertext', decrypt(sealed.subarray(1)))
    await rejectsWith('invalid-ciphertext', decrypt(Buffer.concat([sealed, Buffer.of(0)])))
    for (let size = 0; size < sealed.length; size++)
      await rejectsWith('invalid-ciphertext', decrypt(sealed.subarray(0, size)))
  }
  await otherKey.close()
  await provider.close()
})

test('a data key in the bytes of 2024 opens whatever these begin and end with', async () => {
  const provider = createMasterKeyProvider({ kind: 'master-key', keyId: 'my-key', key: secretKey })
  const iv = Buffer.alloc(16, 1)
  for (const [first, last] of [
    ['{', '}'],
    ['\x95', '\xb1'],
  ]) {
    const nonce = Buffer.from(`eleven byte${last}`, 'latin1')
    const seal = (dataKey: Uint8Array) => {
      const sealingKey = createHmac('sha256', secretKey).update(iv).digest()
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(contextBytes(kes.context))
      return Buffer.concat([cipher.update(dataKey), cipher.final(), cipher.getAuthTag(), iv, nonce])
    }
    const dataKey = Buffer.alloc(32, 7)
    dataKey[0] = 7 ^ (seal(dataKey)[0] ?? 0) ^ Buffer.from(first ?? '', 'latin1').readUInt8()
    const sealed = seal(dataKey)
    assert.is(sealed.toString('latin1').at(0), first)
    assert.is(sealed.toString('latin1').at(-1), last)
    const { context } = kes
    const opened = await provider.decrypt({ keyId: 'my-key', sealed, context, signal: signal() })
    assert.equal(Buffer.from(opened), dataKey)
  }
  await provider.close()
})

test('HChaCha20 gives the value of its specification', () => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
  const output = hchacha20(key, Buffer.from('000000090000004a0000000031415927', 'hex'))
  const expected = '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc'
  assert.is(Buffer.from(output).toString('hex'), expected)
})

test('the all-zero master key opens MinIO’s own test vector', async () => {
  const { masterKey } = readVectors<{
    readonly masterKey: { readonly sealedDataKey: string; readonly dataKey: string }
  }>('keys')
  const provider = createMasterKeyProvider({ kind: 'master-key', keyId: 'test-key-1', key: Buffer.alloc(32) })
  const opened = await provider.decrypt({
    keyId: 'test-key-1',
    sealed: Buffer.from(masterKey.sealedDataKey, 'base64'),
    context: { bucket: 'bucket/object' },
    signal: signal(),
  })
  assert.is(Buffer.from(opened).toString('hex'), masterKey.dataKey)
  await provider.close()
})

test('the wrapping key is the one of MinIO’s master-key KMS', async () => {
  const context = { bucket: 'bucket/object' }
  const wrapping = createHmac('sha256', testMasterKey.key)
    .update(keyId)
    .update(contextBytes(context))
    .digest()
  assert.is(wrapping.toString('hex'), '3dc1bbdcba802850e58fa509c008f0ba727d26ba0c4110402c635ecf8d00eb3c')
  const plaintext = Buffer.alloc(32, 5)
  const provider = createMasterKeyProvider(testMasterKey)
  const sealed = sealBytes(wrapping, plaintext)
  const opened = await provider.decrypt({ keyId, sealed, context, signal: signal() })
  assert.equal(Buffer.from(opened), plaintext)
  await provider.close()
})

for (const [form, context] of [
  ['of the object', { bucket: 'bucket/a & <b>' }],
  ['of the bucket', { bucket: 'bucket' }],
] as const) {
  test(`a data key with a context ${form} opens with it, and with no other`, async () => {
    const provider = createMasterKeyProvider(testMasterKey)
    const { plaintext, sealed } = await provider.generateDataKey({ keyId, context, signal: signal() })
    const opened = await provider.decrypt({ keyId, sealed, context, signal: signal() })
    assert.equal(Buffer.from(opened), Buffer.from(plaintext))
    const other = { bucket: 'bucket/other' }
    await rejectsWith(
      'invalid-ciphertext',
      provider.decrypt({ keyId, sealed, context: other, signal: signal() }),
    )
    await provider.close()
  })
}

test('names with HTML characters open in both ways in which MinIO has escaped them', async () => {
  const provider = createMasterKeyProvider(testMasterKey)
  const context = { bucket: 'bucket/a&b' }
  for (const text of ['{"bucket":"bucket/a\\u0026b"}', '{"bucket":"bucket/a&b"}']) {
    const wrapping = createHmac('sha256', testMasterKey.key).update(keyId).update(text).digest()
    const sealed = sealBytes(wrapping, Buffer.alloc(32, 9))
    const opened = await provider.decrypt({ keyId, sealed, context, signal: signal() })
    assert.equal(Buffer.from(opened), Buffer.alloc(32, 9))
  }
  await provider.close()
})

test.run()
