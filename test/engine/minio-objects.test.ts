import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  deriveKey,
  objectPath,
  openBytes,
  openEtag,
  partKey,
  plaintextSizeOf,
  unsealObjectKey,
} from '../../engine/index.ts'
import { fromBase64, fromHex, toHex } from '../support/bytes.ts'
import { readVectors } from '../support/vectors.ts'

/** Objects that MinIO itself wrote (2019-03), and what it sealed them with. */
interface StoredObject {
  readonly kind: 'fs' | 'gateway' | 'gateway-multipart'
  readonly bucket: string
  readonly object: string
  readonly fsJson?: { readonly meta: Record<string, string> }
  readonly dareMetaRaw?: string
  readonly partMetaRaw?: string
  readonly dataHex: string
  readonly context?: string
  readonly masterDerived?: string
  readonly externalKey: string
  readonly kek: string
  readonly oek: string
  readonly etagKey?: string
  readonly etagPlain?: string
  readonly partKey3?: string
  readonly partEtagPlain?: string
}

interface Meta {
  readonly etag: string
  readonly meta: Record<string, string>
}

const test = suite('engine/minio-objects')
const objects = readVectors<readonly StoredObject[]>('minio-objects')
const plaintext = 'hello minio sse\n'
const masterKeyId = 'my-minio-key'
const masterKey = fromHex('6368616e676520746869732070617373776f726420746f206120736563726574')
const prefix = 'X-Minio-Internal-Server-Side-Encryption-'

function metaOf(object: StoredObject): Meta {
  if (object.fsJson === undefined) return JSON.parse(object.dareMetaRaw ?? '{}') as Meta
  const { meta } = object.fsJson
  return { meta, etag: meta.etag ?? '' }
}

for (const object of objects) {
  test(`${object.kind} ${object.bucket}/${object.object} opens from its master or customer key to its plaintext`, () => {
    const { meta, etag } = metaOf(object)
    const { bucket, object: key } = object
    const externalKey = fromHex(object.externalKey)
    if (object.context !== undefined && object.masterDerived !== undefined) {
      assert.is(object.context, `{"${bucket}":"${objectPath(bucket, key)}"}`)
      const wrapping = createHmac('sha256', masterKey).update(masterKeyId).update(object.context).digest()
      assert.is(toHex(wrapping), object.masterDerived)
      const sealedDataKey = fromBase64(meta[`${prefix}S3-Kms-Sealed-Key`] ?? '')
      assert.is(toHex(openBytes(wrapping, sealedDataKey)), object.externalKey)
    }
    const domain = object.context === undefined ? 'SSE-C' : 'SSE-S3'
    const sealedKey = fromBase64(
      meta[domain === 'SSE-C' ? `${prefix}Sealed-Key` : `${prefix}S3-Sealed-Key`] ?? '',
    )
    assert.is(toHex(openBytes(fromHex(object.kek), sealedKey)), object.oek)
    const iv = fromBase64(meta[`${prefix}Iv`] ?? '')
    const objectKey = unsealObjectKey({ externalKey, iv, domain, bucket, key, sealedKey })
    assert.is(toHex(objectKey), object.oek)

    const isMultipart = object.partKey3 !== undefined
    const contentKey = isMultipart ? partKey(objectKey, 3) : objectKey
    if (isMultipart) assert.is(toHex(contentKey), object.partKey3)
    const data = fromHex(object.dataHex)
    assert.is(plaintextSizeOf(data.length), plaintext.length)
    assert.is(Buffer.from(openBytes(contentKey, data)).toString('ascii'), plaintext)

    if (object.etagKey !== undefined) {
      assert.is(toHex(deriveKey(objectKey, 'SSE-etag')), object.etagKey)
    }
    const sealedEtag = isMultipart ? (JSON.parse(object.partMetaRaw ?? '{}') as Meta).etag : etag
    assert.is(toHex(openEtag(objectKey, fromHex(sealedEtag))), object.partEtagPlain ?? object.etagPlain)
  })
}

test.run()
