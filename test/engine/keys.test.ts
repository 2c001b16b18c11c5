import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBytes, sealBytes } from '../../engine/dare.ts'
import { DareError } from '../../engine/errors.ts'
import {
  createIv,
  createObjectKey,
  deriveKey,
  isOwnIv,
  objectPath,
  openEtag,
  partKey,
  type SealAlgorithm,
  type SealDomain,
  sealEtag,
  sealObjectKey,
  unsealObjectKey,
} from '../../engine/keys.ts'
import { equalBytes, fromBase64, fromHex, patternBytes, toHex } from '../support/bytes.ts'
import { propertyRuns } from '../support/property.ts'
import { readVectors } from '../support/vectors.ts'

interface Vectors {
  readonly partKeys: { readonly objectKey: string; readonly byNumber: Record<string, string> }
  readonly keyEncryptionKeys: {
    readonly externalKey: string
    readonly iv: string
    readonly bucket: string
    readonly key: string
    readonly byDomain: Record<SealDomain, string>
    readonly sealed: {
      readonly domain: SealDomain
      readonly nonce: string
      readonly objectKey: string
      readonly sealedKey: string
    }
  }
  readonly etag: Record<'objectKey' | 'etagKey' | 'md5' | 'nonce' | 'sealed', string>
  readonly customerKeys: {
    readonly externalKeyAscii: string
    readonly bucket: string
    readonly key: string
    readonly rows: readonly {
      readonly algorithm: SealAlgorithm
      readonly iv: string
      readonly sealedKey: string
      readonly objectKey: string
    }[]
  }
  readonly masterKey: Record<
    | 'wrappingKey'
    | 'sealedDataKey'
    | 'dataKey'
    | 'iv'
    | 'keyEncryptionKey'
    | 'sealedKey'
    | 'objectKey'
    | 'bucket'
    | 'key',
    string
  >
}

const test = suite('engine/keys')
const vectors = readVectors<Vectors>('keys')
const domains: readonly SealDomain[] = ['SSE-S3', 'SSE-KMS', 'SSE-C']
const tagMismatch = (error: unknown) => error instanceof DareError && error.code === 'tag-mismatch'

test('part keys are the known ones', () => {
  const objectKey = fromHex(vectors.partKeys.objectKey)
  for (const [number, expected] of Object.entries(vectors.partKeys.byNumber)) {
    assert.is(toHex(partKey(objectKey, Number(number))), expected)
  }
})

test('a sealed key opens under the known key-encryption key of its domain, and only there', () => {
  const { externalKey, iv, bucket, key, byDomain } = vectors.keyEncryptionKeys
  for (const domain of domains) {
    const objectKey = createObjectKey()
    const sealed = sealObjectKey({
      objectKey,
      externalKey: fromHex(externalKey),
      iv: fromHex(iv),
      domain,
      bucket,
      key,
    })
    assert.is(sealed.length, 64)
    for (const other of domains) {
      const open = () => openBytes(fromHex(byDomain[other]), sealed)
      if (other === domain) equalBytes(open(), objectKey)
      else assert.throws(open, tagMismatch)
    }
  }
})

test('the object key with a known nonce is sealed to the known bytes', () => {
  const { byDomain, sealed } = vectors.keyEncryptionKeys
  const kek = fromHex(byDomain[sealed.domain])
  const bytes = sealBytes(kek, fromHex(sealed.objectKey), { nonce: fromHex(sealed.nonce) })
  equalBytes(bytes, fromBase64(sealed.sealedKey))
})

test('the ETag key and a sealed ETag are the known ones', () => {
  const { objectKey, etagKey, md5, nonce, sealed } = vectors.etag
  assert.is(toHex(deriveKey(fromHex(objectKey), 'SSE-etag')), etagKey)
  assert.is(toHex(sealBytes(fromHex(etagKey), fromHex(md5), { nonce: fromHex(nonce) })), sealed)
  assert.is(toHex(openEtag(fromHex(objectKey), fromHex(sealed))), md5)
  equalBytes(openEtag(fromHex(objectKey), sealEtag(fromHex(objectKey), fromHex(md5))), fromHex(md5))
})

for (const row of vectors.customerKeys.rows) {
  test(`a customer's sealed key is opened: ${row.algorithm}, iv ${row.iv.slice(0, 8)}`, () => {
    const { externalKeyAscii, bucket, key } = vectors.customerKeys
    const binding = { externalKey: Buffer.from(externalKeyAscii), iv: fromBase64(row.iv), bucket, key }
    const sealedKey = fromBase64(row.sealedKey)
    const { algorithm } = row
    const opened = unsealObjectKey({ ...binding, sealedKey, algorithm, domain: 'SSE-C' })
    assert.is(toHex(opened), row.objectKey)
  })
}

test('the legacy sealing is for SSE-C only', () => {
  const row = vectors.customerKeys.rows.find(({ algorithm }) => algorithm === 'DARE-SHA256')
  assert.ok(row)
  const { externalKeyAscii, bucket, key } = vectors.customerKeys
  const unseal = (domain: SealDomain) =>
    unsealObjectKey({
      externalKey: Buffer.from(externalKeyAscii),
      iv: fromBase64(row.iv),
      bucket,
      key,
      domain,
      algorithm: row.algorithm,
      sealedKey: fromBase64(row.sealedKey),
    })
  assert.throws(
    () => unseal('SSE-S3'),
    (error: unknown) => error instanceof DareError && error.code === 'unsupported-version',
  )
})

test("a legacy sealed key does not open as today's, nor today's as legacy", () => {
  const { externalKeyAscii, bucket, key, rows } = vectors.customerKeys
  for (const { algorithm, iv, sealedKey } of rows) {
    const other = algorithm === 'DARE-SHA256' ? 'DAREv2-HMAC-SHA256' : 'DARE-SHA256'
    assert.throws(
      () =>
        unsealObjectKey({
          externalKey: Buffer.from(externalKeyAscii),
          iv: fromBase64(iv),
          bucket,
          key,
          domain: 'SSE-C',
          algorithm: other,
          sealedKey: fromBase64(sealedKey),
        }),
      // What is sealed in the old way may be of either version, as with MinIO; but the keys of the two ways differ.
      (error: unknown) =>
        error instanceof DareError &&
        error.code === (other === 'DARE-SHA256' ? 'tag-mismatch' : 'unsupported-version'),
    )
  }
})

test('an object key under a master key is opened, step by step', () => {
  const { wrappingKey, sealedDataKey, dataKey, iv, keyEncryptionKey, sealedKey, objectKey, bucket, key } =
    vectors.masterKey
  assert.is(toHex(openBytes(fromHex(wrappingKey), fromBase64(sealedDataKey))), dataKey)
  assert.is(toHex(openBytes(fromHex(keyEncryptionKey), fromBase64(sealedKey))), objectKey)
  const opened = unsealObjectKey({
    externalKey: fromHex(dataKey),
    iv: fromBase64(iv),
    bucket,
    key,
    domain: 'SSE-S3',
    sealedKey: fromBase64(sealedKey),
  })
  assert.is(toHex(opened), objectKey)
})

test('paths are cleaned as Go does it', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['bucket', 'object', 'bucket/object'],
    ['bucket', 'a//b', 'bucket/a/b'],
    ['bucket', 'a/./b', 'bucket/a/b'],
    ['bucket', 'a/../b', 'bucket/b'],
    ['bucket', 'dir/', 'bucket/dir'],
    ['bucket', '/', 'bucket'],
    ['bucket', '..', '.'],
    ['bucket', '../..', '..'],
    ['bucket', '../../../x', '../../x'],
    ['bucket', '...', 'bucket/...'],
    ['bucket', 'ü/雪', 'bucket/ü/雪'],
  ]
  for (const [bucket, key, path] of cases) assert.is(objectPath(bucket, key), path)
})

test('an object key opens with every input as it was sealed, and with no other', () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(
      bytes32,
      bytes32,
      bytes32,
      fc.constantFrom(...domains),
      (objectKey, externalKey, iv, domain) => {
        const binding = { externalKey, iv, domain, bucket: 'bucket', key: 'a/b' }
        const sealedKey = sealObjectKey({ ...binding, objectKey })
        equalBytes(unsealObjectKey({ ...binding, sealedKey }), objectKey)
        const flipped = (bytes: Uint8Array, at: number) =>
          bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
        const others = [
          { ...binding, bucket: 'bucket2' },
          { ...binding, key: 'a/c' },
          { ...binding, bucket: 'bucket/a', key: 'c' },
          { ...binding, iv: flipped(iv, 31) },
          { ...binding, externalKey: flipped(externalKey, 0) },
          { ...binding, domain: domains[(domains.indexOf(domain) + 1) % 3] ?? domain },
        ]
        for (const other of others) assert.throws(() => unsealObjectKey({ ...other, sealedKey }), tagMismatch)
      },
    ),
    propertyRuns,
  )
})

test('no byte of a sealed key can be changed, and its size is exact', () => {
  const binding = {
    externalKey: patternBytes(32),
    iv: patternBytes(32, 7),
    domain: 'SSE-S3',
    bucket: 'b',
    key: 'k',
  } as const
  const sealedKey = sealObjectKey({ ...binding, objectKey: createObjectKey() })
  for (let at = 0; at < sealedKey.length; at++) {
    const changed = sealedKey.slice()
    changed[at] = (changed[at] ?? 0) ^ 0x80
    assert.throws(
      () => unsealObjectKey({ ...binding, sealedKey: changed }),
      (error: unknown) => error instanceof DareError,
      `byte ${at}`,
    )
  }
  for (const size of [0, 1, 63]) {
    assert.throws(
      () => unsealObjectKey({ ...binding, sealedKey: sealedKey.subarray(0, size) }),
      (error: unknown) => error instanceof DareError && error.code === 'invalid-payload-size',
    )
  }
})

test('the key that a store is given for one path opens no sealed key of another', () => {
  const externalKey = patternBytes(32, 9)
  const filler = 'x'.repeat(20)
  const path = `bucket/${filler}SSE-CDAREv2-HMAC-SHA256bucket/victim`
  const storeKey = createHmac('sha256', externalKey).update(`SSE-C${path}`).digest()
  const forged = {
    externalKey,
    iv: Buffer.from(`SSE-Cbucket/${filler}`),
    bucket: 'bucket',
    key: 'victim',
    sealedKey: sealBytes(storeKey, patternBytes(32, 1)),
  }
  assert.throws(() => unsealObjectKey({ ...forged, domain: 'SSE-C' }), tagMismatch)
  // A data key has made nobody such a key.
  const sealing = { ...forged, domain: 'SSE-S3', objectKey: patternBytes(32, 2) } as const
  equalBytes(unsealObjectKey({ ...sealing, sealedKey: sealObjectKey(sealing) }), sealing.objectKey)
})

test('an iv says that it is ours, and another does not', () => {
  const [iv, other] = [createIv(), createIv()]
  assert.is(iv.length, 32)
  assert.ok(isOwnIv(iv))
  assert.not.equal(iv, other)
  for (let at = 0; at < 8; at++)
    assert.not.ok(isOwnIv(iv.map((byte, index) => (index === at ? byte ^ 1 : byte))))
})

test('a key of another size is the caller’s mistake', () => {
  const binding = { iv: new Uint8Array(32), domain: 'SSE-C', bucket: 'b', key: 'k' } as const
  const short = new Uint8Array(31)
  const objectKey = new Uint8Array(32)
  assert.throws(() => sealObjectKey({ ...binding, externalKey: short, objectKey }), /external key has 31/)
  assert.throws(
    () => sealObjectKey({ ...binding, externalKey: objectKey, objectKey, iv: short }),
    /iv has 31 bytes/,
  )
  assert.throws(() => partKey(short, 1), /object key has 31 bytes/)
  assert.throws(() => sealEtag(objectKey, short), /md5 has 31 bytes/)
})

test.run()
