import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/sse/bucket-encryption')
const customer = {
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': 'pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=',
  'x-amz-server-side-encryption-customer-key-md5': 'DWygnHRtgiJ77HCm+1rvHw==',
}
const byDefault = (algorithm: string) =>
  `<ApplyServerSideEncryptionByDefault><SSEAlgorithm>${algorithm}</SSEAlgorithm></ApplyServerSideEncryptionByDefault>`
const block = (type: string) =>
  `<BlockedEncryptionTypes><EncryptionType>${type}</EncryptionType></BlockedEncryptionTypes>`

async function configure({ send }: TestFrontEnd, rule: string): Promise<string | undefined> {
  const body = `<ServerSideEncryptionConfiguration><Rule>${rule}</Rule></ServerSideEncryptionConfiguration>`
  const answer = await send({ method: 'PUT', target: '/box?encryption', body })
  return answer.status === 200 ? undefined : answer.code
}

const put = (target: string, headers: Record<string, string> = {}) => ({
  method: 'PUT',
  target,
  body: 'data',
  headers,
})

test('a bucket that blocks customer keys takes none for new data, and gives back what was stored with them', async () => {
  await withFrontEnd({}, async (front) => {
    const { send } = front
    await send({ method: 'PUT', target: '/box' })
    await send({ method: 'PUT', target: '/open' })
    assert.is((await send(put('/box/old', customer))).status, 200)
    const started = await send({ method: 'POST', target: '/box/big?uploads', headers: customer })
    const id = /<UploadId>([^<]+)</.exec(started.body)?.[1]
    assert.is(await configure(front, block('SSE-C')), undefined)
    const refused = [
      put('/box/new', customer),
      { method: 'PUT', target: '/box/copy', headers: { ...customer, 'x-amz-copy-source': '/open/x' } },
      { method: 'POST', target: '/box/more?uploads', headers: customer },
      put(`/box/big?partNumber=1&uploadId=${id}`, customer),
    ]
    assert.is((await send(put('/open/x', customer))).status, 200)
    for (const request of refused) assert.is((await send(request)).code, 'AccessDenied', request.target)
    assert.is((await send({ method: 'GET', target: '/box/old', headers: customer })).body, 'data')
    assert.is((await send(put('/box/new', { 'x-amz-server-side-encryption': 'AES256' }))).status, 200)
    assert.is((await send(put('/box/plain'))).status, 200)
    const shown = (await send({ method: 'GET', target: '/box?encryption' })).body
    assert.match(
      shown,
      /<BlockedEncryptionTypes><EncryptionType>SSE-C<\/EncryptionType><\/BlockedEncryptionTypes>/,
    )
    assert.not.match(shown, /SSEAlgorithm/)
    assert.is(await configure(front, block('NONE')), undefined)
    assert.is((await send(put('/box/new', customer))).status, 200)
    assert.is((await send({ method: 'GET', target: '/box?encryption' })).status, 404)
  })
})

test('a block stands beside a default, and both are shown', async () => {
  await withFrontEnd({}, async (front) => {
    const { send } = front
    await send({ method: 'PUT', target: '/box' })
    const rule = `${byDefault('aws:kms')}<BucketKeyEnabled>true</BucketKeyEnabled>${block('SSE-C')}`
    assert.is(await configure(front, rule), undefined)
    const shown = (await send({ method: 'GET', target: '/box?encryption' })).body
    assert.match(shown, /<SSEAlgorithm>aws:kms<.*<BucketKeyEnabled>true<.*<EncryptionType>SSE-C</)
    const stored = await send(put('/box/key'))
    assert.is(stored.headers['x-amz-server-side-encryption'], 'aws:kms')
    // A data key of the bucket's epoch is what AWS calls a bucket key.
    assert.is(stored.headers['x-amz-server-side-encryption-bucket-key-enabled'], 'true')
    const read = await send({ method: 'HEAD', target: '/box/key' })
    assert.is(read.headers['x-amz-server-side-encryption-bucket-key-enabled'], 'true')
    assert.is((await send(put('/box/key', customer))).code, 'AccessDenied')
    assert.is(await configure(front, byDefault('AES256')), undefined)
    assert.is((await send(put('/box/key', customer))).status, 200)
  })
})

test('what a bucket cannot block, or a rule that says nothing, is refused', async () => {
  await withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/box' })
    const wrong = ['', block('SSE-S3'), block(''), '<BlockedEncryptionTypes/>', byDefault('AES128')]
    for (const rule of wrong) assert.is(await configure(front, rule), 'MalformedXML', rule)
  })
})

test.run()
