import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createIv } from '../../../../engine/index.ts'
import { patternBytes } from '../../../support/bytes.ts'
import { credential, serveMinioFolder } from '../../../support/gateway-front-end.ts'
import { customerHeaders, sealedForCustomer, withMinioFolder } from '../../../support/minio-folder.ts'
import { sendSigned } from '../../../support/signed-request.ts'

/** An object of Sealgate's own, which somebody who can write the folder has put into MinIO's form. */

const test = suite('s3api/backends/minio/own-seals')
const customerKey = patternBytes(32, 9)
const name = { bucket: 'bucket', key: 'key' }

for (const [whose, iv, expected] of [
  ['MinIO', patternBytes(32, 5), [200, undefined]],
  ['Sealgate', createIv(), [422, 'XMinioObjectTampered']],
] as const) {
  test(`an fs.json with a key that ${whose} has sealed is answered with ${expected[0]}`, () =>
    withMinioFolder(async (folder) => {
      const streams = [{ number: 2, bytes: patternBytes(100) }]
      const { data, fsJson } = sealedForCustomer(name, customerKey, streams, 'new', iv)
      folder.put(name.bucket, name.key, data, fsJson)
      const front = await serveMinioFolder(folder.path)
      try {
        const request = { target: '/bucket/key', headers: customerHeaders(customerKey) }
        const { status, code } = await sendSigned(front.url, { method: 'GET', ...request }, credential)
        assert.equal([status, code], expected)
        assert.is((await sendSigned(front.url, { method: 'HEAD', ...request }, credential)).status, status)
      } finally {
        await front.close()
      }
    }))
}

test.run()
