import { execFile, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './programs.ts'

/**
 * A program: `ceph.js FOLDER PORT ACCESS_KEY SECRET_KEY` runs Ceph's object gateway on the port, before a cluster of one monitor and
 * one OSD that keeps its objects in memory; the gateway encrypts all of them. It ends, and ends all, with the first that ends.
 * Source: Ceph documentation, "Manual Deployment" and "Ceph Object Gateway Config Reference".
 */

const run = promisify(execFile)
const osdBytes = 8 * 1024 ** 3
const upMs = 60_000
const pollMs = 200

interface Cluster {
  readonly folder: string
  readonly config: string
  readonly fsid: string
  readonly monitorPort: number
}

const [folder = '', port = '', accessKey = '', secretKey = ''] = process.argv.slice(2)
// Without a listener a signal ends the process without its exit event, which the daemons are ended in.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
await serve(configure(folder, await freePort()))

async function serve(cluster: Cluster): Promise<void> {
  const { config } = cluster
  await startMonitor(cluster)
  await startOsd(cluster)
  // Before the gateway listens: by then there must be somebody who may use it.
  await run('radosgw-admin', [
    ...['--conf', config, 'user', 'create', '--uid', 'bench', '--display-name', 'bench'],
    ...['--access-key', accessKey, '--secret-key', secretKey],
  ])
  daemon('radosgw', ['--conf', config, '--foreground', '--name', 'client.rgw.bench'])
}

function configure(folder: string, monitorPort: number): Cluster {
  const cluster = { folder, config: join(folder, 'ceph.conf'), fsid: randomUUID(), monitorPort }
  for (const name of ['mon', 'osd', 'run']) mkdirSync(join(folder, name))
  const settings = {
    fsid: cluster.fsid,
    'mon host': `v2:127.0.0.1:${monitorPort}`,
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'ms bind ipv6': false,
    // Without keys there is nothing to encrypt messages with.
    'auth cluster required': 'none',
    'auth service required': 'none',
    'auth client required': 'none',
    'ms mon client mode': 'crc',
    'mon data': join(folder, 'mon'),
    'osd data': join(folder, 'osd'),
    'run dir': join(folder, 'run'),
    'admin socket': join(folder, 'run', '$name.$pid.asok'),
    'pid file': join(folder, 'run', '$name.pid'),
    'log file': '',
    'osd objectstore': 'memstore',
    'memstore device bytes': osdBytes,
    'osd pool default size': 1,
    'osd pool default min size': 1,
    'osd pool default pg num': 8,
    'mon allow pool size one': true,
    'osd crush chooseleaf type': 0,
    'rgw data': join(folder, 'rgw'),
    'rgw frontends': `beast endpoint=127.0.0.1:${port}`,
    'rgw crypt default encryption key': randomBytes(32).toString('base64'),
    'rgw crypt require ssl': false,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  writeFileSync(cluster.config, `[global]\n${lines.join('\n')}\n`)
  return cluster
}

async function startMonitor({ folder, config, fsid, monitorPort }: Cluster): Promise<void> {
  const map = join(folder, 'monmap')
  await run('monmaptool', ['--create', '--addv', 'a', `v2:127.0.0.1:${monitorPort}`, '--fsid', fsid, map])
  await run('ceph-mon', ['--conf', config, '--mkfs', '--id', 'a', '--monmap', map])
  daemon('ceph-mon', ['--conf', config, '--foreground', '--id', 'a'])
}

async function startOsd({ config }: Cluster): Promise<void> {
  const uuid = randomUUID()
  const ceph = async (...command: readonly string[]) =>
    (await run('ceph', ['--conf', config, '--connect-timeout', String(upMs / 1000), ...command])).stdout
  const id = (await ceph('osd', 'new', uuid)).trim()
  await run('ceph-osd', ['--conf', config, '--mkfs', '--id', id, '--osd-uuid', uuid])
  daemon('ceph-osd', ['--conf', config, '--foreground', '--id', id])
  const deadline = performance.now() + upMs
  while (!/\b1 up\b/.test(await ceph('osd', 'stat'))) {
    if (performance.now() > deadline) throw new Error(`the OSD is not up after ${upMs} ms`)
    await setTimeout(pollMs)
  }
}

function daemon(program: string, options: readonly string[]): void {
  const child = spawn(program, options, { stdio: 'ignore' })
  process.once('exit', () => child.kill('SIGKILL'))
  const end = (why: string) => {
    console.error(`${program} ${why}`)
    process.exit(1)
  }
  child.once('error', (error) => end(error.message)).once('exit', (code) => end(`has ended (${code})`))
}
