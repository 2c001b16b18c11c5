import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BodyPieces } from '../../../s3api/http/body-pieces.ts'
import { RateFloor } from '../../../s3api/http/rate-floor.ts'
import { equalBytes, patternBytes } from '../../support/bytes.ts'
import { rejection } from '../../support/throws.ts'

const test = suite('s3api/http/body-pieces')
const windowMs = 60_000

/** One request of a raw client to a real server: `read` is the server's side, `write` the client's. */
async function exchange<Result>(
  write: (socket: Socket) => void,
  read: (pieces: BodyPieces, incoming: IncomingMessage) => Promise<Result>,
): Promise<{ readonly result: Result; readonly answer: string }> {
  let settle: (result: Promise<Result>) => void = () => {}
  const outcome = new Promise<Result>((resolve) => {
    settle = resolve
  })
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const floor = new RateFloor(1, windowMs)
    const done = read(new BodyPieces(incoming, outgoing, floor), incoming).finally(() => {
      floor.close()
      outgoing.end('done')
    })
    settle(done)
  }
  const server = createServer(handle).on('checkContinue', handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let answer = ''
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString('latin1')
  })
  socket.on('error', () => {})
  try {
    write(socket)
    const result = await outcome
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve).end())
    return { result, answer }
  } finally {
    socket.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const head = (size: number, more = '') =>
  `PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${size}\r\n${more}\r\n`

async function collect(pieces: BodyPieces): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

test('the pieces are the body, however large', async () => {
  for (const size of [0, 1, 65_536, 3_000_001]) {
    const body = patternBytes(size)
    const { result, answer } = await exchange(
      (socket) => socket.write(Buffer.concat([Buffer.from(head(size)), body])),
      collect,
    )
    equalBytes(result, body)
    assert.match(answer, /^HTTP\/1.1 200/)
  }
})

test('a reader that is slow gets all of it, and the connection waits meanwhile', async () => {
  const body = patternBytes(8 * 1024 * 1024)
  const { result } = await exchange(
    (socket) => socket.write(Buffer.concat([Buffer.from(head(body.length)), body])),
    async (pieces, incoming) => {
      const all: Uint8Array[] = []
      for (;;) {
        const next = await pieces.next()
        if (next.done === true) return Buffer.concat(all)
        all.push(next.value)
        // A turn in which more could come, if it were let in.
        await new Promise((resolve) => setImmediate(resolve))
        assert.ok(incoming.readableLength <= 256 * 1024, `${incoming.readableLength} bytes wait`)
      }
    },
  )
  equalBytes(result, body)
})

test('a client that waits for 100 is told to go on by the first read, and not before', async () => {
  const { result, answer } = await exchange((socket) => {
    socket.write(head(5, 'Expect: 100-continue\r\n'))
    socket.once('data', () => socket.write('hello'))
  }, collect)
  assert.is(Buffer.from(result).toString(), 'hello')
  assert.match(answer, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/)
})

test('a client that goes away in the middle is an error', async () => {
  const { result } = await exchange(
    (socket) => {
      socket.write(`${head(10)}half`)
      setTimeout(() => socket.destroy(), 20)
    },
    (pieces) => rejection(collect(pieces)),
  )
  assert.match(result.message, /aborted|closed/)
})

test('a reader that leaves early leaves the rest on the connection', async () => {
  const body = patternBytes(1024 * 1024)
  const { result, answer } = await exchange(
    (socket) => socket.write(Buffer.concat([Buffer.from(head(body.length)), body])),
    async (pieces, incoming) => {
      const { value } = await pieces.next()
      await pieces.return()
      assert.equal(await pieces.next(), { value: undefined, done: true })
      assert.ok(incoming.isPaused())
      return value?.length ?? 0
    },
  )
  assert.ok(result > 0)
  assert.match(answer, /^HTTP\/1.1 200/)
})

test.run()
