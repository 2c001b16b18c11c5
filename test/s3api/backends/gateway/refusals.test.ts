import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
import { openGatewayBackend } from '../../../../s3api/backends/gateway/index.ts'
import { Upstream, type UpstreamRequest } from '../../../../s3api/backends/gateway/upstream.ts'
import { toBackendError, toUpstreamError } from '../../../../s3api/backends/gateway/upstream-error.ts'
import { S3Error } from '../../../../s3api/errors.ts'
import { recordOf } from '../../../contracts/backend/fixture.ts'
import { withKept } from '../../../support/kept.ts'
import { playStore } from '../../../support/played-store.ts'
import { rejection } from '../../../support/throws.ts'
import { startUpstreamStore } from '../../../support/upstream-store.ts'

/** What a store refuses, and what clients are told of it. */

const test = suite('s3api/backends/gateway: refusals')
const log = pino({ level: 'silent' })
const bucket = 'bucket'

interface Refusal {
  readonly status: number
  /** Absent: there is no document. */
  readonly code?: string
  readonly message?: string
}

function toError({ status, code, message = '' }: Refusal) {
  const text = code === undefined ? '' : `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return toUpstreamError(status, {}, Buffer.from(text), 'GET')
}

/** The code and status of an S3 error, or the code of an error of backends. */
function told(error: Error): string {
  if (error instanceof S3Error) return `${error.status} ${error.code}`
  return error instanceof BackendError ? error.code : String(error)
}

const refusals: readonly (readonly [expected: string, refusal: Refusal])[] = [
  ['403 InvalidObjectState', { status: 403, code: 'InvalidObjectState' }],
  ['403 QuotaExceeded', { status: 403, code: 'QuotaExceeded' }],
  ['403 AccessDenied', { status: 403, code: 'OfThisStoreOnly' }],
  ['400 BadRequest', { status: 400, code: 'OfThisStoreOnly' }],
  ['400 BadRequest', { status: 409, code: 'OfThisStoreOnly' }],
  ['400 BadRequest', { status: 499 }],
  ['unavailable', { status: 307, code: 'OfThisStoreOnly' }],
  ['unavailable', { status: 500, code: 'OfThisStoreOnly' }],
  ['unavailable', { status: 401 }],
  ['unavailable', { status: 408 }],
  ['unavailable', { status: 429, code: 'OfThisStoreOnly' }],
  ['unavailable', { status: 409, code: 'OperationAborted' }],
  ['unavailable', { status: 400, code: 'ExpiredToken' }],
]

for (const [expected, refusal] of refusals) {
  const { status, code = 'without a document' } = refusal
  test(`${status} ${code} is ${expected}`, () => {
    assert.is(told(toBackendError(toError(refusal))), expected)
  })
}

/** Refuses to read one key. */
class RefusingUpstream extends Upstream {
  refusal: Refusal | undefined
  override async send(request: UpstreamRequest) {
    if (request.method === 'GET' && request.key === 'refused' && this.refusal !== undefined)
      throw toError(this.refusal)
    return super.send(request)
  }
}

const record = recordOf(Buffer.from('data'))

/** A gateway that has stored two objects, one of which the store refuses to read. */
function withRefused(refusal: Refusal, work: (gateway: GatewayBackend) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const store = keep(await startUpstreamStore())
    const upstream = new RefusingUpstream(store.config(), { log, now: Date.now })
    const gateway = keep(new GatewayBackend(store.config(), { upstream, log, now: Date.now }))
    await gateway.prepare()
    await gateway.createBucket(bucket)
    for (const key of ['other', 'refused']) {
      const data = { kind: 'bytes', bytes: Buffer.from('data') } as const
      await gateway.putObject({ bucket, key, record, data, newVersionId: () => 'chosen-by-the-store' })
    }
    upstream.refusal = refusal
    await work(gateway)
  })
}

for (const refusal of [
  { status: 403, code: 'InvalidObjectState' },
  { status: 403, code: 'OfThisStoreOnly' },
  { status: 400, code: 'InvalidRequest' },
]) {
  test(`one object that the store refuses with ${refusal.code} hides no other in a listing`, () =>
    withRefused(refusal, async (gateway) => {
      const { entries } = await gateway.listObjects(bucket, {
        prefix: '',
        delimiter: '',
        startAfter: '',
        limit: 9,
      })
      const shown = entries.map((entry) => entry.kind === 'object' && [entry.key, entry.record.size])
      assert.equal(shown, [
        ['other', 4],
        ['refused', 4],
      ])
    }))
}

test('a store that does not take us for its client fails a listing', () =>
  withRefused({ status: 403, code: 'SignatureDoesNotMatch' }, async (gateway) => {
    const query = { prefix: '', delimiter: '', startAfter: '', limit: 9 }
    assert.is(told(await rejection(gateway.listObjects(bucket, query))), 'unavailable')
  }))

const unread: readonly (readonly [expected: string, refusal: Refusal])[] = [
  ['unavailable', { status: 400, code: 'ExpiredToken' }],
  ['400 InvalidArgument', { status: 400, code: 'InvalidArgument', message: 'Invalid version id specified' }],
  ['400 InvalidRequest', { status: 400, code: 'InvalidRequest' }],
  ['400 InvalidRequest', { status: 400 }],
  [
    '400 InvalidRequest',
    {
      status: 400,
      code: 'InvalidArgument',
      message: 'Requests specifying Server Side Encryption with Customer provided keys must provide a key.',
    },
  ],
]

for (const [expected, refusal] of unread) {
  const { code = 'without a document', message = '' } = refusal
  test(`a read that the store refuses with 400 ${code} ${message} is ${expected}`, () =>
    withRefused(refusal, async (gateway) => {
      assert.is(told(await rejection(gateway.getObject(bucket, 'refused'))), expected)
    }))
}

for (const [expected, code] of [
  ['unavailable', 'InvalidAccessKeyId'],
  ['unavailable', 'SignatureDoesNotMatch'],
  ['unavailable', 'RequestTimeTooSkewed'],
  ['403 AccessDenied', 'AccessDenied'],
] as const) {
  test(`a HEAD that is refused with 403 is ${expected} where a GET is told ${code}`, () =>
    withKept(async (keep) => {
      const store = keep(
        await playStore((request, response) => {
          response.writeHead(403)
          response.end(request.method === 'HEAD' ? undefined : `<Error><Code>${code}</Code></Error>`)
        }),
      )
      const gateway = keep(await openGatewayBackend(store.config({ passThrough: true }), { log }))
      assert.is(told(await rejection(gateway.getBucket(bucket))), expected)
      assert.is(told(await rejection(gateway.check())), expected)
    }))
}

test('a 404 without a document says of nothing that it is not there', () =>
  withKept(async (keep) => {
    const store = keep(
      await playStore((request, response) => {
        if (request.url?.includes('versioning')) response.end('<VersioningConfiguration/>')
        else if (request.method === 'HEAD') response.end()
        else response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
      }),
    )
    const upstream = new Upstream(store.config(), { log, now: Date.now })
    const gateway = keep(new GatewayBackend(store.config(), { upstream, log, now: Date.now }))
    const query = { prefix: '', delimiter: '', startAfter: '', limit: 9 }
    const questions: readonly (() => Promise<unknown>)[] = [
      () => gateway.getBucketSetting(bucket, 'encryption'),
      () => gateway.system.get('kms'),
      () => gateway.system.delete('kms'),
      () => gateway.getObject(bucket, 'key'),
      () => gateway.listObjects(bucket, query),
    ]
    for (const ask of questions) assert.is(told(await rejection(ask())), 'unavailable')
  }))

test.run()
