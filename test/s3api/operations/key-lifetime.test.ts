import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../../s3api/operation.ts'
import { operations } from '../../../s3api/operations/index.ts'
import type { OpenedEnvelopes } from '../../../s3api/sse/opened-envelopes.ts'
import { withFrontEnd } from '../../support/front-end.ts'

/** Whatever becomes of a request, the object key that it had is zeroed in the end. */

const test = suite('s3api/operations/key-lifetime')
const sse = { 'x-amz-server-side-encryption': 'AES256' }
const copyOf = (more: Record<string, string> = {}) => ({ 'x-amz-copy-source': 'bucket/key', ...more })

/** The same operations; what they find among the opened envelopes is seen. */
function watching(seen: Uint8Array[]): readonly Operation[] {
  const watched = new WeakSet<OpenedEnvelopes>()
  return operations.map((operation) => ({
    ...operation,
    handle(context) {
      const opened = context.services.keys?.opened
      if (opened !== undefined && !watched.has(opened)) {
        watched.add(opened)
        const find = opened.find.bind(opened)
        opened.find = (stored, name) => {
          const known = find(stored, name)
          if (known !== undefined) seen.push(known.objectKey)
          return known
        }
      }
      return operation.handle(context)
    },
  }))
}

const cases = [
  ['a read', { method: 'GET', target: '/bucket/key' }, 200],
  ['a read of a large object', { method: 'GET', target: '/bucket/large' }, 200],
  ['a look', { method: 'HEAD', target: '/bucket/key' }, 200],
  ['no such range', { method: 'GET', target: '/bucket/key', headers: { range: 'bytes=9-' } }, 416],
  ['no such range of a look', { method: 'HEAD', target: '/bucket/key', headers: { range: 'bytes=9-' } }, 416],
  ['a condition', { method: 'GET', target: '/bucket/key', headers: { 'if-match': '"x"' } }, 412],
  ['a condition of a look', { method: 'HEAD', target: '/bucket/key', headers: { 'if-match': '"x"' } }, 412],
  [
    'attributes',
    { method: 'GET', target: '/bucket/key?attributes=', headers: { 'x-amz-object-attributes': 'ETag' } },
    200,
  ],
  ['a copy', { method: 'PUT', target: '/bucket/copy', headers: copyOf(sse) }, 200],
  ['a plain copy', { method: 'PUT', target: '/bucket/copy', headers: copyOf() }, 200],
  [
    'a condition of a copy',
    { method: 'PUT', target: '/bucket/copy', headers: copyOf({ 'x-amz-copy-source-if-match': '"x"' }) },
    412,
  ],
  [
    'a wrong directive of a copy',
    { method: 'PUT', target: '/bucket/copy', headers: copyOf({ 'x-amz-tagging-directive': 'x' }) },
    400,
  ],
] as const

test('no request leaves an object key, whether it is answered or refused', async () => {
  const seen: Uint8Array[] = []
  await withFrontEnd({ operations: watching(seen) }, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    for (const [name, body] of [
      ['key', 'content'],
      ['large', Buffer.alloc(100_000)],
    ] as const) {
      await front.send({ method: 'PUT', target: `/bucket/${name}`, headers: sse, body })
      await front.send({ method: 'GET', target: `/bucket/${name}` })
    }
    for (const [what, request, status] of cases) {
      seen.length = 0
      assert.is((await front.send(request)).status, status, what)
      assert.ok(seen.length > 0, what)
      for (const key of seen)
        assert.ok(
          key.every((byte) => byte === 0),
          what,
        )
    }
  })
})

test.run()
