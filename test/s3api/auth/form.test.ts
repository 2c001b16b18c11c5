import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openForm } from '../../../s3api/auth/form.ts'
import { checkFormPolicy, parseFormPolicy } from '../../../s3api/auth/form-policy.ts'
import { keyOf, withFileName } from '../../../s3api/auth/form-request.ts'
import { signPolicy } from '../../../s3api/auth/policy-signature.ts'
import { S3Error } from '../../../s3api/errors.ts'
import { equalBytes, inPieces } from '../../support/bytes.ts'
import { propertyRuns } from '../../support/property.ts'

const test = suite('s3api/auth/form')
const boundary = '----boundary7MA4'

function formOf(
  fields: readonly (readonly [name: string, value: string])[],
  file: Uint8Array,
  filename = 'f.txt',
) {
  const parts = fields.map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return Buffer.concat([
    Buffer.from(parts.join('')),
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\n`,
    ),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
}

async function read(
  body: Uint8Array,
  pieces: readonly number[] = [65_536],
  headers: Record<string, string> = {},
) {
  const form = await openForm(
    {
      headers: new Map(
        Object.entries({
          'content-type': `multipart/form-data; boundary=${boundary}`,
          'content-length': String(body.length),
          ...headers,
        }),
      ),
    },
    inPieces(body, pieces),
  )
  const content: Uint8Array[] = []
  for await (const piece of form.file.content) content.push(piece)
  return { ...form, bytes: Buffer.concat(content) }
}

async function codeOf(body: Uint8Array, headers?: Record<string, string>): Promise<string> {
  try {
    await read(body, [65_536], headers)
    return 'none'
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error)
  }
}

test('fields and file come out as they went in, however the form is cut', async () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes(boundary))
  const content = fc.uint8Array({ maxLength: 300 })
  await fc.assert(
    fc.asyncProperty(
      value,
      content,
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      async (text, bytes, pieces) => {
        const form = await read(
          formOf(
            [
              ['Key', text],
              ['x-amz-meta-a', '\r\n--not'],
            ],
            bytes,
          ),
          pieces,
        )
        assert.is(form.fields.get('key'), text)
        assert.is(form.fields.get('x-amz-meta-a'), '\r\n--not')
        assert.is(form.file.size, bytes.length)
        equalBytes(form.bytes, bytes)
      },
    ),
    propertyRuns,
  )
})

test('a file that looks like a boundary, almost, is a file', async () => {
  for (const text of [
    '',
    '\r\n',
    `\r\n--${boundary.slice(0, -1)}`,
    `--${boundary}`,
    '\r\n-',
    '\r\n--\r\n--',
  ]) {
    for (const pieces of [[1], [2, 3], [7], [65_536]]) {
      equalBytes((await read(formOf([['key', 'k']], Buffer.from(text)), pieces)).bytes, Buffer.from(text))
    }
  }
})

test('what is not such a form is refused', async () => {
  const good = formOf([['key', 'k']], Buffer.from('data'))
  const text = good.toString('latin1')
  const changed = (from: string, to: string) => Buffer.from(text.replace(from, to), 'latin1')
  assert.is(await codeOf(good), 'none')
  assert.is(await codeOf(good, { 'content-type': 'application/json' }), 'PreconditionFailed')
  assert.is(await codeOf(good, { 'content-type': 'multipart/form-data' }), 'PreconditionFailed')
  assert.is(await codeOf(good, { 'content-length': 'many' }), 'MissingContentLength')
  assert.is(await codeOf(Buffer.alloc(0)), 'MalformedPOSTRequest')
  assert.is(await codeOf(changed(`--${boundary}`, `--other`)), 'MalformedPOSTRequest')
  assert.is(await codeOf(changed('name="key"', 'size="key"')), 'MalformedPOSTRequest')
  assert.is(await codeOf(changed('name="file"', 'name="data"')), 'InvalidArgument')
  assert.is(
    await codeOf(
      formOf(
        [
          ['key', 'k'],
          ['KEY', 'l'],
        ],
        Buffer.from('data'),
      ),
    ),
    'MalformedPOSTRequest',
  )
  assert.is(await codeOf(Buffer.concat([good, Buffer.from('more')])), 'MalformedPOSTRequest')
  assert.is(await codeOf(good.subarray(0, -2)), 'MalformedPOSTRequest')
  assert.is(await codeOf(good.subarray(0, -22), { 'content-length': String(good.length) }), 'IncompleteBody')
  assert.is(
    await codeOf(changed('--\r\n', '\r\nContent-Disposition: form-data; name="x"\r\n\r\nx')),
    'MalformedPOSTRequest',
  )
  const long = formOf([['key', 'k'.repeat(70_000)]], Buffer.from('data'))
  assert.is(await codeOf(long), 'MaxPostPreDataLengthExceeded')
  const many = Array.from({ length: 101 }, (_, index) => [`f${index}`, ''] as const)
  assert.is(await codeOf(formOf(many, Buffer.from('data'))), 'MalformedPOSTRequest')
  const invalid = formOf([['key', 'k']], Buffer.from('data'))
  invalid[invalid.indexOf('\r\n\r\nk') + 4] = 0xff
  assert.is(await codeOf(invalid), 'MalformedPOSTRequest')
})

test('a mutated form never gives anything but a form or an S3 error', async () => {
  const good = formOf(
    [
      ['key', 'k'],
      ['policy', 'e30='],
      ['acl', 'private'],
    ],
    Buffer.from('some data'),
  )
  const change = fc.tuple(
    fc.nat(good.length - 1),
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom('set', 'cut', 'repeat'),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 99 }),
      async (changes, piece) => {
        let body = Buffer.from(good)
        for (const [at, byte, how] of changes) {
          if (how === 'set') body[at % body.length] = byte
          if (how === 'cut') body = Buffer.concat([body.subarray(0, at), body.subarray(at + byte)])
          if (how === 'repeat')
            body = Buffer.concat([body.subarray(0, at), body.subarray(at, at + byte), body.subarray(at)])
          if (body.length === 0) body = Buffer.from('-')
        }
        try {
          await read(body, [piece])
        } catch (error) {
          assert.ok(error instanceof S3Error && error.status < 500, String(error))
        }
      },
    ),
    { numRuns: propertyRuns.numRuns * 20 },
  )
})

const soon = new Date(Date.now() + 60_000).toISOString()
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
const policyOf = (...conditions: readonly unknown[]) => ({
  expiration: soon,
  conditions: [{ bucket: 'b' }, ['starts-with', '$key', 'up/'], ...conditions],
})

function judge(policy: unknown, fields: Readonly<Record<string, string>> = {}, fileSize = 4): string {
  try {
    checkFormPolicy(parseFormPolicy(encode(policy)), {
      bucket: 'b',
      fields: new Map(
        Object.entries({ key: 'up/a', policy: 'x', signature: 'x', awsaccesskeyid: 'x', ...fields }),
      ),
      fileSize,
      nowMs: Date.now(),
    })
    return 'allowed'
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error)
  }
}

test('every condition must hold, and every field must be in one', () => {
  assert.is(judge(policyOf()), 'allowed')
  assert.is(judge(policyOf(), { key: 'down/a' }), 'AccessDenied')
  assert.is(judge(policyOf(), { acl: 'private' }), 'AccessDenied')
  assert.is(judge(policyOf({ AcL: 'private' }), { acl: 'private' }), 'allowed')
  assert.is(judge(policyOf({ acl: 'private' }), { acl: 'public-read' }), 'AccessDenied')
  assert.is(judge(policyOf({ acl: 'private' })), 'AccessDenied')
  assert.is(judge(policyOf(), { 'x-ignore-me': 'x', 'x-amz-checksum-crc32': 'x' }), 'allowed')
  assert.is(judge(policyOf(['eq', '$content-type', 'a/b']), { 'content-type': 'a/b' }), 'allowed')
  assert.is(
    judge(policyOf(['starts-with', '$Content-Type', 'image/']), { 'content-type': 'image/a,image/b' }),
    'allowed',
  )
  assert.is(
    judge(policyOf(['starts-with', '$Content-Type', 'image/']), { 'content-type': 'image/a,text/b' }),
    'AccessDenied',
  )
  assert.is(judge(policyOf(['content-length-range', 1, 4])), 'allowed')
  assert.is(judge(policyOf(['content-length-range', 1, 3])), 'EntityTooLarge')
  assert.is(judge(policyOf(['content-length-range', 5, 9])), 'EntityTooSmall')
  assert.is(judge({ ...policyOf(), expiration: new Date(Date.now() - 1000).toISOString() }), 'AccessDenied')
  assert.is(judge({ expiration: soon, conditions: [['starts-with', '$key', '']] }), 'AccessDenied')
})

test('a policy that is not one is refused', () => {
  const wrong: unknown[] = [
    null,
    [],
    {},
    { expiration: soon },
    { Expiration: soon, conditions: [] },
    { expiration: soon, CONDITIONS: [] },
    { expiration: '2030-01-01 00:00:00', conditions: [] },
    policyOf({}),
    policyOf({ acl: 'private', key: 'x' }),
    policyOf({ acl: 1 }),
    policyOf(['content-length-range', 0]),
    policyOf(['content-length-range', -1, 0]),
    policyOf(['content-length-range', 2, 1]),
    policyOf(['ends-with', '$key', 'x']),
    policyOf(['eq', 'key', 'x']),
    policyOf('acl'),
  ]
  for (const policy of wrong) assert.is(judge(policy), 'InvalidPolicyDocument', JSON.stringify(policy))
  assert.throws(() => parseFormPolicy('not base64'))
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.ok(['InvalidPolicyDocument', 'AccessDenied'].includes(judge(value)))
      assert.ok(['InvalidPolicyDocument', 'AccessDenied', 'allowed'].includes(judge(policyOf(value))))
    }),
    { numRuns: propertyRuns.numRuns * 10 },
  )
})

test('the key takes the name of the file where it wants that', () => {
  const variable = ['$', '{filename}'].join('')
  const key = (text: string, name: string) =>
    keyOf(
      withFileName({
        fields: new Map([['key', text]]),
        file: { name, size: 0, content: inPieces(new Uint8Array(0), [1]) },
      }),
    )
  assert.is(key(`up/${variable}`, 'a.txt'), 'up/a.txt')
  assert.is(key(variable, 'C:\\temp\\a.txt'), 'a.txt')
  assert.is(key(`${variable}-${variable}`, '/x/$&'), '$&-$&')
  assert.throws(() => key(variable, ''))
  assert.throws(() => key('', 'a'))
})

test('the example of the S3 documentation is signed as it says', () => {
  const policy = [
    'eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9',
  ].join('')
  const credential = {
    accessKey: 'AKIAIOSFODNN7EXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }
  assert.is(
    signPolicy(credential, { date: '20151229', region: 'us-east-1' }, policy),
    '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
  )
})

test.run()
