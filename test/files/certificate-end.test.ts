import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CertificateFiles } from '../../control/certificates.ts'
import { tellCertificateEnd } from '../../files/certificate-end.ts'
import { listen } from '../../s3api/http/server.ts'
import { withDirectory } from '../support/files.ts'
import { until } from '../support/served.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'

const test = suite('files/certificate-end')

test('the end of a certificate is told once, at the start or when it comes, and that of the next one too', async () => {
  const told: { endedAt: string }[] = []
  const log = { error: (fields: { endedAt: string }) => void told.push(fields) }
  let endsAtMs = 1_000
  let nowMs = 1_000
  let looks = 0
  const ends = () => {
    looks++
    return endsAtMs
  }
  const looked = async () => {
    const before = looks
    await until(() => looks > before + 1)
  }
  const stop = tellCertificateEnd('server.pem', ends, { log, now: () => nowMs, intervalMs: 1 })
  try {
    assert.equal(told, [{ certFile: 'server.pem', endedAt: '1970-01-01T00:00:01.000Z' }])
    endsAtMs = 2_000
    nowMs = 1_999
    await looked()
    assert.is(told.length, 1)
    nowMs = 2_000
    await looked()
    assert.equal(
      told.map(({ endedAt }) => endedAt),
      ['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:02.000Z'],
    )
  } finally {
    stop()
  }
})

test('the certificates of the S3 port, and of either side of control, are looked at', () =>
  withDirectory(async (directory) => {
    const authority = await createAuthority('test authority')
    const { cert, key } = await createCertificate(authority, { ended: true })
    const files = { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'cert.key' }
    for (const [name, text] of Object.entries({ caFile: authority.cert, certFile: cert, keyFile: key })) {
      files[name as keyof typeof files] = join(directory, name)
      writeFileSync(join(directory, name), text)
    }
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    new CertificateFiles(files, { log }).close()
    const server = await listen({ address: { host: '127.0.0.1', port: 0 }, tls: files }, { handle() {}, log })
    await server.destroy()
    const ends = lines.filter((line) => line.includes('the certificate has ended'))
    assert.is(ends.length, 2, lines.join())
  }))

test.run()
