import type { IncomingMessage, ServerResponse } from 'node:http'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listen } from '../../../s3api/http/server.ts'
import { exchangeRaw, openRaw } from '../../support/raw-http.ts'

const test = suite('s3api/http/slow-headers')

const times = { headersMs: 300, lookMs: 50, handshakeMs: 300, refusalMs: 300 }

async function withServer(work: (port: number) => Promise<void>): Promise<void> {
  const server = await listen(
    { address: { host: '127.0.0.1', port: 0 } },
    {
      handle: (_request: IncomingMessage, response: ServerResponse) => void response.end('served'),
      log: pino({ level: 'silent' }),
      times,
    },
  )
  try {
    await work(server.port)
  } finally {
    await server.destroy()
  }
}

test('headers that come byte by byte are ended with an S3 error, while others are served', () =>
  withServer(async (port) => {
    const slow = openRaw(port)
    slow.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    const timer = setInterval(() => slow.write('x'), 20)
    try {
      const other = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
      assert.match(await exchangeRaw(port, other), /^HTTP\/1\.1 200 [\s\S]*served/)
      const answer = await slow.ended
      assert.match(answer, /^HTTP\/1\.1 400 .*Connection: close.*<Code>RequestTimeout<\/Code>/s)
    } finally {
      clearInterval(timer)
    }
  }))

test('a connection that says nothing is ended', () =>
  withServer(async (port) => {
    const silent = openRaw(port)
    assert.match(await silent.ended, /<Code>RequestTimeout<\/Code>/)
  }))

test('a request that begins after another one has its own time', () =>
  withServer(async (port) => {
    const connection = openRaw(port)
    connection.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await connection.until(/served/)
    connection.write('GET / HTTP/1.1\r\nHo')
    assert.match(await connection.ended, /served[\s\S]*<Code>RequestTimeout<\/Code>/)
  }))

test.run()
