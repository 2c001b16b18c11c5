import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../../control/errors.ts'
import { createCryptoPool } from '../../../engine/index.ts'
import { BackendError } from '../../../s3api/backends/backend.ts'
import {
  type VerifyFailure,
  type VerifyOptions,
  type VerifyReport,
  verifyStore,
} from '../../../s3api/verification/verify-store.ts'
import { type RunningControl, type RunningFrontEnd, sseS3, withKeySystem } from '../../support/key-system.ts'
import { tamperRows } from '../../support/store-rows.ts'
import { rejection } from '../../support/throws.ts'

const test = suite('s3api/verification/verify-store')

const customerKey = Buffer.alloc(32, 7)
const sseC = {
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': customerKey.toString('base64'),
  'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(customerKey).digest('base64'),
}
const large = Buffer.alloc(300_000, 'some words ')

interface Scene {
  readonly front: RunningFrontEnd
  readonly control: RunningControl
  readonly directory: string
  put(target: string, body: Buffer | string, headers?: Readonly<Record<string, string>>): Promise<void>
  verify(options?: Partial<VerifyOptions>): Promise<Verified>
}

interface Verified {
  readonly report: VerifyReport
  readonly failures: readonly VerifyFailure[]
}

async function withStore(work: (scene: Scene) => Promise<void>): Promise<void> {
  await withKeySystem(async (system) => {
    const control = await system.startControl()
    const front = await system.startFrontEnd()
    const pool = createCryptoPool({ threads: 1 })
    try {
      await front.send({ method: 'PUT', target: '/bucket' })
      await work({
        front,
        control,
        directory: join(system.directory, 'store'),
        async put(target, body, headers = {}) {
          const { status, body: answer } = await front.send({ method: 'PUT', target, headers, body })
          assert.is(status, 200, answer)
        },
        async verify(options = {}) {
          const failures: VerifyFailure[] = []
          const report = await verifyStore(
            { backend: front.backend, pool, service: control.keys },
            {
              plain: 'compared',
              signal: new AbortController().signal,
              log: pino({ level: 'silent' }),
              found: (failure) => failures.push(failure),
              progress: () => {},
              ...options,
            },
          )
          return { report, failures }
        },
      })
    } finally {
      await pool.close()
    }
  })
}

function counts({ report }: Verified) {
  const { authentic, equal, plain, 'customer-key': customer, gone, failed } = report
  return { authentic, equal, plain, customer, gone, failed }
}

const none = { authentic: 0, equal: 0, plain: 0, customer: 0, gone: 0, failed: 0 }

function dataFiles(directory: string): string[] {
  const root = join(directory, '.sealgate', 'data')
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
}

async function upload({ front }: Scene, target: string, headers: Readonly<Record<string, string>>) {
  const created = await front.send({ method: 'POST', target: `${target}?uploads=`, headers })
  const uploadId = /<UploadId>([^<]*)/.exec(created.body)?.[1]
  const customer = Object.fromEntries(Object.entries(headers).filter(([name]) => name in sseC))
  const parts = [Buffer.alloc(5 * 1024 * 1024, 'first'), Buffer.from('the last')]
  const etags: (string | undefined)[] = []
  for (const [index, body] of parts.entries()) {
    const part = `${target}?partNumber=${index + 1}&uploadId=${uploadId}`
    const answer = await front.send({ method: 'PUT', target: part, headers: customer, body })
    etags.push(answer.headers.etag)
  }
  const list = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const { status, body } = await front.send({
    method: 'POST',
    target: `${target}?uploadId=${uploadId}`,
    headers: customer,
    body: `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`,
  })
  assert.is(status, 200, body)
}

test('every kind of object is read to its end, each with what can be known of it', () =>
  withStore(async (scene) => {
    const { put, verify } = scene
    assert.equal(counts(await verify()), none)
    for (const [name, headers] of [
      ['sealed', sseS3],
      ['plain', {}],
      ['customer', sseC],
    ] as const) {
      await put(`/bucket/${name}-empty`, '', headers)
      await put(`/bucket/${name}-small`, 'some words', headers)
      await put(`/bucket/${name}-large`, large, headers)
      await upload(scene, `/bucket/${name}-parts`, headers)
    }
    const checksum = createHash('sha256').update('some words').digest('base64')
    await put('/bucket/plain-checksum', 'some words', { 'x-amz-checksum-sha256': checksum })
    const verified = await verify()
    assert.equal(counts(verified), { ...none, authentic: 4, equal: 5, customer: 4 })
    assert.equal(verified.report.through, { bucket: 'bucket', key: 'sealed-small' })
    const plaintext = 10 + large.length + 5 * 1024 * 1024 + 8
    assert.ok(verified.report.bytes > 3 * plaintext, 'all of them were read')
  }))

test('copies have digests of their own bytes, whatever they are copies of', () =>
  withStore(async (scene) => {
    const { front, put, verify } = scene
    const sseKms = { 'x-amz-server-side-encryption': 'aws:kms' }
    const sources = [
      ['kms', sseKms],
      ['sealed', sseS3],
      ['plain', {}],
    ] as const
    for (const [name, headers] of sources) {
      await put(`/bucket/${name}`, large, headers)
      await upload(scene, `/bucket/${name}-parts`, headers)
    }
    for (const [name] of sources) {
      for (const source of [name, `${name}-parts`]) {
        for (const [target, headers] of sources) {
          const copied = await front.send({
            method: 'PUT',
            target: `/bucket/${source}-to-${target}`,
            headers: { ...headers, 'x-amz-copy-source': `bucket/${source}` },
          })
          assert.is(copied.status, 200, copied.body)
        }
      }
    }
    assert.equal(counts(await verify()), { ...none, authentic: 4 + 12, equal: 2 + 6 })
  }))

test('what is counted only is not read', () =>
  withStore(async ({ put, verify }) => {
    await put('/bucket/plain', large)
    const { report } = await verify({ plain: 'counted' })
    assert.equal([report.plain, report.equal, report.bytes], [1, 0, 0])
  }))

test('changed, cut and lost data is found, named, and nothing else is', () =>
  withStore(async (scene) => {
    const { put, verify, directory } = scene
    await put('/bucket/good', large, sseS3)
    const before = new Set(dataFiles(directory))
    const added = () => {
      const file = dataFiles(directory).find((path) => !before.has(path)) ?? ''
      before.add(file)
      return file
    }
    const change = (file: string) => {
      const bytes = readFileSync(file)
      bytes[70_000] = (bytes[70_000] ?? 0) ^ 1
      writeFileSync(file, bytes)
    }
    for (const [name, headers, damage] of [
      ['changed-sealed', sseS3, change],
      ['changed-plain', {}, change],
      ['cut-sealed', sseS3, (file: string) => truncateSync(file, 1_000)],
      ['cut-customer', sseC, (file: string) => truncateSync(file, 1_000)],
      ['longer-plain', {}, (file: string) => writeFileSync(file, 'x', { flag: 'a' })],
      ['lost-customer', sseC, rmSync],
      ['lost-sealed', sseS3, rmSync],
    ] as const) {
      await put(`/bucket/${name}`, large, headers)
      damage(added())
    }
    await put('/bucket/row', 'some words', sseS3)
    tamperRows(directory, "UPDATE objects SET details = '{' WHERE key = 'row'")
    const verified = await verify()
    assert.equal(verified.failures.map(({ key, code }) => [key, code]).sort(), [
      ['changed-plain', 'digest-mismatch'],
      ['changed-sealed', 'tag-mismatch'],
      ['cut-customer', 'unexpected-eof'],
      ['cut-sealed', 'unexpected-eof'],
      ['longer-plain', 'unexpected-data'],
      ['lost-customer', 'unexpected-eof'],
      ['lost-sealed', 'unexpected-eof'],
      ['row', 'tag-mismatch'],
    ])
    assert.equal(counts(verified), { ...none, authentic: 1, failed: 8 })
    for (const { reason } of verified.failures) assert.ok(reason.length > 0 && !reason.includes('some words'))
  }))

test('versions behind the current one are read, delete markers are not', () =>
  withStore(async ({ front, put, verify, directory }) => {
    await front.send({
      method: 'PUT',
      target: '/bucket?versioning=',
      body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
    })
    await put('/bucket/key', large, sseS3)
    const [first = ''] = dataFiles(directory)
    for (let count = 0; count < 2; count++) await put('/bucket/key', 'newer', sseS3)
    await front.send({ method: 'DELETE', target: '/bucket/key' })
    assert.equal(counts(await verify()), { ...none, authentic: 3 })
    rmSync(first)
    const { failures } = await verify()
    assert.is(failures.length, 1)
    const [failure] = failures
    const lost = await front.get(`/bucket/key?versionId=${failure?.versionId}`)
    assert.is(lost.status, 422)
  }))

test('a run can be of some keys, and begin where another has ended', () =>
  withStore(async ({ front, put, verify }) => {
    await front.send({ method: 'PUT', target: '/other' })
    for (const key of ['a/1', 'a/2', 'b/1']) await put(`/bucket/${key}`, key, sseS3)
    await put('/other/a', 'a')
    assert.is((await verify({ bucket: 'other' })).report.equal, 1)
    assert.equal(counts(await verify({ prefix: 'a' })), { ...none, authentic: 2, equal: 1 })
    assert.equal(counts(await verify({ after: { bucket: 'bucket', key: 'a/2' } })), {
      ...none,
      authentic: 1,
      equal: 1,
    })
    assert.equal(counts(await verify({ after: { bucket: 'bucket', key: 'b/1' } })), { ...none, equal: 1 })
    assert.equal(counts(await verify({ after: { bucket: 'other', key: '' } })), { ...none, equal: 1 })
    const error = await rejection(verify({ bucket: 'nowhere' }))
    assert.is(error instanceof BackendError && error.code, 'no-such-bucket')
  }))

test('more versions of a key than a page has are all read, and the key is not called done before', () =>
  withStore(async ({ front, put, verify }) => {
    await front.send({
      method: 'PUT',
      target: '/bucket?versioning=',
      body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
    })
    await put('/bucket/a', 'a')
    for (let count = 0; count < 130; count++) await put('/bucket/b', 'b')
    const ways: (string | undefined)[] = []
    const { report } = await verify({ progress: ({ through }) => ways.push(through?.key) })
    assert.is(report.equal, 131)
    assert.equal(ways, ['a', 'b', 'b'])
  }))

test('a key that is refused is a failure of its objects, and of no others', () =>
  withStore(async ({ control, put, verify }) => {
    await put('/bucket/sealed', large, sseS3)
    await put('/bucket/plain', large)
    await control.disable('my-minio-key')
    const refused = await verify()
    assert.equal(counts(refused), { ...none, equal: 1, failed: 1 })
    assert.is(refused.failures[0]?.code, 'access-denied')
    await control.enable('my-minio-key')
    assert.equal(counts(await verify()), { ...none, authentic: 1, equal: 1 })
  }))

test('a KMS that is away is waited for; objects that cannot be read for it end the run when there are more of them', () =>
  withStore(async ({ front, control, put }) => {
    for (const key of ['a', 'b', 'c', 'd']) await put(`/bucket/${key}`, key, sseS3)
    const pool = createCryptoPool({ threads: 1 })
    let asked = 0
    const backend = new Proxy(front.backend, {
      get(target, name) {
        if (name !== 'getObject') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
        return async () => {
          asked++
          throw new KmsError('unavailable', 'nobody is there')
        }
      },
    })
    const failures: VerifyFailure[] = []
    try {
      const error = await rejection(
        verifyStore(
          { backend, pool, service: control.keys },
          {
            plain: 'compared',
            signal: new AbortController().signal,
            log: pino({ level: 'silent' }),
            pauseMs: 1,
            found: (failure) => failures.push(failure),
            progress: () => {},
          },
        ),
      )
      assert.is(error instanceof KmsError && error.code, 'unavailable')
    } finally {
      await pool.close()
    }
    assert.equal(
      failures.map(({ code }) => code),
      ['unavailable', 'unavailable'],
    )
    assert.ok(asked >= 3 * 5, 'each was tried again')
  }))

test('a run that is ended says how far it came', () =>
  withStore(async ({ put, verify }) => {
    for (let count = 0; count < 3; count++) await put(`/bucket/${count}`, large, sseS3)
    const ending = new AbortController()
    let seen: VerifyReport | undefined
    const running = verify({
      signal: ending.signal,
      // At which one of them takes half an hour.
      bytesPerSecondMax: large.length / 1_800,
      progress: (report) => {
        seen = report
      },
    })
    setTimeout(() => ending.abort(new Error('enough')), 300)
    await running.then(
      () => assert.unreachable(),
      (error: unknown) => assert.is(error, ending.signal.reason),
    )
    assert.is(seen?.authentic, 0)
    assert.ok((seen?.bytes ?? 0) > 0)
  }))

test.run()
