import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Slots } from '../../../s3api/http/slots.ts'
import { signForm } from '../../support/forms.ts'
import { alice, bob, rootSigner, type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { openRaw } from '../../support/raw-http.ts'
import { type BegunUpload, beginUpload, signedHead } from '../../support/raw-uploads.ts'
import { until } from '../../support/served.ts'
import type { Signer } from '../../support/signed-request.ts'

const test = suite('s3api/http/shares')

const everybodyWrites = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: '*',
      Action: ['s3:GetObject', 's3:PutObject'],
      Resource: 'arn:aws:s3:::bucket/*',
    },
  ],
})

interface Shared {
  readonly front: TestFrontEnd
  readonly port: number
  /** So many at once; each holds a place if it was let in, until the test is over or it is finished. */
  begin(count: number, by?: Signer): Promise<BegunUpload[]>
}

/** A bucket for everybody in a front-end that has ten places, of which a user gets 80 % of what no other holds. */
const withShares = (work: (shared: Shared) => Promise<void>) =>
  withFrontEnd({ config: { requestsMax: 10, requestsSharePercent: 80 } }, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await front.send({ method: 'PUT', target: '/bucket?policy', body: everybodyWrites })
    const { port } = front.frontEnd
    const begun: BegunUpload[] = []
    const begin: Shared['begin'] = async (count, by) => {
      const uploads = await Promise.all(
        Array.from({ length: count }, (_, index) => beginUpload(port, `/bucket/${begun.length + index}`, by)),
      )
      begun.push(...uploads)
      return uploads
    }
    try {
      await work({ front, port, begin })
    } finally {
      for (const { connection } of begun) connection.destroy()
    }
  })

const letIn = (uploads: readonly BegunUpload[]) => uploads.filter(({ status }) => status === 100)
const statuses = (uploads: readonly BegunUpload[]) => uploads.map(({ status }) => status)
const inFlight = ({ front }: Shared) => front.metric('sealgate_s3_in_flight')
const refusals = ({ front }: Shared, reason: string) =>
  front.metric(`sealgate_s3_requests_refused_total{reason="${reason}"}`)
/** All of the connections' requests have given their places back. */
const untilFree = (shared: Shared, taken = 0) => until(async () => (await inFlight(shared)) === taken)

async function finish(uploads: readonly BegunUpload[]): Promise<void> {
  for (const { connection } of uploads) {
    connection.write('the body')
    await connection.until(/HTTP\/1\.1 200 OK/)
    connection.destroy()
  }
}

test('slow uploads of one user leave places to another', () =>
  withShares(async (shared) => {
    const { front, begin } = shared
    const slow = await begin(30, alice)
    const accepted = letIn(slow)
    assert.is(accepted.length, 8)
    const refused = slow.find(({ status }) => status !== 100)?.connection.text() ?? ''
    assert.match(refused, /^HTTP\/1\.1 503 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*<Code>SlowDown<\/Code>/)
    await untilFree(shared, 8)
    assert.is(await refusals(shared, 'share'), 22)
    assert.is((await front.send({ method: 'PUT', target: '/bucket/bob', body: 'of bob' }, bob)).status, 200)
    assert.is((await front.send({ method: 'GET', target: '/bucket/bob' }, bob)).body, 'of bob')
    assert.is(await refusals(shared, 'places'), 0)
    await finish(accepted)
    await untilFree(shared)
    assert.equal(statuses(await begin(1, alice)), [100])
  }))

test('what one leaves is shared in the same way, and the last place is for who has none', () =>
  withShares(async (shared) => {
    const { begin } = shared
    assert.is(letIn(await begin(10, alice)).length, 8)
    assert.is(letIn(await begin(3, bob)).length, 1)
    assert.equal(statuses(await begin(1, alice)), [503])
    assert.equal(statuses(await begin(1, rootSigner)), [100])
    assert.is(await inFlight(shared), 10)
    const before = await refusals(shared, 'share')
    assert.equal(statuses(await begin(1, rootSigner)), [503])
    assert.equal([await refusals(shared, 'share'), await refusals(shared, 'places')], [before, 1])
  }))

test('whom no signature names count as one', () =>
  withShares(async (shared) => {
    const { front, begin } = shared
    assert.is(letIn(await begin(10)).length, 8)
    assert.is((await front.send({ method: 'PUT', target: '/bucket/key', body: 'x' }, alice)).status, 200)
    assert.is((await front.send({ method: 'GET', target: '/bucket/key' }, 'nobody')).code, 'SlowDown')
    const cors = { origin: 'https://example.com', 'access-control-request-method': 'GET' }
    const asked = { method: 'OPTIONS', target: '/bucket/key', headers: cors }
    assert.is((await front.send(asked, 'nobody')).code, 'SlowDown')
  }))

test('a request that only names a user takes nothing of the user’s share', () =>
  withShares(async (shared) => {
    const { begin } = shared
    const forger = { ...alice, secretKey: 'another-secret' }
    const [first, ...more] = await begin(8, alice)
    assert.equal(statuses([first, ...more] as BegunUpload[]), Array(8).fill(100))
    assert.equal(statuses(await begin(5, forger)), Array(5).fill(403))
    await finish([first] as BegunUpload[])
    await untilFree(shared, 7)
    // They still wait for their answer to be read, and for their bodies.
    assert.equal(statuses(await begin(5, forger)), Array(5).fill(403))
    assert.equal(statuses(await begin(1, alice)), [100])
  }))

test('a form is nobody’s until its fields are there, and its signer’s from then on', () =>
  withFrontEnd({ config: { requestsMax: 3, requestsSharePercent: 60 } }, async (front) => {
    await front.send({ method: 'PUT', target: '/bucket' })
    await front.send({ method: 'PUT', target: '/bucket?policy', body: everybodyWrites })
    await front.send({ method: 'PUT', target: '/bucket/key', body: 'read' })
    const { port } = front.frontEnd
    const fields = signForm({ key: 'form' }, { signer: alice, bucket: 'bucket' })
    const parts = Object.entries(fields).map(
      ([name, value]) => `--cut\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    const file = '--cut\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    const end = 'content\r\n--cut--\r\n'
    const form = openRaw(port)
    const more = 'Content-Type: multipart/form-data; boundary=cut\r\nExpect: 100-continue\r\n'
    const size = parts.join('').length + file.length + end.length
    form.write(signedHead(port, 'POST', '/bucket', { size, more }))
    await form.until(/100 Continue/)
    const read = async (by: Signer | 'nobody') =>
      (await front.send({ method: 'GET', target: '/bucket/key' }, by)).status
    assert.equal([await read('nobody'), await read(alice)], [503, 200])
    form.write(parts.join('') + file)
    await until(async () => (await read('nobody')) === 200)
    assert.is(await read(alice), 503)
    form.write(end)
    await form.until(/HTTP\/1\.1 204/)
    form.destroy()
    await until(async () => (await front.metric('sealgate_s3_in_flight')) === 0)
    assert.is((await front.send({ method: 'GET', target: '/bucket/form' }, alice)).body, 'content')
  }))

for (const [count, percent, most] of [
  [1, 1, 1],
  [1, 80, 1],
  [2, 80, 1],
  [10, 80, 8],
  [100, 29, 29],
  [1_000, 80, 800],
  [1_000, 100, 1_000],
] as const) {
  test(`alone, a user gets ${most} of ${count} places with ${percent} %, all of them again, and the rest is others’`, () => {
    const slots = new Slots(count, percent)
    const fill = (holder: string) => {
      const held = []
      for (let slot = slots.take(); slot !== undefined; slot = slots.take()) {
        if (!slot.give(holder)) {
          slot.leave()
          break
        }
        held.push(slot)
      }
      return held
    }
    for (let round = 0; round < 2; round++) {
      const held = fill('a')
      assert.is(held.length, most)
      assert.is(slots.taken, most)
      const others = most < count ? fill('b') : []
      assert.is(others.length > 0, most < count)
      for (const slot of [...held, ...others]) {
        slot.leave()
        slot.leave()
      }
      assert.is(slots.taken, 0)
    }
  })
}

test.run()
