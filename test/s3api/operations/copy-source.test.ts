import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFrontEnd } from '../../support/front-end.ts'

const test = suite('s3api/operations/copy-source')

test('a + in the name of a copy source is a blank, as s5cmd sends it; %2B is a +', () =>
  withFrontEnd({}, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    for (const name of ['a%20b', 'a%2Bb'])
      await front.send({ method: 'PUT', target: `/bucket/${name}`, body: name })
    for (const [source, body] of [
      ['bucket/a+b', 'a%20b'],
      ['/bucket/a%20b', 'a%20b'],
      ['/bucket/a b', 'a%20b'],
      ['bucket%2Fa%2Bb', 'a%2Bb'],
    ] as const) {
      const copied = await front.send({
        method: 'PUT',
        target: '/bucket/copy',
        headers: { 'x-amz-copy-source': source },
      })
      assert.is(copied.status, 200, source)
      assert.is((await front.send({ method: 'GET', target: '/bucket/copy' })).body, body, source)
    }
  }))

test.run()
