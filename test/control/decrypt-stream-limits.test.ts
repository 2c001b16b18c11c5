import { status } from '@grpc/grpc-js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DecryptStreamResponse } from '../../proto/gen/sealgate/kms/v1/DecryptStreamResponse.ts'
import { answers, hex, type StreamedControl, withStreamedControl } from '../support/decrypt-stream.ts'
import { until } from '../support/vault/fixture.ts'

const test = suite('control/decrypt-stream-limits')

/** Of control/server/decrypt-stream.ts. */
const placesMax = 128
const unlimited = () => ({ limits: { inFlightMax: 2_000, perSecondMax: 1_000_000 } })

/** Requests that were answered so far, as the service counts them. */
async function answered({ registry }: StreamedControl): Promise<number> {
  const counts = (await registry.metrics()).matchAll(
    /sealgate_kms_requests_total\{operation="DecryptStream",code="[^"]+"\} (\d+)/g,
  )
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

const inFlight = async ({ registry }: StreamedControl) =>
  Number(/sealgate_kms_in_flight (\d+)/.exec(await registry.metrics())?.[1])

/** Each with a context of its own, so that each asks the KMS. */
function sendMany({ stream, key }: StreamedControl, count: number): void {
  for (let id = 0; id < count; id++) stream.send(id, { ...key, context: { id: String(id) } })
}

test('of one stream so many requests are worked on at once, and the rest waits to be read', async () => {
  await withStreamedControl(async (started) => {
    const { kms, keys, stream } = started
    const held = kms.hold()
    sendMany(started, 3 * placesMax)
    await until(() => kms.calls.decrypt === placesMax)
    for (let time = 0; time < 20; time++) await keys.status()
    assert.is(kms.calls.decrypt, placesMax)
    held.release()
    const came = await answers(stream, 3 * placesMax)
    assert.is(new Set(came.map(([id]) => id)).size, 3 * placesMax)
  }, unlimited)
})

test('a client that does not read its answers is not read any further', async () => {
  await withStreamedControl(async (started) => {
    const { stream, keys, key } = started
    const count = 4_000
    stream.call.pause()
    for (let id = 0; id < count; id++) stream.send(id, key)
    let before = -1
    for (let same = 0; same < 20; ) {
      await keys.status()
      const now = await answered(started)
      same = now === before ? same + 1 : 0
      before = now
    }
    assert.ok(before >= placesMax && before < count, String(before))
    stream.call.resume()
    const came = await answers(stream, count)
    assert.ok(came.every(([, outcome]) => outcome === hex(key.plaintext)))
    assert.is(await answered(started), count)
  }, unlimited)
})

test('messages beyond the rate of a client are refused, with the time to wait, and the stream goes on', async () => {
  const limits = { inFlightMax: 100, perSecondMax: 5 }
  await withStreamedControl(
    async ({ stream, key }) => {
      const refused: DecryptStreamResponse[] = []
      for (let id = 0; refused.length === 0; id++) {
        stream.send(id, key)
        const answer = await stream.answer()
        if (answer.error) refused.push(answer)
      }
      const { code, message, retryAfterMs = 0 } = refused[0]?.error ?? {}
      assert.equal(
        [code, message],
        [status.RESOURCE_EXHAUSTED, 'this client asks more than 5 operations a second'],
      )
      assert.ok(retryAfterMs > 0 && retryAfterMs <= 200, String(retryAfterMs))
      await until(async () => {
        stream.send(0, key)
        return (await stream.answer()).response?.plaintext.equals(key.plaintext) === true
      })
    },
    () => ({ limits }),
  )
})

test('messages count among what a client has under way, beside their stream', async () => {
  await withStreamedControl(
    async ({ stream, key, kms }) => {
      const held = kms.hold()
      stream.send(1, key)
      await until(() => kms.calls.decrypt === 1)
      stream.send(2, key)
      const refused = await stream.answer()
      assert.equal([refused.id, refused.error?.code], [2, status.RESOURCE_EXHAUSTED])
      held.release()
      assert.equal(await answers(stream, 1), [[1, hex(key.plaintext)]])
      stream.send(3, key)
      assert.equal(await answers(stream, 1), [[3, hex(key.plaintext)]])
    },
    () => ({ limits: { inFlightMax: 2, perSecondMax: 1_000 } }),
  )
})

test('a stream counts among what a client has under way until it ends', async () => {
  await withStreamedControl(
    async ({ stream, key, keys }) => {
      stream.send(1, key)
      assert.equal(await answers(stream, 1), [[1, 'RESOURCE_EXHAUSTED']])
      stream.call.end()
      assert.is((await stream.ended).code, status.OK)
      await until(() =>
        keys.decrypt(key).then(
          () => true,
          () => false,
        ),
      )
    },
    () => ({ limits: { inFlightMax: 1, perSecondMax: 1_000 } }),
  )
})

test('a message that waits for the KMS is given up in its own time, and leaves the others waiting', async () => {
  await withStreamedControl(async ({ stream, key, kms }) => {
    const held = kms.hold()
    stream.send(1, key)
    stream.send(2, key, { timeoutMs: 50 })
    const { id, error } = await stream.answer()
    assert.equal([id, error?.code, error?.message], [2, status.UNAVAILABLE, 'the call was given up'])
    held.release()
    assert.equal(await answers(stream, 1), [[1, hex(key.plaintext)]])
  })
})

test('a stream that its client cancels leaves nothing under way', async () => {
  await withStreamedControl(async (started) => {
    const { stream, kms } = started
    const held = kms.hold()
    sendMany(started, 2 * placesMax)
    await until(() => kms.calls.decrypt === placesMax)
    assert.is(await inFlight(started), placesMax)
    stream.call.cancel()
    await until(async () => (await inFlight(started)) === 0)
    assert.is(kms.calls.decrypt, placesMax)
    held.release()
  }, unlimited)
})

test('a drain ends a stream once what it has taken is answered, and another instance opens the rest', async () => {
  await withStreamedControl(async (started) => {
    const { stream, kms, key, control } = started
    const held = kms.hold()
    const sent = placesMax + 10
    sendMany(started, sent)
    await until(() => kms.calls.decrypt === placesMax)
    const closed = control.close()
    held.release()
    const came = await answers(stream, placesMax)
    const { code } = await stream.ended
    await closed
    assert.is(code, status.OK)
    const ids = new Set(came.map(([id]) => id))
    assert.is(ids.size, placesMax)
    await withStreamedControl(async (other) => {
      const unanswered = Array.from({ length: sent }, (_, id) => id).filter((id) => !ids.has(id))
      for (const id of unanswered) other.stream.send(id, key)
      const rest = await answers(other.stream, unanswered.length)
      assert.ok(rest.every(([, outcome]) => outcome === hex(key.plaintext)))
    }, unlimited)
  }, unlimited)
})

test('a stream on which nothing is under way does not hold a drain up', async () => {
  await withStreamedControl(async ({ stream, key, control }) => {
    stream.send(1, key)
    assert.equal(await answers(stream, 1), [[1, hex(key.plaintext)]])
    await control.close()
    assert.is((await stream.ended).code, status.OK)
  })
})

test.run()
