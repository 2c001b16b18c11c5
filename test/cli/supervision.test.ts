import { X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { get } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram } from '../support/program.ts'
import { childrenOf, filesBelow, isRunning, roundTrip, until, withServed } from '../support/served.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'

const test = suite('cli/supervision')

const credentials = { accessKeyId: 'access', secretAccessKey: 'the secret access key' }
const hex = '5a'.repeat(32)
const env = {
  MINIO_ACCESS_KEY: credentials.accessKeyId,
  MINIO_SECRET_KEY: credentials.secretAccessKey,
  MINIO_SSE_MASTER_KEY: `my-minio-key:${hex}`,
  MINIO_SSE_AUTO_ENCRYPTION: 'on',
}
const { MINIO_SSE_MASTER_KEY, MINIO_SSE_AUTO_ENCRYPTION, ...plain } = env

const works = (url: string) =>
  roundTrip(url, credentials).then(
    () => true,
    () => false,
  )

test('the front-end and control are started again when they are killed', async () => {
  await withServed(
    'server',
    async ({ program, url }) => {
      assert.is(await roundTrip(url, credentials), 'AES256')
      for (const which of [0, 1]) {
        const killed = childrenOf(program.pid)[which] ?? 0
        process.kill(killed, 'SIGKILL')
        await until(() => childrenOf(program.pid).length === 2 && !childrenOf(program.pid).includes(killed))
        await until(() => works(url))
      }
      assert.is((await program.end()).status, 0)
    },
    { env },
  )
})

test('without their supervisor, killed, the processes end by themselves and remove their socket', async () => {
  await withServed(
    'server',
    async ({ program, temporary }) => {
      const children = childrenOf(program.pid)
      await program.end('SIGKILL')
      await until(() => !children.some(isRunning))
      assert.equal(filesBelow(temporary), [])
    },
    { env },
  )
})

test('a signal to all processes at once lets the running request finish', async () => {
  await withServed(
    'server',
    async ({ program, url }) => {
      await roundTrip(url, credentials)
      const children = childrenOf(program.pid)
      for (const pid of children) process.kill(pid, 'SIGTERM')
      // Alone it means nothing to them.
      assert.is(await roundTrip(url, credentials), 'AES256')
      assert.equal(childrenOf(program.pid), children)
      const finish = await beginToStore(url)
      for (const pid of [...children, program.pid]) process.kill(pid, 'SIGTERM')
      await until(() =>
        fetch(url).then(
          () => false,
          () => true,
        ),
      )
      assert.is(await finish(), 200)
      assert.is((await program.ended).status, 0)
    },
    { env },
  )
})

/** Stores an object up to the last byte of its body; resolves to what sends that, and resolves to the status. */
async function beginToStore(url: string): Promise<() => Promise<number | undefined>> {
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    credentials: { ...credentials },
    forcePathStyle: true,
  })
  const signed = await getSignedUrl(client, new PutObjectCommand({ Bucket: 'photos', Key: 'slow' }))
  client.destroy()
  const put = request(signed, { method: 'PUT', headers: { 'Content-Length': 2, Expect: '100-continue' } })
  const response = new Promise<number | undefined>((resolve, reject) => {
    put.once('response', (answer) => resolve(answer.resume().statusCode)).once('error', reject)
  })
  response.catch(() => {})
  put.flushHeaders()
  await new Promise((resolve) => put.once('continue', resolve))
  put.write('a')
  return () => {
    put.end('b')
    return response
  }
}

test('without a KMS there is one process, and no SSE-S3', async () => {
  await withServed(
    'server',
    async ({ program, url, temporary }) => {
      assert.is(childrenOf(program.pid).length, 1)
      assert.is(await roundTrip(url, credentials), undefined)
      assert.equal(filesBelow(temporary), [])
    },
    { env: plain, control: false },
  )
})

test('both admin ports tell health, readiness and metrics; no secret is to be seen anywhere', async () => {
  await withServed(
    'server',
    async ({ program, url, adminUrl, controlAdminUrl }) => {
      const processes = [program.pid, ...childrenOf(program.pid)]
      // On which Node opens a debugger, unless somebody has a handler for it.
      for (const pid of processes) process.kill(pid, 'SIGUSR1')
      await roundTrip(url, credentials)
      const texts: string[] = []
      for (const admin of [adminUrl, controlAdminUrl]) {
        for (const [path, status] of [
          ['/healthz', 200],
          ['/readyz', 200],
          ['/metrics', 200],
          ['/nowhere', 404],
        ] as const) {
          const response = await fetch(`${admin}${path}`)
          assert.is(response.status, status, `${admin}${path}`)
          texts.push(await response.text())
        }
        assert.is((await fetch(`${admin}/healthz`, { method: 'POST' })).status, 405)
      }
      assert.match(texts.join(), /sealgate_kms_requests_total\{operation="\w+",code="ok"\}/)
      for (const pid of processes) texts.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      // Our own environment is the operator's doing; the children are not given it.
      for (const pid of processes.slice(1)) texts.push(readFileSync(`/proc/${pid}/environ`, 'utf8'))
      await program.end()
      const output = texts.join() + program.stdout() + program.stderr()
      for (const secret of [credentials.secretAccessKey, hex, Buffer.from(hex, 'hex').toString('base64')]) {
        assert.not(output.includes(secret))
      }
      assert.not(/Debugger listening/.test(output))
    },
    { env },
  )
})

for (const option of ['--address', '--admin-address', '--control-admin-address']) {
  test(`a port of ${option} that is in use is told, and nothing is left running`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'sealgate-cli-'))
    const occupant = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => occupant.once('listening', resolve))
    try {
      const address = occupant.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const temporary = join(root, 'temporary')
      mkdirSync(temporary)
      const options = ['--address', '--admin-address', '--control-admin-address'].flatMap((each) => [
        each,
        each === option ? `127.0.0.1:${port}` : '127.0.0.1:0',
      ])
      const { status, stderr } = await runProgram(['server', join(root, 'data'), ...options], {
        ...env,
        TMPDIR: temporary,
        SEALGATE_LOG_LEVEL: 'fatal',
      })
      assert.is(status, 1)
      assert.match(
        stderr,
        new RegExp(`^sealgate: the \\S+( port)? cannot listen on 127.0.0.1:${port}: [^\n]+\n$`),
      )
      assert.equal(filesBelow(temporary), [])
    } finally {
      occupant.close()
      rmSync(root, { recursive: true, force: true })
    }
  })
}

test('a TLS listener takes a renewed certificate without a restart', async () => {
  const authority = await createAuthority('test authority')
  const root = mkdtempSync(join(tmpdir(), 'sealgate-cli-'))
  const certFile = join(root, 'cert.pem')
  const keyFile = join(root, 'key.pem')
  const renew = async (days: number) => {
    const { cert, key } = await createCertificate(authority, { days })
    writeFileSync(keyFile, key)
    writeFileSync(certFile, cert)
    return cert
  }
  try {
    const first = await renew(5)
    await withServed(
      'server',
      async ({ url, adminUrl }) => {
        const shown = async () => normal(await certificateOf(url, authority.cert))
        const expiry = async () => {
          const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
          return Number(/^sealgate_s3_certificate_expires_seconds (\S+)$/m.exec(metrics)?.[1])
        }
        assert.is(await shown(), normal(first))
        assert.is(await expiry(), expiryOf(first))
        const second = await renew(60)
        await until(async () => (await shown()) === normal(second))
        assert.is(await expiry(), expiryOf(second))
        writeFileSync(certFile, 'nonsense')
        assert.is(await shown(), normal(second))
      },
      { env: { ...plain, SEALGATE_TLS_CERT_FILE: certFile, SEALGATE_TLS_KEY_FILE: keyFile }, control: false },
    )
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

const expiryOf = (pem: string) => Date.parse(new X509Certificate(pem).validTo) / 1000

const normal = (pem: string) => pem.replaceAll(/-----[^-]+-----|\s/g, '')

/** Of the server, in base64. */
function certificateOf(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, agent: false }, (response) => {
      response.resume()
      const { socket } = response
      resolve(
        'getPeerCertificate' in socket
          ? (socket as import('node:tls').TLSSocket).getPeerCertificate().raw.toString('base64')
          : '',
      )
    })
    request.once('error', reject)
  })
}

test.run()
