import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { presign, type Target } from '../../bench/support/presign.ts'
import { startSlowClients } from '../../bench/support/slow-clients.ts'
import { childrenOf, roundTrip, type Served, until, withServed } from '../support/served.ts'
import { skip } from '../support/skip.ts'

const test = suite('cli/overload')

const readers = 250
const writers = 750
const mebibyte = 1024 * 1024
const credentials = { accessKeyId: 'root-access', secretAccessKey: 'root-secret-key' }
const signIn = {
  SEALGATE_ACCESS_KEY: credentials.accessKeyId,
  SEALGATE_SECRET_KEY: credentials.secretAccessKey,
}
/** What a slow client may cost on average: a batch of 256 KiB, and as much again for whatever else there is of it. */
const residentSizePerClientMax = 512 * 1024

test('a thousand slow clients cost a batch each; one request more is told to slow down, and operators see why', async () => {
  if (process.platform !== 'linux') return skip('resident sizes: a system with /proc is needed')
  const env = {
    ...signIn,
    SEALGATE_KMS_MASTER_KEY: `key:${'42'.repeat(32)}`,
    SEALGATE_AUTO_ENCRYPTION: 'on',
    SEALGATE_REQUESTS_MAX: String(readers + writers),
    SEALGATE_REQUESTS_SHARE_PERCENT: '100',
    SEALGATE_BYTES_PER_SECOND_MIN: '0',
    SEALGATE_LOG_LEVEL: 'info',
    SEALGATE_FSYNC: 'never',
  }
  await withServed('server', useSlowly, { env })
})

async function useSlowly({ program, url, adminUrl }: Served) {
  const { hostname: host, port } = new URL(url)
  const target: Target = {
    host,
    port: Number(port),
    accessKey: credentials.accessKeyId,
    secretKey: credentials.secretAccessKey,
    region: 'us-east-1',
  }
  const put = (path: string, bodySize: number) => presign(target, { method: 'PUT', path, bodySize })
  assert.is(await roundTrip(url, credentials), 'AES256')
  const large = await fetch(`${url}${put('/photos/large', 0).path}`, {
    method: 'PUT',
    body: Buffer.alloc(16 * mebibyte),
  })
  assert.is(large.status, 200)
  // A request has its place until its answer is out.
  await until(async () => (await metric(adminUrl, 'sealgate_s3_in_flight')) === 0)
  const pids = childrenOf(program.pid)
  const before = largestResidentSize(pids)
  const job = { host, port: Number(port), stepSize: 100, stepMs: 200 }
  const reading = startSlowClients({
    ...job,
    connections: readers,
    requests: [presign(target, { method: 'GET', path: '/photos/large' })],
  })
  const writing = startSlowClients({
    ...job,
    connections: writers,
    requests: [put('/photos/slow', mebibyte)],
  })
  try {
    await until(async () => {
      assert.is(await refusals(adminUrl), 0, 'one of the slow clients has found no place')
      return (await metric(adminUrl, 'sealgate_s3_in_flight')) === readers + writers
    })
    const grown = largestResidentSize(pids) - before
    assert.ok(grown < (readers + writers) * residentSizePerClientMax, `${grown} bytes more`)
    const refused = await fetch(`${url}${presign(target, { method: 'GET', path: '/photos/cat' }).path}`)
    assert.equal([refused.status, refused.headers.get('retry-after')], [503, '1'])
    assert.match(await refused.text(), '<Code>SlowDown</Code>')
    assert.is(await refusals(adminUrl), 1)
    for (const path of ['healthz', 'readyz']) assert.is((await fetch(`${adminUrl}/${path}`)).status, 200)
    await writing.stop()
    await until(async () => (await metric(adminUrl, 'sealgate_s3_in_flight')) === readers)
    assert.is(await roundTrip(url, credentials), 'AES256')
  } finally {
    await Promise.all([reading.stop(), writing.stop()])
  }
}

const refusals = (adminUrl: string) => metric(adminUrl, 'sealgate_s3_requests_refused_total{reason="places"}')

test('a thousand clients that come while a server is busy wait for it, and all are answered', async () => {
  if (process.platform !== 'linux') return skip('clients that wait: a system with /proc is needed')
  const count = 1000
  const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  if (most <= count)
    return skip(`clients that wait: net.core.somaxconn is ${most}; more than ${count} is needed`)
  const useServed = async ({ program, url }: Served) => {
    const { hostname: host, port } = new URL(url)
    const pids = childrenOf(program.pid)
    const signal = (name: NodeJS.Signals) => {
      for (const pid of pids) process.kill(pid, name)
    }
    const sockets: Socket[] = []
    signal('SIGSTOP')
    try {
      await Promise.all(
        Array.from({ length: count }, async () => {
          const socket = connect(Number(port), host)
          sockets.push(socket)
          await once(socket, 'connect')
          socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        }),
      )
      signal('SIGCONT')
      const answers = await Promise.all(sockets.map(text))
      assert.is(answers.filter((answer) => answer.startsWith('HTTP/1.1 403 ')).length, count)
    } finally {
      signal('SIGCONT')
      for (const socket of sockets) socket.destroy()
    }
  }
  const env = { ...signIn, SEALGATE_REQUESTS_MAX: String(count), SEALGATE_REQUESTS_SHARE_PERCENT: '100' }
  await withServed('server', useServed, { env, control: false })
})

async function metric(adminUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

/** Of the front-end, which is the largest of a server's processes, bytes. */
function largestResidentSize(pids: readonly number[]): number {
  const sizes = pids.map((pid) =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
  )
  return Math.max(...sizes) * 1024
}

test.run()
