import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../../control/errors.ts'
import { createMasterKeyProvider } from '../../../control/providers/master-key.ts'
import type { Provider } from '../../../control/providers/provider.ts'
import { testMasterKey } from '../../support/control.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/sse/requests')

const sse = 'x-amz-server-side-encryption'
const key = Buffer.alloc(32, 7)
const customer = (bytes: Buffer = key, prefix = `${sse}-customer-`) => ({
  [`${prefix}algorithm`]: 'AES256',
  [`${prefix}key`]: bytes.toString('base64'),
  [`${prefix}key-md5`]: createHash('md5').update(bytes).digest('base64'),
})
const sourceCustomer = (bytes?: Buffer) =>
  customer(bytes, 'x-amz-copy-source-server-side-encryption-customer-')
const kms = { [sse]: 'aws:kms' }
const withContext = (json: string) => ({ ...kms, [`${sse}-context`]: Buffer.from(json).toString('base64') })
const contextOf = (entries: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: entries }, (_, index) => [`name-${index}`, ''])))
const put = (front: TestFrontEnd, headers: Record<string, string>, name = 'key') =>
  front.send({ method: 'PUT', target: `/bucket/${name}`, headers, body: 'content' })
const read = (front: TestFrontEnd, headers: Record<string, string>, method = 'GET', name = 'key') =>
  front.send({ method, target: `/bucket/${name}`, headers })

const withBucket = (
  options: Parameters<typeof withFrontEnd>[0],
  work: (front: TestFrontEnd) => Promise<void>,
): Promise<void> =>
  withFrontEnd(options, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await work(front)
  })

test('headers that contradict each other are refused before anything is stored', () =>
  withBucket({}, async (front) => {
    const { [`${sse}-customer-key-md5`]: _, ...withoutMd5 } = customer()
    const cases: readonly (readonly [Record<string, string>, number, string])[] = [
      [{ ...customer(), [sse]: 'AES256' }, 400, 'InvalidArgument'],
      [{ ...customer(), ...kms }, 400, 'InvalidArgument'],
      [{ [sse]: 'AES256', [`${sse}-aws-kms-key-id`]: 'my-minio-key' }, 400, 'InvalidArgument'],
      [{ [`${sse}-aws-kms-key-id`]: 'my-minio-key' }, 400, 'InvalidArgument'],
      [{ [sse]: 'aes:kms' }, 400, 'InvalidArgument'],
      [{ [sse]: 'AES128' }, 400, 'InvalidArgument'],
      [{ [sse]: '' }, 400, 'InvalidArgument'],
      [{ ...customer(), [`${sse}-customer-algorithm`]: 'AES192' }, 400, 'InvalidArgument'],
      [{ [`${sse}-customer-algorithm`]: 'AES256' }, 400, 'InvalidArgument'],
      [withoutMd5, 400, 'InvalidArgument'],
      [customer(Buffer.alloc(31)), 400, 'InvalidArgument'],
      [{ ...customer(), [`${sse}-customer-key-md5`]: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 400, 'InvalidArgument'],
      [{ ...kms, [`${sse}-aws-kms-key-id`]: 'gone' }, 400, 'KMS.NotFoundException'],
      [{ ...kms, [`${sse}-context`]: 'e30' }, 400, 'InvalidArgument'],
      [withContext('{"a":1}'), 400, 'InvalidArgument'],
      [withContext('{"a":"\\ud800"}'), 400, 'InvalidArgument'],
      [withContext('{"\\udfffa":""}'), 400, 'InvalidArgument'],
      [withContext(contextOf(64)), 400, 'InvalidArgument'],
    ]
    for (const [headers, status, code] of cases) {
      const answer = await put(front, headers)
      assert.equal([answer.status, answer.code], [status, code], JSON.stringify(headers))
    }
    assert.is((await read(front, {})).code, 'NoSuchKey')
  }))

test('a context that is too large for the KMS is the client’s mistake, and stores nothing', () => {
  const kms = createMasterKeyProvider(testMasterKey)
  const provider: Provider = {
    ...kms,
    async generateDataKey(call) {
      if (JSON.stringify(call.context).length > 4096) throw new KmsError('too-large', 'vault answered 413')
      return kms.generateDataKey(call)
    },
  }
  return withBucket({ provider }, async (front) => {
    const answer = await put(front, withContext(JSON.stringify({ name: 'x'.repeat(5000) })))
    assert.equal([answer.status, answer.code], [400, 'InvalidArgument'])
    assert.match(answer.body, 'The encryption context is larger than the KMS takes.')
    assert.is((await read(front, {})).code, 'NoSuchKey')
    assert.is((await put(front, withContext(JSON.stringify({ name: 'x' })))).status, 200)
  })
})

test('an object under a customer’s key is read with that key and no other', () =>
  withBucket({}, async (front) => {
    const stored = await put(front, customer())
    assert.is(stored.headers[`${sse}-customer-algorithm`], 'AES256')
    assert.is(stored.headers[`${sse}-customer-key-md5`], customer()[`${sse}-customer-key-md5`])
    assert.is((await read(front, customer())).body, 'content')
    assert.is((await read(front, customer(), 'HEAD')).headers['content-length'], '7')
    assert.is((await read(front, {})).status, 400)
    assert.is((await read(front, {}, 'HEAD')).status, 400)
    const wrong = await read(front, customer(Buffer.alloc(32, 8)))
    assert.is(wrong.status, 400)
    assert.not.match(wrong.body, 'content')
    const { code } = await front.send({
      method: 'PUT',
      target: '/bucket/copy',
      headers: { 'x-amz-copy-source': 'bucket/key', ...sourceCustomer(Buffer.alloc(32, 8)) },
    })
    assert.is(code, 'InvalidArgument')
  }))

test('a customer’s key for an object without one is refused', () =>
  withBucket({}, async (front) => {
    await put(front, {}, 'plain')
    await put(front, { [sse]: 'AES256' }, 'sealed')
    for (const name of ['plain', 'sealed']) {
      assert.is((await read(front, customer(), 'GET', name)).code, 'InvalidRequest')
      const copied = await front.send({
        method: 'PUT',
        target: '/bucket/copy',
        headers: { 'x-amz-copy-source': `bucket/${name}`, ...sourceCustomer() },
      })
      assert.is(copied.code, 'InvalidRequest')
    }
  }))

test('a read does not name an encryption', () =>
  withBucket({}, async (front) => {
    await put(front, kms)
    for (const headers of [{ [sse]: 'AES256' }, kms, { [`${sse}-aws-kms-key-id`]: 'my-minio-key' }]) {
      assert.is((await read(front, headers)).status, 400)
      assert.is((await read(front, headers, 'HEAD')).status, 400)
    }
    assert.is((await read(front, {})).headers[sse], 'aws:kms')
  }))

test('an encryption context has as many entries as control takes beside the bucket’s', () =>
  withBucket({}, async (front) => {
    assert.is((await put(front, withContext(contextOf(63)))).status, 200)
    assert.is((await read(front, {})).body, 'content')
  }))

test('an encryption context is bound, shown once, and not told to readers', () =>
  withBucket({}, async (front) => {
    const context = Buffer.from('{"department":"ü"}').toString('base64')
    const stored = await put(front, { ...kms, [`${sse}-context`]: context })
    assert.is(stored.headers[`${sse}-context`], context)
    const got = await read(front, {})
    assert.equal([got.body, got.headers[`${sse}-context`]], ['content', undefined])
  }))

test('customer keys over plain HTTP are refused unless that is allowed', () =>
  withBucket({ config: { allowSseCOverHttp: false } }, async (front) => {
    const answer = await put(front, customer())
    assert.equal([answer.status, answer.code], [400, 'InvalidRequest'])
    assert.is((await read(front, customer())).code, 'InvalidRequest')
    assert.is((await read(front, customer(), 'HEAD')).status, 400)
    const copied = await front.send({
      method: 'PUT',
      target: '/bucket/copy',
      headers: { 'x-amz-copy-source': 'bucket/key', ...sourceCustomer() },
    })
    assert.is(copied.code, 'InvalidRequest')
    // Whoever is not a trusted proxy cannot claim TLS.
    const claimed = await put(front, { ...customer(), 'x-forwarded-proto': 'https' })
    assert.is(claimed.code, 'InvalidRequest')
  }))

test('customer keys through a trusted proxy that says it had TLS are taken', () =>
  withBucket({ config: { allowSseCOverHttp: false, trustedProxies: ['127.0.0.0/8'] } }, async (front) => {
    assert.is((await put(front, { ...customer(), 'x-forwarded-proto': 'https' })).status, 200)
    assert.is((await put(front, { ...customer(), 'x-forwarded-proto': 'http' })).status, 400)
    assert.is((await put(front, customer())).status, 400)
  }))

test('auto-encryption covers every path that writes', () =>
  withBucket({ config: { autoEncryption: true } }, async (front) => {
    for (const name of ['key', 'folder/', 'a//b', 'empty']) {
      const body = name === 'empty' ? '' : 'content'
      const stored = await front.send({ method: 'PUT', target: `/bucket/${name}`, body })
      assert.is(stored.headers[sse], 'AES256', name)
      assert.is((await read(front, {}, 'GET', name)).body, body)
    }
    const copied = await front.send({
      method: 'PUT',
      target: '/bucket/copy',
      headers: { 'x-amz-copy-source': 'bucket/key' },
    })
    assert.is(copied.headers[sse], 'AES256')
    const created = await front.send({ method: 'POST', target: '/bucket/parts?uploads=' })
    assert.is(created.headers[sse], 'AES256')
    // A customer's key is not combined with it.
    assert.is((await put(front, customer(), 'customer')).headers[sse], undefined)
  }))

test('a bucket’s default encryption is in force for what names none', () =>
  withBucket({}, async (front) => {
    const absent = await front.send({ method: 'GET', target: '/bucket?encryption=' })
    assert.equal([absent.status, absent.code], [404, 'ServerSideEncryptionConfigurationNotFoundError'])
    const body = `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>
      <KMSMasterKeyID>my-minio-key</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`
    assert.is((await front.send({ method: 'PUT', target: '/bucket?encryption=', body })).status, 200)
    const shown = await front.send({ method: 'GET', target: '/bucket?encryption=' })
    assert.match(
      shown.body,
      '<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>my-minio-key</KMSMasterKeyID>',
    )
    const byDefault = await put(front, {})
    assert.equal(byDefault.headers[sse], 'aws:kms')
    assert.equal(byDefault.headers[`${sse}-aws-kms-key-id`], 'my-minio-key')
    assert.is((await put(front, { [sse]: 'AES256' })).headers[sse], 'AES256')
    assert.is((await put(front, customer())).headers[sse], undefined)
    assert.is((await front.send({ method: 'DELETE', target: '/bucket?encryption=' })).status, 204)
    assert.is((await put(front, {})).headers[sse], undefined)
  }))

test('parts of an upload need its customer key, and a plain upload takes none', () =>
  withBucket({}, async (front) => {
    const start = async (headers: Record<string, string>) => {
      const { body } = await front.send({ method: 'POST', target: '/bucket/key?uploads=', headers })
      return /<UploadId>([^<]*)/.exec(body)?.[1]
    }
    const part = (uploadId: string | undefined, headers: Record<string, string>) =>
      front.send({
        method: 'PUT',
        target: `/bucket/key?partNumber=1&uploadId=${uploadId}`,
        headers,
        body: 'content',
      })
    const sealed = await start(customer())
    assert.is((await part(sealed, {})).code, 'InvalidRequest')
    assert.is((await part(sealed, customer(Buffer.alloc(32, 8)))).status, 400)
    assert.is((await part(sealed, customer())).status, 200)
    const plain = await start({})
    assert.is((await part(plain, customer())).code, 'InvalidRequest')
    assert.is((await part(plain, { [sse]: 'AES256' })).code, 'InvalidArgument')
    assert.is((await part(plain, {})).status, 200)
    // The key is fixed when the upload is created, whatever a part says.
    const byKms = await start(kms)
    const other = { ...kms, [`${sse}-aws-kms-key-id`]: 'another-key' }
    assert.is((await part(byKms, other)).status, 200)
  }))

test.run()
