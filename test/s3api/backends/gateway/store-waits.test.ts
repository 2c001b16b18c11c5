import { createHash } from 'node:crypto'
import type http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import type { StoreWaits } from '../../../../s3api/backends/gateway/store-waits.ts'
import { Uploading } from '../../../../s3api/backends/gateway/uploading.ts'
import { Upstream, type UpstreamRequest } from '../../../../s3api/backends/gateway/upstream.ts'
import { withKept } from '../../../support/kept.ts'
import { type PlayedStore, playStore } from '../../../support/played-store.ts'
import { soon } from '../../../support/soon.ts'
import { rejection } from '../../../support/throws.ts'

/** A store that is slow, or does nothing at all. */

const test = suite('s3api/backends/gateway: store-waits')
const log = pino({ level: 'silent' })
const batch = new Uint8Array(1024 * 1024)
const sha256 = createHash('sha256').update(batch).digest()
const object = { bucket: 'bucket', key: 'key' } as const

function withStore(
  answer: http.RequestListener,
  waits: Partial<StoreWaits>,
  work: (upstream: Upstream, store: PlayedStore) => Promise<void>,
): Promise<void> {
  return withKept(async (keep) => {
    const store = keep(await playStore(answer))
    const upstream = keep(new Upstream(store.config(), { log, now: Date.now, waits }))
    await work(upstream, store)
  })
}

function begin(upstream: Upstream, batches: number): Promise<Uploading> {
  const sizes = { storedSize: batches * batch.length, trailerSize: 0, batchSize: batch.length }
  return Uploading.begin(upstream, { method: 'PUT', ...object }, sizes, { checksummed: false })
}

/** More than sockets hold. */
const batchesOfLarge = 64

async function writeAll(uploading: Uploading): Promise<void> {
  for (let index = 0; index < batchesOfLarge; index++) await uploading.write(batch, sha256)
}

const readsNothing: http.RequestListener = (request) => request.pause()
const answersNothing: http.RequestListener = (request) => request.resume()

test('an upload that the store stops reading fails, and its request ends', () =>
  withStore(readsNothing, { stallMs: 50 }, async (upstream) => {
    const uploading = await begin(upstream, batchesOfLarge)
    const error = await rejection(writeAll(uploading))
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
    assert.match(error.message, /the store took longer than/)
    await soon(uploading.abort())
  }))

test('an upload that is given up while the store reads nothing ends', () =>
  withStore(readsNothing, {}, async (upstream) => {
    const uploading = await begin(upstream, batchesOfLarge)
    const written = rejection(writeAll(uploading))
    // The sockets may be full by then: it ends in either case.
    await sleep(300)
    await soon(uploading.abort())
    assert.match((await written).message, /given up/)
  }))

test('the connection of an upload that the store takes and does not answer is closed', () =>
  withStore(answersNothing, { answerMs: 50 }, async (upstream, store) => {
    const closed = store.closed()
    const uploading = await begin(upstream, 1)
    await uploading.write(batch, sha256)
    const error = await rejection(uploading.end(new Uint8Array(0)))
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
    await soon(closed)
  }))

/** Sends a head and one batch, and the others when `rest` is called. */
function inTwo(batches: number) {
  let rest = () => {}
  const answer: http.RequestListener = (_, response) => {
    response.writeHead(200, { 'content-length': batches * batch.length }).write(batch)
    rest = () => {
      for (let index = 1; index < batches; index++) response.write(batch)
      response.end()
    }
  }
  return { answer, rest: () => rest() }
}

const get = { method: 'GET', ...object, repeatable: true } as const

test('a reader that takes longer than the store may is not cut off', () => {
  const { answer, rest } = inTwo(8)
  return withStore(answer, { stallMs: 1000 }, async (upstream) => {
    const { body } = await upstream.send(get)
    let size = 0
    for await (const piece of body.pieces()) {
      if (size === 0) {
        rest()
        await sleep(2500)
      }
      size += piece.length
    }
    assert.is(size, 8 * batch.length)
  })
})

test('a store that stands still in mid-answer is cut off', () => {
  const { answer } = inTwo(8)
  return withStore(answer, { stallMs: 200 }, async (upstream) => {
    const { body } = await upstream.send(get)
    const error = await rejection(
      (async () => {
        for await (const _ of body.pieces()) await sleep(1)
      })(),
    )
    assert.ok(error instanceof BackendError && error.code === 'unavailable')
  })
})

/** A head, and then some bytes again and again. */
function drops(bytes: number, everyMs: number, times: number): http.RequestListener {
  return (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-length': bytes * times })
    let sent = 0
    const timer = setInterval(() => {
      sent++
      if (sent === times || response.destroyed) clearInterval(timer)
      if (sent === times) response.end(Buffer.alloc(bytes, ' '))
      else response.write(Buffer.alloc(bytes, ' '))
    }, everyMs)
  }
}

test('a store that sends byte after byte is cut off, whether its answer is data or not', () =>
  withStore(drops(1, 20, 100_000), { stallMs: 200 }, async (upstream) => {
    const { body } = await upstream.send(get)
    const pieces = rejection(
      (async () => {
        for await (const _ of body.pieces()) await sleep(1)
      })(),
    )
    for (const ending of [pieces, rejection(upstream.fetch(get, 100_000))]) {
      const error = await soon(ending)
      assert.ok(error instanceof BackendError && error.code === 'unavailable')
    }
  }))

test('a store that is slow, but gets on, is not cut off', () =>
  withStore(drops(500, 100, 25), { stallMs: 1000 }, async (upstream) => {
    const { bytes } = await upstream.fetch(get, 100_000)
    assert.is(bytes.length, 500 * 25)
  }))

test('an answer to a completion may come byte after byte until it is done', () =>
  withStore(drops(1, 50, 20), { stallMs: 200 }, async (upstream) => {
    const completion = { method: 'POST', ...object, query: { uploadId: 'id' }, repeatable: false } as const
    const { bytes } = await upstream.fetch(completion, 100)
    assert.is(bytes.length, 20)
  }))

test('a store has longer to answer a copy or a completion than other requests', () => {
  const answersLate: http.RequestListener = (request, response) => {
    request.resume()
    // undici looks at its clock twice a second.
    setTimeout(() => response.end(), 3000)
  }
  return withStore(answersLate, { answerMs: 50 }, async (upstream) => {
    const send = (request: Omit<UpstreamRequest, 'bucket' | 'key' | 'repeatable'>) =>
      upstream.fetch({ ...object, repeatable: false, ...request }, 0)
    const others = [send({ method: 'PUT' }), send({ method: 'POST', query: { uploads: '' } })].map(rejection)
    await Promise.all([
      send({ method: 'PUT', headers: { 'x-amz-copy-source': '/bucket/source' } }),
      send({ method: 'POST', query: { uploadId: 'id' }, body: batch }),
    ])
    for (const error of await Promise.all(others))
      assert.ok(error instanceof BackendError && error.code === 'unavailable')
  })
})

test.run()
