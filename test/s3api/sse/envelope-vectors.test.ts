import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DareError, unsealObjectKey } from '../../../engine/index.ts'
import { sealPart, verifyPart } from '../../../s3api/operations/uploads.ts'
import { envelopeMacKey, parseEnvelope, verifyEnvelope } from '../../../s3api/sse/envelope.ts'
import { uploadMacKeys } from '../../../s3api/sse/upload-mac-keys.ts'
import { fromHex, toHex } from '../../support/bytes.ts'
import { readVectors } from '../../support/vectors.ts'

/** The vectors that FORMAT.md §4.4 and §5 show. */
interface Vectors {
  readonly objectKey: string
  readonly externalKey: string
  readonly bucket: string
  readonly key: string
  readonly facts: Parameters<typeof verifyEnvelope>[1]['facts']
  readonly macKey: string
  readonly macFields: readonly string[]
  readonly message: string
  readonly mac: string
  readonly part: { readonly macKey: string; readonly macFields: readonly string[]; readonly mac: string }
}

const test = suite('s3api/sse/envelope-vectors')
const vectors = readVectors<Vectors>('envelope')
const objectKey = fromHex(vectors.objectKey)
const stored = fromHex(vectors.message + vectors.mac)
const binding = {
  macKey: envelopeMacKey(objectKey),
  bucket: vectors.bucket,
  key: vectors.key,
  facts: vectors.facts,
}

/** FORMAT.md §4.3 once more, written from its text. */
function macOf(macKey: Uint8Array, fields: readonly Uint8Array[]): string {
  const message = fields.flatMap((field) => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(field.length)
    return [size, field]
  })
  return createHmac('sha256', macKey).update(Buffer.concat(message)).digest('hex')
}

test('the envelope of the page has the fields that the page names', () => {
  const envelope = parseEnvelope(stored)
  assert.is(envelope.mode, 'SSE-S3')
  assert.is(envelope.kms?.keyId, 'my-minio-key')
  assert.is(envelope.kms?.contextForm, 'object')
  assert.is(envelope.layout, 'single')
  assert.is(envelope.size, 11)
  const opened = unsealObjectKey({
    externalKey: fromHex(vectors.externalKey),
    iv: envelope.iv,
    domain: envelope.mode,
    bucket: vectors.bucket,
    key: vectors.key,
    sealedKey: envelope.sealedObjectKey,
  })
  assert.is(toHex(opened), vectors.objectKey)
})

test('the MAC of the page is the one of its fields, by the page and by the program', () => {
  const macKey = createHmac('sha256', objectKey).update('sealgate/envelope/1').digest()
  assert.is(toHex(macKey), vectors.macKey)
  const fields = [...vectors.macFields.map((text) => Buffer.from(text)), fromHex(vectors.message)]
  assert.is(macOf(macKey, fields), vectors.mac)
  verifyEnvelope(stored, binding)
})

test('the MAC of a part is the one of its fields', () => {
  const { macKey, macFields, mac } = vectors.part
  const derived = createHmac('sha256', objectKey).update('sealgate/part/1').digest()
  assert.is(toHex(derived), macKey)
  assert.is(
    macOf(
      derived,
      macFields.map((text) => Buffer.from(text)),
    ),
    mac,
  )
  const [number, size, etag = '', generation = '', algorithm, type, value = ''] = macFields
  assert.is(algorithm, 'CRC32')
  assert.is(type, 'FULL_OBJECT')
  const part = {
    number: Number(number),
    size: Number(size),
    etag,
    generation,
    modifiedAtMs: 0,
    checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value },
  } as const
  const opened = { encryption: { envelope: parseEnvelope(stored), objectKey } }
  assert.is(toHex(sealPart(part, opened).mac ?? new Uint8Array()), mac)
  const toComplete = { encryption: { envelope: parseEnvelope(stored), macKeys: uploadMacKeys(objectKey) } }
  verifyPart({ ...part, mac: fromHex(mac) }, toComplete)
  for (const changed of [{ number: 4 }, { size: 1 }, { etag: mac }, { generation: etag }, { mac: stored }]) {
    assert.throws(
      () => verifyPart({ ...part, mac: fromHex(mac), ...changed }, toComplete),
      (error: unknown) => error instanceof DareError && error.code === 'tag-mismatch',
    )
  }
})

test('no byte of an envelope can be changed, nor a name or a fact beside it', () => {
  const refused = (bytes: Uint8Array, changed: Partial<typeof binding>, what: string) =>
    assert.throws(
      () => verifyEnvelope(bytes, { ...binding, ...changed }),
      (error: unknown) => error instanceof DareError && error.code === 'tag-mismatch',
      what,
    )
  for (let at = 0; at < stored.length; at++) {
    const changed = stored.map((byte, index) => (index === at ? byte ^ 1 : byte))
    refused(changed, {}, `byte ${at}`)
  }
  refused(stored, { bucket: 'bucket2' }, 'another bucket')
  refused(stored, { key: 'object2' }, 'another key')
  refused(stored, { bucket: 'bucketo', key: 'bject' }, 'the same letters')
  refused(stored, { macKey: new Uint8Array(32) }, 'another object key')
  const { facts } = vectors
  refused(stored, { facts: { ...facts, etag: 'd41d8cd98f00b204e9800998ecf8427e' } }, 'etag')
  refused(stored, { facts: { ...facts, modifiedAtMs: facts.modifiedAtMs + 1 } }, 'time')
  refused(stored, { facts: { ...facts, storageClass: 'GLACIER' } }, 'storage class')
  refused(stored, { facts: { ...facts, metadata: {} } }, 'metadata dropped')
  refused(stored, { facts: { ...facts, headers: { 'content-type': 'text/html' } } }, 'content type')
  refused(stored, { facts: { ...facts, headers: facts.metadata, metadata: facts.headers } }, 'swapped')
  const { checksum, ...rest } = facts
  assert.ok(checksum)
  refused(stored, { facts: rest }, 'checksum dropped')
  refused(stored, { facts: { ...facts, parts: [{ number: 1, size: 11 }] } }, 'a part table')
})

test.run()
