import { createHash, randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { parseEnvelope, sealEnvelope } from '../../../s3api/sse/envelope.ts'
import { startTestControl } from '../../support/control.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { serveGateway, serveStore } from '../../support/gateway-front-end.ts'
import { withKept } from '../../support/kept.ts'
import { refusal, withClient } from '../../support/s3-client.ts'
import { tamperRows } from '../../support/store-rows.ts'

/** Uploads with SSE-C that are completed without their key, as S3 allows. */

const test = suite('s3api/sse/keyless-completion')
const Bucket = 'bucket'
const Key = 'key'
const customerKey = Buffer.alloc(32, 7)
const customer = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: customerKey.toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(customerKey).digest('base64'),
}
const bodies = [randomBytes(5 * 1024 ** 2), Buffer.from('the last part')]

/** An upload with all its parts, and what completes it. */
async function sendParts(client: S3Client, algorithm: { readonly ChecksumAlgorithm?: 'CRC32' } = {}) {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...customer, ...algorithm }),
  )
  const Parts = []
  for (const [index, Body] of bodies.entries()) {
    const part = { Bucket, Key, UploadId, PartNumber: index + 1, ...algorithm }
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...part, Body, ...customer }))
    Parts.push({ PartNumber: index + 1, ETag, ...(algorithm.ChecksumAlgorithm && { ChecksumCRC32 }) })
  }
  const input = { Bucket, Key, UploadId, MultipartUpload: { Parts } }
  return (key: Partial<typeof customer> = {}) =>
    client.send(new CompleteMultipartUploadCommand({ ...input, ...key }))
}

async function requireContent(client: S3Client): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...customer }))
  const content = Buffer.from((await Body?.transformToByteArray()) ?? [])
  assert.is(content.compare(Buffer.concat(bodies)), 0)
}

const withBucket = (work: (client: S3Client, front: TestFrontEnd) => Promise<void>): Promise<void> =>
  withFrontEnd({}, (front) =>
    withClient(front.url, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket }))
      await work(client, front)
    }),
  )

/** The envelope of the upload that began last. */
function uploadEnvelope({ directory }: TestFrontEnd): Uint8Array {
  const database = openDatabase(`${directory}/.sealgate/meta.sqlite`, { readOnly: true })
  try {
    const row = database.prepare('SELECT envelope FROM uploads ORDER BY rowid DESC').get()
    if (!(row?.envelope instanceof Uint8Array)) throw new Error('no upload is encrypted')
    return row.envelope
  } finally {
    database.close()
  }
}

test('an upload is completed without the key that its parts were sent with', () =>
  withBucket(async (client) => {
    const complete = await sendParts(client)
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...customer }))
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: 'content' }
    assert.is((await refusal(client.send(new UploadPartCommand(part)))).name, 'InvalidRequest')
    const done = await complete()
    assert.match(done.ETag ?? '', /-2"$/)
    await requireContent(client)
    const again = await complete(customer)
    assert.is(again.ETag, done.ETag)
    assert.is((await refusal(complete())).name, 'NoSuchUpload')
    const keyless = client.send(new GetObjectCommand({ Bucket, Key }))
    assert.is((await refusal(keyless)).name, 'InvalidRequest')
  }))

test('with a checksum algorithm it takes the key', () =>
  withBucket(async (client) => {
    const complete = await sendParts(client, { ChecksumAlgorithm: 'CRC32' })
    assert.is((await refusal(complete())).name, 'InvalidRequest')
    await complete(customer)
    await requireContent(client)
  }))

test('another key than that of the parts completes nothing', () =>
  withBucket(async (client) => {
    const complete = await sendParts(client)
    const other = Buffer.alloc(32, 8)
    const wrong = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: other.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(other).digest('base64'),
    }
    assert.is((await refusal(complete(wrong))).name, 'InvalidArgument')
    await complete()
    await requireContent(client)
  }))

test('where SSE-C is blocked, an upload is not completed without a key either', () =>
  withBucket(async (client) => {
    const complete = await sendParts(client)
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
    } as const
    const ServerSideEncryptionConfiguration = {
      Rules: [{ ...rule, BlockedEncryptionTypes: { EncryptionType: ['SSE-C' as const] } }],
    }
    await client.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }))
    for (const key of [{}, customer]) {
      assert.is((await refusal(complete(key))).name, 'AccessDenied')
    }
  }))

test('a part’s record and the upload’s envelope are checked without the key as with it', () =>
  withBucket(async (client, front) => {
    const complete = await sendParts(client)
    const own = uploadEnvelope(front)
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...customer }))
    const { completion } = parseEnvelope(uploadEnvelope(front))
    if (completion === undefined) throw new Error('the upload has no completion')
    const binding = {
      macKey: customerKey,
      bucket: Bucket,
      key: Key,
      facts: { etag: '', modifiedAtMs: 0, headers: {}, metadata: {}, storageClass: '' },
    }
    const set = (envelope: Uint8Array) =>
      tamperRows(front.directory, 'UPDATE uploads SET envelope = ? WHERE rowid = 1', envelope)
    set(sealEnvelope({ ...parseEnvelope(own), completion }, binding))
    assert.is((await refusal(complete())).name, 'XMinioObjectTampered')
    const damaged = new Uint8Array(own)
    damaged.set([1], damaged.length - 40)
    set(damaged)
    assert.is((await refusal(complete())).name, 'XMinioObjectTampered')
    set(own)
    const setMac = (sql: string) =>
      tamperRows(front.directory, `UPDATE parts SET mac = ${sql} WHERE number = 2`)
    setMac('(SELECT mac FROM parts WHERE number = 1)')
    assert.is((await refusal(complete())).name, 'XMinioObjectTampered')
    setMac('NULL')
    assert.is((await refusal(complete())).name, 'XMinioObjectTampered')
  }))

test('only the envelope of an upload with SSE-C has a completion', () => {
  const kms = {
    keyId: 'key',
    sealedDataKey: Buffer.alloc(9),
    contextForm: 'bucket',
    clientContext: {},
  } as const
  const iv = new Uint8Array(32)
  const completion = { iv, kms, sealedKey: new Uint8Array(64), sealedMacKeys: new Uint8Array(96) }
  const facts = { etag: '', modifiedAtMs: 0, headers: {}, metadata: {}, storageClass: '' }
  const read = (seal: { mode: 'SSE-C' } | { mode: 'SSE-S3'; kms: typeof kms }) => {
    const envelope = { ...seal, iv, sealedObjectKey: new Uint8Array(64), layout: 'parts', size: 0 } as const
    const binding = { macKey: customerKey, bucket: Bucket, key: Key, facts }
    return parseEnvelope(sealEnvelope({ ...envelope, parts: [], completion }, binding)).completion
  }
  assert.is(read({ mode: 'SSE-C' })?.sealedMacKeys.length, 96)
  assert.is(read({ mode: 'SSE-S3', kms }), undefined)
})

test('without a KMS, or while it is away, the key is asked for', () =>
  withKept(async (keep) => {
    const bare = keep(await serveStore())
    await bare.client.send(new CreateBucketCommand({ Bucket }))
    const complete = await sendParts(bare.client)
    assert.is((await refusal(complete())).name, 'InvalidRequest')
    await complete(customer)
    await requireContent(bare.client)

    const control = await startTestControl({ deadlineMs: 500 })
    const store = keep(await serveStore(control.keys))
    await store.client.send(new CreateBucketCommand({ Bucket }))
    await control.control.close()
    const completeAlone = await sendParts(store.client)
    assert.is((await refusal(completeAlone())).name, 'InvalidRequest')
    await completeAlone(customer)
    await requireContent(store.client)
  }))

test('an upload does not wait for a KMS that hangs', () =>
  withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const hanging = new Promise<never>(() => {})
    const store = keep(await serveStore({ ...keys, leaseDataKey: () => hanging }))
    await store.client.send(new CreateBucketCommand({ Bucket }))
    const complete = await sendParts(store.client)
    assert.is((await refusal(complete())).name, 'InvalidRequest')
    await complete(customer)
    await requireContent(store.client)
  }))

test('a gateway needs no key for it, unless the store behind it has one as well', () =>
  withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore(keys))
    const single = keep(await serveGateway(store.url, { keys, config: { systemBucket: 'single.system' } }))
    await single.client.send(new CreateBucketCommand({ Bucket }))
    await (await sendParts(single.client))()
    await requireContent(single.client)

    const config = { systemBucket: 'double.system', double: { s3: false, c: true } }
    const double = keep(await serveGateway(store.url, { keys, config }))
    const complete = await sendParts(double.client)
    const keyless = await refusal(complete())
    assert.is(keyless.name, 'InvalidRequest')
    assert.match(keyless.message, 'encrypts this upload as well')
    await complete(customer)
    await requireContent(double.client)
  }))

test.run()
