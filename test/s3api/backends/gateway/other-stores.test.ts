import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError, type PartRecord } from '../../../../s3api/backends/backend.ts'
import type { GatewayConfig } from '../../../../s3api/backends/gateway/config.ts'
import { GatewayBackend } from '../../../../s3api/backends/gateway/gateway-backend.ts'
import { Uploading } from '../../../../s3api/backends/gateway/uploading.ts'
import { Upstream, type UpstreamRequest } from '../../../../s3api/backends/gateway/upstream.ts'
import { toBackendError } from '../../../../s3api/backends/gateway/upstream-error.ts'
import { XmlList } from '../../../../s3api/backends/gateway/xml-list.ts'
import { gatewayConfig } from '../../../support/front-end-config.ts'
import { listenHere } from '../../../support/listen.ts'
import { rejection } from '../../../support/throws.ts'
import { startUpstreamStore } from '../../../support/upstream-store.ts'

/** What Ceph and other stores do otherwise than S3, as it was seen. */

const test = suite('s3api/backends/gateway: other-stores')
const log = pino({ level: 'silent' })

/** A store that answers each request so, when all of it is there. */
async function withStore(
  answer: (request: http.IncomingMessage) => { readonly status: number; readonly code?: string },
  work: (config: GatewayConfig) => Promise<void>,
): Promise<void> {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      const { status, code } = answer(request)
      const body = code === undefined ? '' : `<Error><Code>${code}</Code><Message/></Error>`
      response.writeHead(status, { etag: '"e"' }).end(body)
    })
  })
  const { url, close } = await listenHere(server)
  try {
    await work(gatewayConfig(url, { accessKey: 'access', secretKey: 'secret' }))
  } finally {
    await close()
  }
}

async function upload(
  upstream: Upstream,
  bytes: Uint8Array,
  options: { readonly checksummed: boolean },
): Promise<void> {
  const request = { method: 'PUT', bucket: 'bucket', key: 'key' } as const
  const sizes = { storedSize: bytes.length, trailerSize: 0, batchSize: bytes.length }
  const uploading = await Uploading.begin(upstream, request, sizes, options)
  if (bytes.length > 0) await uploading.write(bytes, createHash('sha256').update(bytes).digest())
  const { body } = await uploading.end(new Uint8Array(0))
  await body.drain()
}

test('a store that takes no checksum behind a body gets none from then on', async () => {
  const forms: (string | undefined)[] = []
  const answer = ({ headers }: http.IncomingMessage) => {
    forms.push(headers['x-amz-trailer']?.toString())
    return headers['x-amz-trailer'] === undefined
      ? { status: 200 }
      : { status: 400, code: 'XAmzContentSHA256Mismatch' }
  }
  await withStore(answer, async (config) => {
    const upstream = new Upstream(config, { log, now: Date.now })
    try {
      const bytes = randomBytes(100_000)
      const error = await rejection(upload(upstream, bytes, { checksummed: true }))
      assert.ok(error instanceof BackendError && error.code === 'unavailable')
      assert.match(error.message, /no checksums behind bodies/)
      await upload(upstream, bytes, { checksummed: true })
      assert.equal(forms, ['x-amz-checksum-crc32', undefined])
    } finally {
      await upstream.close()
    }
  })
})

test('any other refusal of such a body leaves the checksum where it is', async () => {
  await withStore(
    () => ({ status: 400, code: 'BadDigest' }),
    async (config) => {
      const upstream = new Upstream(config, { log, now: Date.now })
      try {
        await rejection(upload(upstream, randomBytes(100_000), { checksummed: true }))
        assert.ok(upstream.takesTrailers)
      } finally {
        await upstream.close()
      }
    },
  )
})

test('a body of nothing is sent as nothing, not as chunks of it', async () => {
  const lengths: unknown[] = []
  const answer = ({ headers }: http.IncomingMessage) => {
    lengths.push([headers['content-length'], headers['content-encoding']])
    return { status: 200 }
  }
  await withStore(answer, async (config) => {
    const upstream = new Upstream(config, { log, now: Date.now })
    try {
      await upload(upstream, new Uint8Array(0), { checksummed: false })
      assert.equal(lengths, [['0', undefined]])
    } finally {
      await upstream.close()
    }
  })
})

test('an upload whose key a store does not know is no such upload', () =>
  withStore(
    () => ({ status: 404, code: 'NoSuchKey' }),
    async (config) => {
      const upstream = new Upstream(config, { log, now: Date.now })
      const gateway = new GatewayBackend(config, { upstream, log, now: Date.now })
      try {
        const error = await rejection(gateway.abortUpload('bucket', 'key', 'upload'))
        assert.is(error instanceof BackendError && error.code, 'no-such-upload')
      } finally {
        await gateway.close()
      }
    },
  ))

test('the abort of an upload without an id asks nothing of a store', async () => {
  const asked: unknown[] = []
  const answer = ({ method }: http.IncomingMessage) => {
    asked.push(method)
    return { status: 204 }
  }
  await withStore(answer, async (config) => {
    const upstream = new Upstream(config, { log, now: Date.now })
    const gateway = new GatewayBackend(config, { upstream, log, now: Date.now })
    try {
      const error = await rejection(gateway.abortUpload('bucket', 'key', ''))
      assert.is(error instanceof BackendError && error.code, 'no-such-upload')
      assert.equal(asked, [])
    } finally {
      await gateway.close()
    }
  })
})

for (const code of ['ObjectParentIsFile', 'DirectoryObjectContainsData']) {
  test(`a key that a store of files cannot have is told as what the store does not do: ${code}`, () =>
    withStore(
      () => ({ status: 409, code }),
      async (config) => {
        const upstream = new Upstream(config, { log, now: Date.now })
        try {
          const error = await rejection(upload(upstream, randomBytes(10), { checksummed: false }))
          const known = toBackendError(error)
          assert.is(known instanceof BackendError && known.code, 'not-supported')
        } finally {
          await upstream.close()
        }
      },
    ))
}

test('an answer that repeats a key with characters that XML has not can be read', () => {
  const encoded = '<EncodingType>url</EncodingType><Contents><Key>a%EF%BF%BF</Key></Contents>'
  for (const repeated of ['a\uffff\ufffeb', '&#x01;a&#x1f;', '&#xA;&#x0b;&#xC;']) {
    const answer = Buffer.from(`<R><Prefix>${repeated}</Prefix>${encoded}</R>`)
    assert.equal(keysOf(answer), ['a\uffff'])
  }
  const allowed = Buffer.from('<R><Contents><Key>&#x9;&#xA;&#x20;&#x1F600;&#34;&lt;</Key></Contents></R>')
  assert.equal(keysOf(allowed), ['\t\n \u{1f600}"<'])
})

test('keys of a store that does not encode them, asked or not, are taken as they are', () => {
  const keys = ['a+b', '100%', 'a%20b']
  const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')
  assert.equal(keysOf(Buffer.from(`<R>${contents}</R>`)), keys)
  const url = '<EncodingType>url</EncodingType>'
  assert.equal(keysOf(Buffer.from(`<R>${url}<Contents><Key>a+b%2Bc%25</Key></Contents></R>`)), ['a b+c%'])
})

function keysOf(answer: Uint8Array): string[] {
  return new XmlList(answer, 'R').entries('Contents').map((entry) => entry.key('Key'))
}

/** Lists uploads from the first on, whichever name it is to start after. */
class Standing extends Upstream {
  override send(request: UpstreamRequest) {
    const { 'key-marker': _, 'upload-id-marker': __, ...query } = request.query ?? {}
    return super.send({ ...request, query })
  }
}

test('a list of uploads that begins again is an error, not one without end', async () => {
  const store = await startUpstreamStore()
  const config = store.config()
  const upstream = new Standing(config, { log, now: Date.now })
  const gateway = new GatewayBackend(config, { upstream, log, now: Date.now })
  try {
    await gateway.prepare()
    await gateway.createBucket('bucket')
    const upload = { bucket: 'bucket', initiatedAtMs: 0, headers: {}, metadata: {}, storageClass: 'STANDARD' }
    for (const key of ['a', 'b']) await gateway.createUpload({ ...upload, key })
    const first = { prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', limit: 1 }
    const { entries, truncated } = await gateway.listUploads('bucket', first)
    const [entry] = entries
    assert.ok(entry?.kind === 'upload' && truncated)
    const next = { ...first, keyMarker: entry.upload.key, uploadIdMarker: entry.upload.uploadId }
    const error = await rejection(gateway.listUploads('bucket', next))
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
    assert.is((await gateway.listUploads('bucket', { ...next, limit: 2 })).truncated, false)
  } finally {
    await gateway.close()
    await store.close()
  }
})

/** Encodes keys and does not say so. */
class Unsaid extends Upstream {
  override async fetch(request: UpstreamRequest, sizeMax: number) {
    const answer = await super.fetch(request, sizeMax)
    if (request.query?.uploads === undefined || request.method !== 'GET') return answer
    const text = Buffer.from(answer.bytes).toString('utf8')
    return { ...answer, bytes: Buffer.from(text.replace('<EncodingType>url</EncodingType>', '')) }
  }
}

test('uploads have their own keys, also where the store encodes them and does not say so', async () => {
  const store = await startUpstreamStore()
  const config = store.config()
  const upstream = new Unsaid(config, { log, now: Date.now })
  const gateway = new GatewayBackend(config, { upstream, log, now: Date.now })
  try {
    await gateway.prepare()
    await gateway.createBucket('bucket')
    const upload = { bucket: 'bucket', initiatedAtMs: 0, headers: {}, metadata: {}, storageClass: 'STANDARD' }
    const keys = ['100%', 'a b', 'a%20b', 'a+b', 'ü', '\uffff']
    for (const key of keys) await gateway.createUpload({ ...upload, key })
    const all = { prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', limit: 100 }
    const { entries } = await gateway.listUploads('bucket', all)
    assert.equal(
      entries.map((entry) => entry.kind === 'upload' && entry.upload.key),
      keys,
    )
  } finally {
    await gateway.close()
    await store.close()
  }
})

/** Takes no notice of conditions of a completion. */
class Careless extends Upstream {
  override send(request: UpstreamRequest) {
    if (request.method !== 'POST') return super.send(request)
    const { 'if-none-match': _, ...headers } = request.headers ?? {}
    return super.send({ ...request, headers })
  }
}

test('a completion replaces nothing under If-None-Match, also where the store takes no notice of it', async () => {
  const store = await startUpstreamStore()
  const config = store.config()
  const upstream = new Careless(config, { log, now: Date.now })
  const gateway = new GatewayBackend(config, { upstream, log, now: Date.now })
  const bucket = 'bucket'
  const facts = { headers: {}, metadata: {}, storageClass: 'STANDARD' }
  const record = { ...facts, size: 3, etag: 'etag', modifiedAtMs: 0 }
  const data = { kind: 'bytes', bytes: Buffer.from('new') } as const
  const put = (key: string) => gateway.putObject({ bucket, key, record, data, newVersionId: () => '' })
  const complete = async (key: string) => {
    const uploadId = await gateway.createUpload({ ...facts, bucket, key, initiatedAtMs: 0 })
    const made = await gateway.getUpload(bucket, key, uploadId)
    const part: PartRecord = { number: 1, size: 3, etag: 'etag', modifiedAtMs: 0, generation: 'one' }
    await gateway.putPart(made, part, data)
    const condition = { ifNoneMatch: '*' } as const
    return gateway.completeUpload(made, { record, newVersionId: () => '', parts: [part], condition })
  }
  try {
    await gateway.prepare()
    await gateway.createBucket(bucket)
    await put('there')
    const error = await rejection(complete('there'))
    assert.is(error instanceof BackendError && error.code, 'precondition-failed')
    await complete('new')
    assert.is((await gateway.getObject(bucket, 'new')).record.size, 3)
  } finally {
    await gateway.close()
    await store.close()
  }
})

test.run()
