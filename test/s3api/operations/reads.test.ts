import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/operations/reads')

/** Headers that a query can set. */
const contentNames = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]

const body = '0123456789'
const target = '/bucket/key'
const withObject = (work: (front: TestFrontEnd, etag: string) => Promise<void>): Promise<void> =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const { headers } = await front.send({ method: 'PUT', target, body })
    await work(front, String(headers.etag))
  })
const get = (front: TestFrontEnd, headers: Record<string, string>, name = target) =>
  front.send({ method: 'GET', target: name, headers })

test('ranges give what they name, and others are ignored or not satisfiable', () =>
  withObject(async (front) => {
    for (const [range, status, expected, contentRange] of [
      ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
      ['bytes=0-9', 206, body, 'bytes 0-9/10'],
      ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
      ['bytes=5-', 206, '56789', 'bytes 5-9/10'],
      ['bytes=5-1000', 206, '56789', 'bytes 5-9/10'],
      ['bytes=5-99999999999999999999', 206, '56789', 'bytes 5-9/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=-10', 206, body, 'bytes 0-9/10'],
      ['bytes=-11', 206, body, 'bytes 0-9/10'],
      ['bytes=10-', 416, undefined, 'bytes */10'],
      ['bytes=10-20', 416, undefined, 'bytes */10'],
      ['bytes=-0', 416, undefined, 'bytes */10'],
      ['bytes=3-2', 200, body, undefined],
      ['bytes=0-1,3-4', 200, body, undefined],
      ['bytes=', 200, body, undefined],
      ['bytes=a-b', 200, body, undefined],
      ['lines=0-1', 200, body, undefined],
    ] as const) {
      const answer = await get(front, { range })
      assert.is(answer.status, status, range)
      if (expected !== undefined) assert.is(answer.body, expected, range)
      assert.is(answer.headers['content-range'], contentRange, range)
      const head = await front.send({ method: 'HEAD', target, headers: { range } })
      assert.equal([head.status, head.body], [status, ''], range)
      if (status !== 416) assert.is(head.headers['content-length'], String(expected?.length))
    }
  }))

test('an empty object has no range', () =>
  withObject(async (front) => {
    await front.send({ method: 'PUT', target: '/bucket/empty', body: '' })
    assert.is((await get(front, { range: 'bytes=0-0' }, '/bucket/empty')).code, 'InvalidRange')
    assert.is((await get(front, { range: 'bytes=-1' }, '/bucket/empty')).status, 416)
    assert.equal((await get(front, {}, '/bucket/empty')).headers['content-length'], '0')
  }))

test('conditions of reads have HTTP’s precedence', () =>
  withObject(async (front, etag) => {
    const [past, future] = ['Sat, 01 Jan 2000 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT']
    for (const [headers, status] of [
      [{ 'if-match': etag }, 200],
      [{ 'if-match': etag.replaceAll('"', '') }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': `"other", ${etag}` }, 200],
      [{ 'if-match': '"other"' }, 412],
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `W/${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"other"' }, 200],
      [{ 'if-modified-since': past }, 200],
      [{ 'if-modified-since': future }, 304],
      [{ 'if-modified-since': 'nonsense' }, 200],
      [{ 'if-unmodified-since': past }, 412],
      [{ 'if-unmodified-since': future }, 200],
      [{ 'if-match': etag, 'if-unmodified-since': past }, 200],
      [{ 'if-none-match': etag, 'if-modified-since': past }, 304],
      [{ 'if-none-match': '"other"', 'if-modified-since': future }, 200],
      [{ 'if-match': '"other"', 'if-none-match': etag }, 412],
    ] as const) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await front.send({ method, target, headers })
        assert.is(answer.status, status, `${method} ${JSON.stringify(headers)}`)
        if (status === 304) assert.equal([answer.body, answer.headers.etag], ['', etag])
      }
    }
  }))

test('If-Range serves the range of the object that it names, and else the whole', () =>
  withObject(async (front, etag) => {
    const range = 'bytes=0-1'
    const { headers } = await get(front, {})
    const modified = String(headers['last-modified'])
    assert.is((await get(front, { range, 'if-range': etag })).body, '01')
    assert.is((await get(front, { range, 'if-range': modified })).body, '01')
    assert.is((await get(front, { range, 'if-range': '"other"' })).body, body)
    assert.is((await get(front, { range, 'if-range': 'Sat, 01 Jan 2000 00:00:00 GMT' })).body, body)
  }))

test('a page of parts that is no number is refused, of an object without parts as well', () =>
  withObject(async (front) => {
    const attributes = (headers: Record<string, string>) =>
      get(front, { 'x-amz-object-attributes': 'ObjectParts,ObjectSize', ...headers }, `${target}?attributes`)
    for (const name of ['x-amz-max-parts', 'x-amz-part-number-marker']) {
      assert.is((await attributes({ [name]: '1' })).status, 200)
      for (const value of ['x', '-1', '1.5', '']) {
        const refused = await attributes({ [name]: value })
        assert.equal([refused.status, refused.code], [400, 'InvalidArgument'], `${name}: ${value}`)
      }
    }
  }))

test('headers and metadata come back, and queries override them', () =>
  withObject(async (front) => {
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache, x="ü"',
      'content-disposition': 'attachment; filename="u"',
      'content-language': 'de',
      'content-encoding': 'aws-chunked,gzip',
      expires: 'Fri, 01 Jan 2100 00:00:00 GMT',
      'x-amz-meta-Mixed-Case': 'x',
      'x-amz-meta-__proto__': 'y',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    }
    const encoded = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
    )
    const lower = Object.fromEntries(
      Object.entries(encoded).map(([name, value]) => [name.toLowerCase(), value]),
    )
    assert.is((await front.send({ method: 'PUT', target, headers: lower, body })).status, 200)
    const { headers: got } = await get(front, {})
    for (const [name, value] of Object.entries(lower)) {
      assert.is(got[name], name === 'content-encoding' ? 'gzip' : value, name)
    }
    const overridden = await get(
      front,
      {},
      `${target}?response-cache-control=x&response-content-disposition=inline&response-content-encoding=br&response-content-language=fr&response-content-type=a%2Fb&response-expires=y`,
    )
    assert.equal(
      contentNames.map((name) => overridden.headers[name]),
      ['x', 'inline', 'br', 'fr', 'a/b', 'y'],
    )
    assert.is(
      (await get(front, {}, `${target}?response-expires=a%0D%0AInjected%3A%20b`)).code,
      'InvalidArgument',
    )
  }))

test('a query that sets a header to nothing leaves it as it is', () =>
  withObject(async (front) => {
    for (const name of contentNames) {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers } = await front.send({ method, target: `${target}?response-${name}=` })
        assert.is(status, 200, name)
        assert.is(headers['content-type'], 'binary/octet-stream')
      }
    }
  }))

test('an object whose metadata no response can carry is read without them, and told how many', () =>
  withObject(async (front) => {
    await front.backend.putObject({
      bucket: 'bucket',
      key: 'key',
      record: {
        size: 3,
        etag: 'e',
        modifiedAtMs: 1000,
        headers: { 'content-type': 'text/plain', 'x-amz-website-redirect-location': 'a\r\nb' },
        metadata: { a: 'one\ntwo', 'b c': '1', ü: '2', kept: 'ü\t' },
        storageClass: 'STANDARD',
      },
      data: { kind: 'bytes', bytes: Buffer.from('old') },
      newVersionId: () => 'v',
    })
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await front.send({ method, target })
      assert.equal([status, body], [200, method === 'GET' ? 'old' : ''])
      assert.is(headers['x-amz-missing-meta'], '3')
      assert.is(Buffer.from(String(headers['x-amz-meta-kept']), 'latin1').toString(), 'ü')
      assert.is(headers['x-amz-website-redirect-location'], undefined)
    }
  }))

test('a Content-Disposition beyond ASCII comes back as it was sent, with a body as without', () =>
  withObject(async (front) => {
    const disposition = 'attachment; filename="ü €.txt"'
    const query = `?response-content-disposition=${encodeURIComponent(disposition)}`
    await front.send({ method: 'PUT', target: '/bucket/large', body: 'x'.repeat(300_000) })
    for (const method of ['GET', 'HEAD']) {
      for (const name of [target, '/bucket/large']) {
        const { status, headers } = await front.send({ method, target: `${name}${query}` })
        assert.is(status, 200)
        assert.is(Buffer.from(String(headers['content-disposition']), 'latin1').toString(), disposition)
      }
    }
  }))

test('nobody chooses headers of a response who has not signed the request', () =>
  withFrontEnd({ config: { objectOwnership: 'ObjectWriter' } }, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    const headers = { 'x-amz-acl': 'public-read' }
    assert.is((await front.send({ method: 'PUT', target, headers, body })).status, 200)
    assert.is((await front.send({ method: 'GET', target }, 'nobody')).body, body)
    for (const name of ['type', 'disposition', 'encoding', 'language']) {
      const overriding = `${target}?response-content-${name}=x`
      const refused = await front.send({ method: 'GET', target: overriding }, 'nobody')
      assert.equal([refused.status, refused.code], [400, 'InvalidRequest'])
      assert.is((await front.send({ method: 'HEAD', target: overriding }, 'nobody')).status, 400)
      assert.is((await front.send({ method: 'GET', target: overriding })).status, 200)
    }
  }))

test('metadata that is too large is refused', () =>
  withObject(async (front) => {
    const put = (size: number) =>
      front.send({ method: 'PUT', target, headers: { 'x-amz-meta-a': 'x'.repeat(size) }, body: 'new' })
    assert.is((await put(2048)).code, 'MetadataTooLarge')
    assert.is((await get(front, {})).body, body)
    assert.is((await put(2047)).status, 200)
  }))

test('a website redirect location is a path or an address of at most 2 KB, or is refused', () =>
  withObject(async (front) => {
    const header = 'x-amz-website-redirect-location'
    const put = (location: string) =>
      front.send({ method: 'PUT', target: '/bucket/page', headers: { [header]: location }, body: 'x' })
    for (const location of ['/other', 'http://a.example/', 'https://a.example/', `/${'x'.repeat(2047)}`]) {
      assert.is((await put(location)).status, 200, location)
      const { headers } = await front.send({ method: 'HEAD', target: '/bucket/page' })
      assert.is(headers[header], location)
    }
    for (const location of ['other', 'ftp://a.example/', 'javascript:x', `/${'x'.repeat(2048)}`]) {
      const refused = await put(location)
      assert.equal([refused.status, refused.code], [400, 'InvalidRedirectLocation'], location)
      const upload = { method: 'POST', target: '/bucket/page?uploads', headers: { [header]: location } }
      assert.is((await front.send(upload)).code, 'InvalidRedirectLocation', location)
    }
  }))

test('conditional writes hold for PUT and leave what is there otherwise', () =>
  withObject(async (front, etag) => {
    const put = (headers: Record<string, string>, name = target) =>
      front.send({ method: 'PUT', target: name, headers, body: 'new' })
    assert.is((await put({ 'if-none-match': '*' })).code, 'PreconditionFailed')
    assert.is((await put({ 'if-match': '"other"' })).code, 'PreconditionFailed')
    assert.is((await get(front, {})).body, body)
    assert.is((await put({ 'if-match': etag }, '/bucket/gone')).code, 'NoSuchKey')
    assert.is((await put({ 'if-match': etag })).status, 200)
    assert.is((await get(front, {})).body, 'new')
    assert.is((await put({ 'if-none-match': '*' }, '/bucket/gone')).status, 200)
  }))

test.run()
