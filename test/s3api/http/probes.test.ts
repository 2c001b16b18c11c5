import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../s3api/backends/backend.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

/** The probes of MinIO's health check API, on the port of S3. */

const test = suite('s3api/http/probes')
const readyPaths = ['/minio/health/ready', '/minio/health/cluster', '/minio/health/cluster/read']

async function probe({ url }: TestFrontEnd, path: string, method = 'GET') {
  const response = await fetch(url + path, { method })
  return { status: response.status, body: await response.text() }
}

/** Its store cannot be written to; counts how often it was looked at. */
function broken(front: TestFrontEnd): { looks: number } {
  const counted = { looks: 0 }
  front.backend.check = async () => {
    counted.looks++
    throw new BackendError('unavailable', 'the disk is gone')
  }
  return counted
}

test('whoever asks is told with 200 that it lives and is ready', () =>
  withFrontEnd({}, async (front) => {
    for (const path of ['/minio/health/live', ...readyPaths]) {
      for (const method of ['GET', 'HEAD']) {
        assert.equal(await probe(front, path, method), { status: 200, body: '' }, `${method} ${path}`)
      }
    }
    assert.is(await front.metric('sealgate_s3_in_flight'), 0)
  }))

test('a store that cannot be written to makes it live and not ready, and is not looked at by every probe', () =>
  withFrontEnd({}, async (front) => {
    const counted = broken(front)
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => probe(front, readyPaths[index % 3] ?? '')),
    )
    assert.ok(answers.every(({ status, body }) => status === 503 && body === ''))
    assert.is((await probe(front, '/minio/health/live')).status, 200)
    assert.ok(counted.looks > 0 && counted.looks < 5, `${counted.looks} looks`)
  }))

test('it is answered also when every place of a request is taken', () =>
  withFrontEnd({ config: { requestsMax: 0 } }, async (front) => {
    assert.is((await front.send({ method: 'GET', target: '/' })).code, 'SlowDown')
    assert.is((await probe(front, '/minio/health/ready')).status, 200)
  }))

test('everything else is S3: signed, with a query, written, or another key', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/minio' })
    const target = '/minio/health/live'
    assert.is((await front.send({ method: 'PUT', target, body: 'an object' })).status, 200)
    assert.is((await front.send({ method: 'GET', target })).body, 'an object')
    for (const [path, method] of [
      ['/minio/health/live?versionId=null', 'GET'],
      ['/minio/health/live', 'PUT'],
      ['/minio/health/live', 'DELETE'],
      ['/minio/health/live/', 'GET'],
      ['/minio/health/', 'GET'],
      ['/minio/health/LIVE', 'GET'],
    ] as const) {
      assert.is((await probe(front, path, method)).status, 403, `${method} ${path}`)
    }
    assert.is((await front.send({ method: 'GET', target })).body, 'an object')
  }))

test.run()
