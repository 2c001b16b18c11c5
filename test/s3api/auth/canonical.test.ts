import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalRequest } from '../../../s3api/auth/canonical.ts'
import { trimBlanks } from '../../../s3api/text.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { exchangeRaw } from '../../support/raw-http.ts'

const test = suite('s3api/auth/canonical')

const canonical = (rawHeaders: readonly string[], signedHeaders: readonly string[]) =>
  canonicalRequest({ method: 'GET', rawUrl: '/', rawHeaders }, { signedHeaders, payloadHash: 'hash' })

test('values are trimmed, with inner blanks as one, and those of one name joined', () => {
  assert.is(
    canonical(['Host', 'h', 'A', ' \tone   two\t ', 'b', '', 'a', ' three'], ['a', 'b', 'c', 'host']),
    'GET\n/\n\na:one two,three\nb:\nc:\nhost:h\n\na;b;c;host\nhash',
  )
  for (const text of ['', ' ', ' \t ']) assert.is(trimBlanks(text), '')
  assert.is(trimBlanks('\u00a0 a \u00a0'), '\u00a0 a \u00a0')
})

test('the work of a canonical request grows with what came, not with its square', () => {
  // To look for the end anew at each of these blanks would take hours.
  const blanks = ' '.repeat(5_000_000)
  assert.match(canonical(['a', `x${blanks}x`], ['a']), '\na:x x\n')
  let reads = 0
  const rawHeaders = new Proxy(
    Array.from({ length: 4_000 }, (_, index) => `a${index}`),
    {
      get(target, name) {
        reads++
        return Reflect.get(target, name)
      },
    },
  )
  canonical(
    rawHeaders,
    Array.from({ length: 4_000 }, (_, index) => `a${index}`),
  )
  assert.ok(reads < 5 * 4_000, `${reads} reads`)
})

test('a name that stands twice among the signed headers is refused, whoever sends it', () =>
  withFrontEnd({}, async (front) => {
    const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
    const scope = `NOBODY/${time.slice(0, 8)}/us-east-1/s3/aws4_request`
    // As much as the head of a request holds: it would be a standstill of an hour.
    const names = `host;x-amz-content-sha256;x-amz-date${';a'.repeat(5_000)}`
    const lines = [
      `a: x${' '.repeat(20_000)}x`,
      `x-amz-date: ${time}`,
      'x-amz-content-sha256: UNSIGNED-PAYLOAD',
      `authorization: AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${'0'.repeat(64)}`,
    ]
    assert.match(await sendLines(front, '/b/k', lines), '<Code>AuthorizationHeaderMalformed</Code>')
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': scope,
      'X-Amz-Date': time,
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host;a;a',
      'X-Amz-Signature': '0'.repeat(64),
    })
    const presigned = await sendLines(front, `/b/k?${query}`, ['a: 1'])
    assert.match(presigned, '<Code>AuthorizationQueryParametersError</Code>')
  }))

function sendLines({ frontEnd }: TestFrontEnd, target: string, lines: readonly string[]): Promise<string> {
  const head = [`GET ${target} HTTP/1.1`, 'host: 127.0.0.1', 'connection: close', ...lines]
  return exchangeRaw(frontEnd.port, `${head.join('\r\n')}\r\n\r\n`)
}

test.run()
