import { randomBytes } from 'node:crypto'
import http from 'node:http'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTestControl } from '../support/control.ts'
import { serveGateway, serveStore, withGateway } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { listenHere } from '../support/listen.ts'

/** Answers to reads that are not what they say: what proxies between us and the store can make of them. */

const test = suite('gateway/untrue-answers')
const Bucket = 'bucket'
const small = randomBytes(1000)
const large = randomBytes(300_000)

type Headers = Record<string, string | string[] | undefined>
type Spoil = (answer: { readonly headers: Headers; readonly body: Buffer }) => {
  readonly headers: Headers
  readonly body: Buffer
}

/** A relay that spoils the answers of some GETs of objects, those that come after so many others. */
async function startSpoiler(storeUrl: string) {
  const { hostname, port } = new URL(storeUrl)
  let rule: { readonly spoil: Spoil; readonly from: number } | undefined
  let gets = 0
  const server = http.createServer((request, response) => {
    const { method, url: path = '', headers } = request
    const counts = method === 'GET' && path.startsWith(`/${Bucket}/`)
    const spoil = counts && rule !== undefined && gets++ >= rule.from ? rule.spoil : undefined
    const onward = http.request({ hostname, port, method, path, headers }, async (answer) => {
      const pieces: Buffer[] = []
      for await (const piece of answer) pieces.push(piece)
      const whole = { headers: answer.headers, body: Buffer.concat(pieces) }
      const { headers: told, body } = spoil === undefined ? whole : spoil(whole)
      response.writeHead(answer.statusCode ?? 0, told)
      response.end(body)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  const { url, close } = await listenHere(server)
  return {
    url,
    set(spoil: Spoil | undefined, from = 0) {
      rule = spoil && { spoil, from }
      gets = 0
    },
    close,
  }
}

const cut: Spoil = ({ headers, body }) => {
  const half = body.subarray(0, body.length / 2)
  return { headers: { ...headers, 'content-length': String(half.length) }, body: half }
}

const longer: Spoil = ({ headers, body }) => {
  const more = Buffer.concat([body, body.subarray(0, 1000)])
  return { headers: { ...headers, 'content-length': String(more.length) }, body: more }
}

const elsewhere: Spoil = ({ headers, body }) => {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(headers['content-range'])) ?? []
  const range = `bytes ${Number(first) + 1}-${Number(last) + 1}/${total}`
  return { headers: { ...headers, 'content-range': range }, body }
}

for (const encryption of [{}, { ServerSideEncryption: 'AES256' }] as const) {
  const form = 'ServerSideEncryption' in encryption ? 'sealed' : 'plain'
  test(`a ${form} object of which other bytes come than were asked for is never given out`, () =>
    withGateway(Bucket, ({ store }) =>
      withKept(async (keep) => {
        const { keys } = keep(await startTestControl())
        const spoiler = keep(await startSpoiler(store.url))
        const { client } = keep(await serveGateway(spoiler.url, { keys }))
        for (const [Key, Body, requests] of [
          ['small', small, 1],
          ['large', large, 2],
        ] as const) {
          await client.send(new PutObjectCommand({ Bucket, Key, Body, ...encryption }))
          const read = async () => {
            const answer = await client.send(new GetObjectCommand({ Bucket, Key }))
            return Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
          }
          for (const spoil of [cut, longer, elsewhere]) {
            for (let from = 0; from < requests; from++) {
              spoiler.set(spoil, from)
              const got = await read().catch((error: { $metadata?: { httpStatusCode?: number } }) => error)
              const title = `${spoil.name} ${Key}, from request ${from}`
              assert.not(Buffer.isBuffer(got), title)
              // In mid-answer there is no status any more.
              if (from === 0 && '$metadata' in got) assert.is(got.$metadata?.httpStatusCode, 503, title)
            }
            spoiler.set(spoil)
            const head = client.send(new HeadObjectCommand({ Bucket, Key }))
            const status = await head.then(
              () => 200,
              (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode,
            )
            assert.is(status, 503)
          }
          spoiler.set(undefined)
          assert.ok((await read()).equals(Body))
        }
      }),
    ))
}

/** In place of the store's, which is not asked: of a proxy that knows better, or one that has lost the rest. */
const unmade = ['', '<html><body>Welcome</body></html>', '<?xml version="1.0" encoding="UTF-8"?>\n     ']

test('a copy is not made, and an upload not completed, because the status says so', () =>
  withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const proxy = keep(await startAnswering(store.url))
    const { client } = keep(await serveGateway(proxy.url, { keys, frontEnd: { autoEncryption: true } }))
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: small }))
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'target' }))
    const upload = { Bucket, Key: 'target', UploadId }
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: large }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    const copy = () =>
      client.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/source` }))
    const complete = () => client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }))
    for (const make of [copy, complete]) {
      for (const text of unmade) {
        proxy.set(text)
        const error = await make().then(
          () => 'none',
          (thrown: Error) => thrown.name,
        )
        assert.is(error, 'ServiceUnavailable', `${make.name}: ${text}`)
      }
      proxy.set(undefined)
      await make()
    }
    for (const [Key, Body] of [
      ['copied', small],
      ['target', large],
    ] as const) {
      const answer = await client.send(new GetObjectCommand({ Bucket, Key }))
      assert.ok(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(Body))
    }
  }))

/** A relay that answers copies and completions itself, with 200, while it is told to. */
async function startAnswering(storeUrl: string) {
  const { hostname, port } = new URL(storeUrl)
  let text: string | undefined
  const server = http.createServer((request, response) => {
    const { method, url: path = '', headers } = request
    const makes = headers['x-amz-copy-source'] !== undefined || (method === 'POST' && /uploadId=/.test(path))
    if (makes && text !== undefined) {
      request.resume().on('end', () => response.end(text))
      return
    }
    const onward = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  const { url, close } = await listenHere(server)
  return {
    url,
    set(next: string | undefined) {
      text = next
    },
    close,
  }
}

test.run()
