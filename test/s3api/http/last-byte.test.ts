import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { send } from '../../../s3api/http/outgoing.ts'
import { RateFloor } from '../../../s3api/http/rate-floor.ts'

/** A client that has the last byte goes when it likes. */

const test = suite('s3api/http/last-byte')

/** Has the batches sent to a client that closes as soon as it has `wanted` bytes of body; the batches end when it is gone. */
async function whetherFinished(batchSizes: readonly number[], size: number, wanted: number) {
  let released = 0
  let tell: (finished: boolean) => void = () => {}
  const outcome = new Promise<boolean>((resolve) => {
    tell = resolve
  })
  const server = createServer((_request, outgoing) => {
    const closed = once(outgoing, 'close').then(() => tell(outgoing.writableFinished))
    async function* batches() {
      for (const batchSize of batchSizes) {
        const data = new Uint8Array(batchSize)
        yield { data, release: () => void released++ }
      }
      await closed
    }
    const floor = new RateFloor(1)
    send(outgoing, { status: 200, headers: {}, body: { size, batches: batches() } }, { headers: {}, floor })
      .catch(() => outgoing.destroy())
      .finally(() => floor.close())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  let head = ''
  let came = 0
  socket.on('data', (bytes: Buffer) => {
    if (head.includes('\r\n\r\n')) came += bytes.length
    else {
      head += bytes.toString('latin1')
      const start = head.indexOf('\r\n\r\n') + 4
      if (start > 3) came = head.length - start
    }
    if (came >= wanted) socket.destroy()
  })
  socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  const [finished] = await Promise.all([outcome, once(socket, 'close')])
  await new Promise((resolve) => server.close(resolve))
  return { finished, released, came }
}

test('a download is whole when its client goes with the last byte', async () => {
  for (const sizes of [[10], [300_000, 10], [300_000, 300_000]]) {
    const size = sizes.reduce((sum, each) => sum + each)
    const { finished, released, came } = await whetherFinished(sizes, size, size)
    assert.equal([finished, released, came], [true, sizes.length, size], String(sizes))
  }
})

test('it is not when the client goes before, or when there is less than was announced', async () => {
  const early = await whetherFinished([300_000, 300_000], 1_000_000, 300_000)
  assert.is(early.finished, false)
  const short = await whetherFinished([10, 10], 30, 20)
  assert.is(short.finished, false)
})

test('more than was announced is not sent', async () => {
  const { finished, came } = await whetherFinished([10, 30], 30, 30)
  assert.is(finished, false)
  assert.ok(came < 30)
})

test.run()
