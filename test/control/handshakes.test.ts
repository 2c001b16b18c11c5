import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TcpControl, withTcpControl } from '../support/tcp-control.ts'
import { createAuthority } from '../support/vault/certificates.ts'
import { until } from '../support/vault/fixture.ts'

/** What control's log says of clients that it refuses before they have called anything. */

const test = suite('control/handshakes')

const refused = /"peer":"(127\.0\.0\.1:\d+)","code":"(\w+)","reason":"([^"]+)"[^\n]*a client was refused/g

function refusals({ logged }: TcpControl): readonly (readonly [code: string, reason: string])[] {
  return [...logged().matchAll(refused)].map(([, , code = '', reason = '']) => [code, reason])
}

function portOf({ control }: TcpControl): number {
  return Number(control.address.split(':')[1])
}

/** Waits until the other side, or we, ended it. */
async function over(socket: Socket): Promise<void> {
  socket.on('error', () => {}).resume()
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

const ways: readonly [title: string, reason: string, open: (started: TcpControl) => Promise<Socket>][] = [
  [
    'no certificate',
    'it has shown no certificate',
    async (started) =>
      connectTls({
        host: '127.0.0.1',
        port: portOf(started),
        ALPNProtocols: ['h2'],
        rejectUnauthorized: false,
      }),
  ],
  [
    'a certificate of another CA',
    'its certificate is not of our CA',
    async (started) => {
      const { files } = await started.tls.issue('stranger', await createAuthority('another'))
      return connectTls({
        host: '127.0.0.1',
        port: portOf(started),
        ALPNProtocols: ['h2'],
        rejectUnauthorized: false,
        cert: readFileSync(files.certFile),
        key: readFileSync(files.keyFile),
      })
    },
  ],
  [
    'plain text',
    'it does not speak TLS',
    async (started) => {
      const socket = connect(portOf(started), '127.0.0.1')
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
      return socket
    },
  ],
  [
    'no trust in our certificate',
    'it hung up during the handshake, as one that does not trust our certificate does',
    async (started) =>
      connectTls({
        host: '127.0.0.1',
        port: portOf(started),
        ALPNProtocols: ['h2'],
        cert: readFileSync(started.files.certFile),
        key: readFileSync(started.files.keyFile),
      }),
  ],
]

for (const [title, reason, open] of ways) {
  test(`a client is refused: ${title}. The log says so once, with its address and the reason`, () =>
    withTcpControl(undefined, async (started) => {
      for (let count = 0; count < 3; count++) await over(await open(started))
      await until(() => refusals(started).length > 0)
      assert.equal(
        refusals(started).map(([, told]) => told),
        [reason],
      )
    }))
}

test('who only looks whether the port is open, and who is let in, is no line', () =>
  withTcpControl(undefined, async (started) => {
    const probe = connect(portOf(started), '127.0.0.1')
    await once(probe, 'connect')
    probe.end()
    await over(probe)
    await started
      .connect()
      .status()
      .catch(() => {})
    assert.equal(refusals(started), [])
  }))

test.run()
