import http from 'node:http'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import { emptyPayload } from '../../../../s3api/backends/gateway/signer.ts'
import { Upstream } from '../../../../s3api/backends/gateway/upstream.ts'
import { gatewayConfig } from '../../../support/front-end-config.ts'
import { withKept } from '../../../support/kept.ts'
import { listenHere } from '../../../support/listen.ts'
import { playStore } from '../../../support/played-store.ts'
import { soon } from '../../../support/soon.ts'
import { rejection } from '../../../support/throws.ts'

const test = suite('s3api/backends/gateway: regions')
const region = 'eu-central-1'
const log = pino({ level: 'silent' })

const document = (code: string, more = '') =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>elsewhere</Message>${more}</Error>`

/** How stores say that a bucket is in another region. */
const redirects = [
  ['301', 301, { 'x-amz-bucket-region': region }, document('PermanentRedirect')],
  [
    '307',
    307,
    { 'x-amz-bucket-region': region, location: 'http://127.0.0.1:1/' },
    document('TemporaryRedirect'),
  ],
  ['400 with a document', 400, {}, document('AuthorizationHeaderMalformed', `<Region>${region}</Region>`)],
  ['400 without one', 400, { 'x-amz-bucket-region': region }, ''],
] as const

/** A store whose one bucket is in that region; `scopes`: the regions that requests were signed for. */
async function withStore(
  [, status, headers, body]: (typeof redirects)[number],
  work: (upstream: Upstream, scopes: readonly string[]) => Promise<void>,
): Promise<void> {
  const scopes: string[] = []
  const server = http.createServer((request, response) => {
    const scope = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? ''
    scopes.push(scope)
    request.resume().on('end', () => {
      if (scope === region) response.writeHead(200, { etag: '"e"' }).end()
      else response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body)
    })
  })
  const { url, close } = await listenHere(server)
  const config = gatewayConfig(url, { accessKey: 'access', secretKey: 'secret' })
  const upstream = new Upstream(config, { log, now: Date.now })
  try {
    await work(upstream, scopes)
  } finally {
    await upstream.close()
    await close()
  }
}

for (const redirect of redirects) {
  test(`a bucket of another region is asked there, and from then on at once: ${redirect[0]}`, () =>
    withStore(redirect, async (upstream, scopes) => {
      const request = { method: 'GET', bucket: 'bucket', key: 'key', repeatable: true } as const
      await upstream.fetch(request, 1000)
      await upstream.fetch({ ...request, method: 'PUT', body: Buffer.from('body'), repeatable: false }, 1000)
      assert.equal(scopes, ['us-east-1', region, region])
    }))
}

test('a streamed body is not sent twice: who sends it again finds the region', () =>
  withStore(redirects[0], async (upstream, scopes) => {
    const stream = async () => {
      const headers = { 'content-length': '0' }
      const begun = await upstream.begin(
        { method: 'PUT', bucket: 'bucket', key: 'key', headers },
        emptyPayload,
      )
      const { body } = await begun.send((async function* () {})(), new AbortController().signal)
      await body.drain()
    }
    const refused = await stream().catch((error: unknown) => error)
    assert.ok(refused instanceof BackendError && refused.code === 'unavailable')
    assert.match(refused.message, /another region/)
    await stream()
    assert.equal(scopes, ['us-east-1', region])
  }))

test('a store that names no other region is not asked for ever', () =>
  withStore(
    ['301', 301, { 'x-amz-bucket-region': 'us-east-1' } as never, ''] as never,
    async (upstream, scopes) => {
      const request = { method: 'GET', bucket: 'bucket', repeatable: true } as const
      const refused = await upstream.fetch(request, 1000).catch((error: unknown) => error)
      assert.instance(refused, Error)
      assert.equal(scopes, ['us-east-1'])
    },
  ))

test('nor is one that sends us to and fro between two', () =>
  withKept(async (keep) => {
    let asked = 0
    const store = keep(
      await playStore((_, response) => {
        const elsewhere = asked++ % 2 === 0 ? region : 'us-east-1'
        response.writeHead(301, { 'x-amz-bucket-region': elsewhere }).end()
      }),
    )
    const upstream = keep(new Upstream(store.config(), { log, now: Date.now }))
    const refused = rejection(upstream.fetch({ method: 'GET', bucket: 'bucket', repeatable: true }, 1000))
    assert.match((await soon(refused)).message, /301/)
    assert.is(asked, 4)
  }))

test.run()
