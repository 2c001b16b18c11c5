import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Figure, meets } from '../../bench/figure.ts'
import { round, toPicture, toTable } from '../../bench/report.ts'
import { runLoad } from '../../bench/support/load.ts'
import type { LoadRequest } from '../../bench/support/load-job.ts'
import { findPeer, peers, startPeer } from '../../bench/support/peers.ts'
import { cpuSecondsOf, load, peakResidentMib } from '../../bench/support/processes.ts'
import { inRounds, median, ratioOf } from '../../bench/support/rounds.ts'
import { withDirectory } from '../support/files.ts'
import { skip } from '../support/skip.ts'
import { rejection } from '../support/throws.ts'

const test = suite('bench')

test('medians and ratios are those of the rounds', () => {
  assert.is(median([3, 1, 2]), 2)
  assert.is(median([4, 1, 2, 3]), 2.5)
  assert.ok(Number.isNaN(median([])))
  assert.is(ratioOf([2, 40, 6], [1, 10, 6]), 2)
})

test('variants take turns, and the first round does not count', async () => {
  const order: string[] = []
  const run = (name: string) => async () => order.push(name)
  const results = await inRounds(2, { a: run('a'), b: run('b') })
  assert.equal(order, ['a', 'b', 'b', 'a', 'a', 'b'])
  assert.equal(results, { a: [4, 5], b: [3, 6] })
})

const figures: readonly Figure[] = [
  {
    what: 'PUT <fast>',
    kind: 'rate',
    value: 1.234_567,
    unit: 'GB/s',
    baseline: { what: 'plain', value: 2 },
    ratio: 0.9,
    must: 0.8,
    moonshot: 0.95,
    cpu: { unit: 's/GB', own: 2, baseline: 1 },
  },
  { what: 'delay', kind: 'limit', value: 12, unit: 'ms', must: 20, moonshot: 10 },
]

test('a figure meets its target from its own side', () => {
  const [rate, limit] = figures
  assert.ok(rate && limit)
  assert.equal([meets(rate, 0.9), meets(rate, 0.91)], [true, false])
  assert.equal([meets(limit, 12), meets(limit, 11)], [true, false])
})

test('the table shows every figure beside its targets', () => {
  const lines = toTable(figures).split('\n')
  assert.is(lines.length, 4)
  assert.is(lines[2], '| PUT <fast> | 1.23 GB/s | 2 GB/s (plain) | 0.90 | ≥ 0.8 ✓ | ≥ 0.95 ✗ | 2 s/GB (1) |')
  assert.is(lines[3], '| delay | 12 ms |  |  | ≤ 20 ✓ | ≤ 10 ✗ |  |')
  assert.equal([round(12_345.6), round(0.012_34), round(Number.NaN)], ['12,346', '0.0123', '?'])
})

test('the picture is well-formed and shows the ratios that have a target', () => {
  const picture = toPicture(figures)
  assert.match(picture, /^<svg [\s\S]*<\/svg>\n$/)
  assert.match(picture, /PUT &lt;fast>/)
  assert.not.match(picture, /delay/)
})

const answers = createServer((request, response) => {
  let size = 0
  request.on('data', (bytes: Uint8Array) => {
    size += bytes.length
  })
  request.on('end', () => {
    const refused = request.url === '/refused'
    const body = refused ? 'no' : Buffer.alloc(request.method === 'PUT' ? 0 : Number(request.url?.slice(1)))
    response.writeHead(refused ? 403 : 200, { 'Content-Length': body.length, 'X-Size': String(size) })
    response.end(body)
  })
})

async function withServer(work: (address: { host: string; port: number }) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve))
  try {
    await work({ host: '127.0.0.1', port: (answers.address() as AddressInfo).port })
  } finally {
    answers.closeAllConnections()
    await new Promise((resolve) => answers.close(resolve))
  }
}

const put = (bodySize: number): LoadRequest => ({ method: 'PUT', path: '/', headers: {}, bodySize })
const get = (size: number): LoadRequest => ({ method: 'GET', path: `/${size}`, headers: {}, bodySize: 0 })

test('the load generator sends and takes every byte, each request once', async () => {
  await withServer(async (address) => {
    const requests = [put(0), put(1), put(3_000_000), get(0), get(1), get(3_000_000)]
    const result = await runLoad({ ...address, connections: 2, requests })
    assert.is(result.failures, 0)
    assert.is(result.requests, 6)
    assert.is(result.bytes, 6_000_002)
  })
})

test('the load generator goes on for as long as it is told, in a process of its own', async () => {
  await withServer(async (address) => {
    const result = await load({ ...address, connections: 4, requests: [put(100), get(100)], seconds: 0.2 })
    assert.ok(result.requests > 2)
    assert.ok(result.bytes >= result.requests * 100)
    assert.ok(result.latencyMs.p99 >= result.latencyMs.p50)
  })
})

test('a server that ends the connection with each answer gets a new one for the next request', async () => {
  const connections = new Set<unknown>()
  const closing = createServer((request, response) => {
    connections.add(request.socket)
    response.writeHead(200, { 'Content-Length': 2, Connection: 'close' }).end('ok')
  })
  await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = closing.address() as AddressInfo
    const result = await runLoad({
      host: '127.0.0.1',
      port,
      connections: 1,
      requests: [get(0), get(0), get(0)],
    })
    assert.equal([result.requests, result.failures, connections.size], [3, 0, 3])
  } finally {
    closing.closeAllConnections()
    await new Promise((resolve) => closing.close(resolve))
  }
})

test('a peer is found where it was installed, and one that is not says how it comes there', async () => {
  await withDirectory(async (directory) => {
    const [peer] = peers
    assert.ok(peer)
    const missing = { ...peer, program: 'no-such-program' }
    assert.is(findPeer(missing, directory), undefined)
    mkdirSync(join(directory, 'node_modules', '.bin'), { recursive: true })
    const program = join(directory, 'node_modules', '.bin', 'no-such-program')
    writeFileSync(program, '#!/bin/sh\nexit 3\n', { mode: 0o700 })
    assert.is(findPeer(missing, directory), program)
    assert.match((await rejection(startPeer(missing, program, directory))).message, /has ended \(3\)/)
  })
  const [, , row] = toTable([
    { what: 'beside it', kind: 'rate', value: Number.NaN, unit: '', note: 'not installed: how' },
  ]).split('\n')
  assert.is(row, '| beside it | not installed: how |  |  |  |  |  |')
})

test('a refused request is a failure that says why', async () => {
  await withServer(async (address) => {
    const job = { ...address, connections: 1, requests: [{ ...get(1), path: '/refused' }] }
    const result = await runLoad(job)
    assert.is(result.failures, 1)
    assert.is(result.firstFailure, '403 no')
  })
})

test('the kernel tells what a process used', () => {
  const seconds = cpuSecondsOf(process.pid)
  if (seconds === undefined) return skip('CPU seconds: a system with /proc is needed')
  assert.ok(seconds > 0)
  assert.ok((peakResidentMib(process.pid) ?? 0) > 10)
})

test.run()
