import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConnectionOrder, waitingMax } from '../../../s3api/http/connection-order.ts'
import { openRaw } from '../../support/raw-http.ts'
import { until } from '../../support/served.ts'

const test = suite('s3api/http/connection-order')

interface Seen {
  readonly port: number
  /** Requests that node:http has parsed. */
  parsed: number
  /** Paths of those that were worked on. */
  readonly worked: string[]
  /** Lets the first request end. */
  release(): void
}

/** A server whose first request takes until it is released, as one does whose store hangs. */
async function withServer(work: (seen: Seen) => Promise<void>): Promise<void> {
  const order = new ConnectionOrder()
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const server = http.createServer((incoming, outgoing) => {
    seen.parsed++
    void order.take(incoming.socket, async () => {
      if (seen.worked.push(incoming.url ?? '') === 1) await released
      outgoing.end(incoming.url)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo
  const seen: Seen = { port, parsed: 0, worked: [], release: () => release() }
  try {
    await work(seen)
  } finally {
    release()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const request = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

test('requests of one connection are answered in their order, a few of them sent ahead', () =>
  withServer(async (seen) => {
    const connection = openRaw(seen.port)
    const paths = Array.from({ length: waitingMax }, (_, index) => `/${index}`)
    connection.write(paths.map((path) => request(path)).join(''))
    await until(() => seen.parsed === paths.length)
    assert.equal(seen.worked, ['/0'])
    seen.release()
    await until(() => seen.worked.length === paths.length)
    assert.equal(seen.worked, paths)
    await connection.until(new RegExp(`/${waitingMax - 1}$`))
    connection.destroy()
  }))

test('while one waits, no more is read of its connection', () =>
  withServer(async (seen) => {
    const connection = openRaw(seen.port)
    connection.write(request('/first'))
    await until(() => seen.worked.length === 1)
    // Four of them are one read of node's, of 64 KiB.
    const count = 200
    connection.write(request('/next', `X-Padding: ${'x'.repeat(15_000)}\r\n`).repeat(count))
    const other = openRaw(seen.port)
    for (let round = 1; round <= 20; round++) {
      other.write(request('/other'))
      await until(() => other.text().split('/other').length > round)
    }
    assert.ok(seen.parsed - 21 <= 8, `${seen.parsed - 21} were read`)
    seen.release()
    await until(() => seen.worked.filter((path) => path === '/next').length === count)
    connection.destroy()
    other.destroy()
  }))

test('a connection with more requests ahead than any client sends is closed, and what waits is not worked on', () =>
  withServer(async (seen) => {
    const connection = openRaw(seen.port)
    connection.write(request('/first'))
    await until(() => seen.worked.length === 1)
    connection.write(request('/next').repeat(50_000))
    await connection.ended
    seen.release()
    assert.ok(seen.parsed < 10_000, `${seen.parsed} were parsed`)
    const other = openRaw(seen.port)
    other.write(request('/other'))
    await other.until(/\/other$/)
    assert.equal(seen.worked, ['/first', '/other'])
    other.destroy()
  }))

test.run()
