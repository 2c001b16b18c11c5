import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { patternBytes } from '../../../support/bytes.ts'
import { serveMinioFolder } from '../../../support/gateway-front-end.ts'
import { customerHeaders, sealedForCustomer, withMinioFolder } from '../../../support/minio-folder.ts'
import { sendSigned } from '../../../support/signed-request.ts'

const test = suite('s3api/backends/minio/empty-objects')
const name = { bucket: 'bucket', key: 'sealed' }
const customerKey = patternBytes(32, 9)

test('an object of which nothing is stored is empty by its ETag, and by that of parts only where it has parts', () =>
  withMinioFolder(async (folder) => {
    const { fsJson } = sealedForCustomer(name, customerKey, [{ bytes: patternBytes(9) }])
    const ofParts = sealedForCustomer(name, customerKey, [{ number: 1, bytes: new Uint8Array() }]).fsJson
    const told = (etag: string) => ({ ...fsJson, meta: { ...fsJson.meta, etag } })
    const answers: readonly (readonly [object, number])[] = [
      [fsJson, 422],
      [told('x-1'), 422],
      [told('a'.repeat(32)), 422],
      [{ ...told('x-1'), parts: [{ number: 1, size: 0 }] }, 422],
      [{ ...ofParts, parts: [] }, 422],
      // MinIO stores the MD5 as it is when it seals an object's keys anew.
      [told(createHash('md5').digest('hex')), 200],
      [ofParts, 200],
    ]
    folder.put(name.bucket, name.key, '')
    const server = await serveMinioFolder(folder.path)
    const by = { accessKey: 'some-access-key', secretKey: 'some-secret-key' }
    const request = {
      method: 'GET',
      target: `/${name.bucket}/${name.key}`,
      headers: customerHeaders(customerKey),
    }
    try {
      for (const [document, status] of answers) {
        folder.put(name.bucket, name.key, '', document)
        const answer = await sendSigned(server.url, request, by)
        assert.is(answer.status, status, JSON.stringify(document))
      }
    } finally {
      await server.close()
    }
  }))

test.run()
