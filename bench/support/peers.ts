import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Target } from './presign.ts'
import { descendantsOf, ended } from './processes.ts'
import { findProgram, foldersOf, freePort } from './programs.ts'

/** Other S3 servers, each started as its documentation says, on a folder or in memory. */

export interface Peer {
  readonly name: string
  /** What one of its objects is on the disk. */
  readonly stores: 'plain' | 'encrypted'
  readonly program: string
  /** How it comes onto the machine. */
  readonly install: string
  command(place: { readonly program: string; readonly directory: string; readonly port: number }): {
    /** What is run, where that is not the program itself. */
    readonly by?: string
    readonly arguments: readonly string[]
    readonly env?: Readonly<Record<string, string>>
  }
  readonly keys: Pick<Target, 'accessKey' | 'secretKey'>
  /** Of a PUT that is to be encrypted. */
  readonly headers?: Readonly<Record<string, string>>
}

const keys = { accessKey: 'benchmark', secretKey: 'benchmark-secret' }
const startMs = 90_000

export const peers: readonly Peer[] = [
  {
    name: 's3rver',
    stores: 'plain',
    program: 's3rver',
    install: 'npm install s3rver@3.7.1 in a folder, and --peers FOLDER',
    command: ({ directory, port }) => ({
      arguments: ['--directory', directory, '--address', '127.0.0.1', '--port', String(port), '--silent'],
    }),
    keys: { accessKey: 'S3RVER', secretKey: 'S3RVER' },
  },
  {
    name: 'moto',
    stores: 'plain',
    program: 'moto_server',
    install: 'pip install "moto[server]"',
    command: ({ port }) => ({ arguments: ['--host', '127.0.0.1', '--port', String(port)] }),
    keys,
  },
  {
    name: 'rclone serve s3, crypt',
    stores: 'encrypted',
    program: 'rclone',
    install: 'rclone 1.65 or newer, https://rclone.org/install',
    command: ({ program, directory, port }) => ({
      arguments: [
        'serve',
        's3',
        '--addr',
        `127.0.0.1:${port}`,
        '--auth-key',
        `${keys.accessKey},${keys.secretKey}`,
        'sealed:',
      ],
      env: {
        RCLONE_CONFIG: join(directory, 'rclone.conf'),
        RCLONE_CONFIG_SEALED_TYPE: 'crypt',
        RCLONE_CONFIG_SEALED_REMOTE: join(directory, 'sealed'),
        RCLONE_CONFIG_SEALED_PASSWORD: execFileSync(program, ['obscure', randomBytes(16).toString('hex')], {
          encoding: 'utf8',
        }).trim(),
      },
    }),
    keys,
  },
  {
    name: 'MinIO, SSE-S3',
    stores: 'encrypted',
    program: 'minio',
    install: 'a binary of MinIO on PATH, or in FOLDER/bin of --peers FOLDER',
    command: ({ directory, port }) => ({
      arguments: ['server', '--quiet', '--address', `127.0.0.1:${port}`, directory],
      env: {
        MINIO_ROOT_USER: keys.accessKey,
        MINIO_ROOT_PASSWORD: keys.secretKey,
        MINIO_KMS_SECRET_KEY: `bench:${Buffer.alloc(32, 0x42).toString('base64')}`,
      },
    }),
    keys,
    headers: { 'x-amz-server-side-encryption': 'AES256' },
  },
  {
    name: 'Ceph RGW',
    stores: 'encrypted',
    program: 'radosgw',
    install: 'apt install radosgw ceph-mon ceph-osd ceph-common',
    command: ({ directory, port }) => ({
      by: process.execPath,
      arguments: [
        join(import.meta.dirname, 'ceph.js'),
        directory,
        String(port),
        keys.accessKey,
        keys.secretKey,
      ],
    }),
    keys,
  },
]

export interface RunningPeer {
  readonly target: Target
  readonly pid: number
  stop(): Promise<void>
}

/** Its program, in a folder where somebody has installed peers or on PATH. */
export function findPeer({ program }: Peer, folder: string | undefined): string | undefined {
  const own = folder === undefined ? [] : [join(folder, 'node_modules', '.bin'), join(folder, 'bin')]
  return findProgram([program], [...own, ...foldersOf(process.env.PATH)])
}

/** Errors: it does not listen in time. */
export async function startPeer(peer: Peer, program: string, parent: string): Promise<RunningPeer> {
  const directory = mkdtempSync(join(parent, 'sealgate-peer-'))
  const port = await freePort()
  const { by = program, arguments: given, env } = peer.command({ program, directory, port })
  const child = spawn(by, given, {
    stdio: 'ignore',
    env: { PATH: process.env.PATH ?? '', HOME: directory, ...env },
  })
  child.on('error', () => {})
  const stop = async () => {
    const all = child.pid === undefined ? [] : [child.pid, ...descendantsOf(child.pid)]
    for (const pid of all) kill(pid)
    await ended(child)
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
  }
  try {
    await Promise.race([
      listening(port),
      ended(child).then(() => {
        throw new Error(`its program has ended (${child.exitCode})`)
      }),
    ])
    if (child.pid === undefined) throw new Error(`${program} cannot be started`)
    return { target: { host: '127.0.0.1', port, region: 'us-east-1', ...peer.keys }, pid: child.pid, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** One that has ended meanwhile is as good as killed. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function listening(port: number): Promise<void> {
  const deadline = performance.now() + startMs
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    if (performance.now() > deadline) throw new Error(`it does not listen after ${startMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
