import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../s3api/backends/backend.ts'
import { createCryptoPool, openDiskBackend, startFrontEnd } from '../../../s3api/index.ts'
import type { Operation } from '../../../s3api/operation.ts'
import { rootSigner, withFrontEnd } from '../../support/front-end.ts'
import { frontEndConfig } from '../../support/front-end-config.ts'
import { signRequest } from '../../support/signed-request.ts'

const test = suite('s3api/http/linger')

const bodySize = 16 * 1024 * 1024

/** Sends everything before it reads anything, as a blocking client does; resolves to what came back. */
function sendThenRead(port: number, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.pause()
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
    socket.write(head)
    socket.write(Buffer.alloc(bodySize), () => socket.resume())
  })
}

test('a client that sends its whole body first still gets the answer that refuses it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-linger-'))
  const log = pino({ level: 'silent' })
  const backend = await openDiskBackend({ directory, log })
  await backend.createBucket('bucket')
  const pool = createCryptoPool({ threads: 1 })
  const config = frontEndConfig(rootSigner, { requestsMax: 10, drainMs: 0 })
  const frontEnd = await startFrontEnd(config, { backend, pool, log, registry: new Registry() })
  try {
    const answer = await sendThenRead(
      frontEnd.port,
      `PUT /bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${bodySize}\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 403 /)
    assert.match(answer, /Connection: close\r\n/)
    assert.match(answer, /<Code>AccessDenied<\/Code>.*<\/Error>$/)
  } finally {
    await frontEnd.close()
    await pool.close()
    await backend.close()
    rmSync(directory, { recursive: true, force: true })
  }
})

const refused: Operation = {
  name: 'RefusedInMidBody',
  action: 's3:PutObject',
  method: 'PUT',
  scope: 'object',
  query: [],
  async handle({ body }) {
    for await (const _ of body.stream) break
    throw new BackendError('no-space', 'the store is full')
  },
}

test('one that has been told to continue gets it too, when it is refused in mid-body', () =>
  withFrontEnd({ operations: [refused] }, async ({ frontEnd: { port }, backend }) => {
    await backend.createBucket('bucket')
    const target = '/bucket/key'
    const headers = {
      host: `127.0.0.1:${port}`,
      'content-length': String(bodySize),
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    }
    const signed = signRequest({ method: 'PUT', target, headers }, rootSigner)
    const lines = Object.entries({ ...signed, expect: '100-continue' }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    const answer = await sendThenRead(port, `PUT ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 507 /)
    assert.match(answer, /<Code>InsufficientStorage<\/Code>.*<\/Error>$/)
  }))

test.run()
