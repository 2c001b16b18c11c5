import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { alice, bob, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/access/cors')
const rules = `<CORSConfiguration>
  <CORSRule><ID>app</ID><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>
    <AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><MaxAgeSeconds>60</MaxAgeSeconds>
    <ExposeHeader>ETag</ExposeHeader></CORSRule>
  <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>
</CORSConfiguration>`

async function withRules(work: (front: TestFrontEnd) => Promise<void>): Promise<void> {
  await withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/hers' }, alice)
    assert.is((await front.send({ method: 'PUT', target: '/hers?cors', body: rules }, alice)).status, 200)
    await work(front)
  })
}

test('rules are given back, and removed', async () => {
  await withRules(async ({ send }) => {
    const { body } = await send({ method: 'GET', target: '/hers?cors' }, alice)
    assert.match(body, /<ID>app<\/ID><AllowedMethod>GET<\/AllowedMethod><AllowedMethod>PUT<\/AllowedMethod>/)
    assert.is((await send({ method: 'GET', target: '/hers?cors' }, bob)).code, 'AccessDenied')
    assert.is((await send({ method: 'DELETE', target: '/hers?cors' }, alice)).status, 204)
    assert.is((await send({ method: 'GET', target: '/hers?cors' }, alice)).code, 'NoSuchCORSConfiguration')
    const wrong = [
      rules.replace('GET', 'PATCH'),
      rules.replace('*.example', '*.*.example'),
      rules.replace('ETag', '*'),
      rules.replace('60', 'long'),
      rules.replace('ETag', 'E\ntag'),
      '<CORSConfiguration/>',
      '<CORSConfiguration><CORSRule/></CORSConfiguration>',
    ]
    for (const body of wrong) {
      assert.is((await send({ method: 'PUT', target: '/hers?cors', body }, alice)).status, 400, body)
    }
  })
})

test('a preflight is answered by the rules, without a signature', async () => {
  await withRules(async ({ send }) => {
    const ask = (headers: Record<string, string>, target = '/hers/key') =>
      send({ method: 'OPTIONS', target, headers }, 'nobody')
    const origin = 'https://app.example.com'
    const allowed = await ask({
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'X-Amz-Date, x-amz-acl',
    })
    assert.is(allowed.status, 200)
    assert.is(allowed.headers['access-control-allow-origin'], origin)
    assert.is(allowed.headers['access-control-allow-methods'], 'GET, PUT')
    assert.is(allowed.headers['access-control-allow-headers'], 'x-amz-date, x-amz-acl')
    assert.is(allowed.headers['access-control-max-age'], '60')
    assert.is(allowed.headers['access-control-allow-credentials'], 'true')
    const any = await ask({ origin: 'null', 'access-control-request-method': 'HEAD' })
    assert.is(any.headers['access-control-allow-origin'], '*')
    assert.is(any.headers['access-control-allow-credentials'], undefined)
    const refused: Record<string, string>[] = [
      { origin, 'access-control-request-method': 'DELETE' },
      { origin: 'https://example.org', 'access-control-request-method': 'GET' },
      { origin: 'https://.example.com.evil.org', 'access-control-request-method': 'GET' },
      { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    ]
    for (const headers of refused) {
      const answer = await ask(headers)
      assert.is(answer.code, 'AccessForbidden')
      assert.is(answer.headers['access-control-allow-origin'], undefined)
    }
    assert.is((await ask({ origin })).status, 400)
    assert.is((await ask({ 'access-control-request-method': 'GET' })).status, 400)
    assert.is((await ask({ origin, 'access-control-request-method': 'GET' }, '/none/key')).status, 403)
  })
})

test('a preflight asks for 256 headers at most, each of which counts once', async () => {
  await withRules(async ({ send }) => {
    const ask = (names: readonly string[]) => {
      const headers = {
        origin: 'https://app.example.com',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': names.join(', '),
      }
      return send({ method: 'OPTIONS', target: '/hers/key', headers }, 'nobody')
    }
    const names = Array.from({ length: 257 }, (_, index) => `x-amz-meta-${index}`)
    assert.is((await ask(names)).status, 400)
    assert.is((await ask(names.slice(1))).status, 200)
    const repeated = await ask(
      Array.from({ length: 1_000 }, (_, index) => ['X-Amz-A', 'x-amz-a'][index % 2] ?? ''),
    )
    assert.is(repeated.headers['access-control-allow-headers'], 'x-amz-a')
  })
})

test('answers carry the headers for the page, errors too', async () => {
  await withRules(async ({ send }) => {
    const origin = 'https://app.example.com'
    const put = { method: 'PUT', target: '/hers/key', body: 'data', headers: { origin } }
    const stored = await send(put, alice)
    assert.is(stored.headers['access-control-allow-origin'], origin)
    assert.is(stored.headers['access-control-expose-headers'], 'ETag')
    const denied = await send({ method: 'GET', target: '/hers/key', headers: { origin } }, 'nobody')
    assert.is(denied.code, 'AccessDenied')
    assert.is(denied.headers['access-control-allow-origin'], origin)
    const deleted = await send({ method: 'DELETE', target: '/hers/key', headers: { origin } }, alice)
    assert.is(deleted.headers['access-control-allow-origin'], undefined)
    const plain = await send({ method: 'GET', target: '/hers' }, alice)
    assert.is(plain.headers['access-control-allow-origin'], undefined)
  })
})

test.run()
