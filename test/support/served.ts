import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type Program, startProgram } from './program.ts'

/** `sealgate quickstart` or `server` as a process, in folders of its own. */
export interface Served {
  readonly program: Program
  /** Of the data. */
  readonly directory: string
  /** What stands for /tmp. */
  readonly temporary: string
  readonly url: string
  readonly adminUrl: string
  readonly controlAdminUrl: string
}

const anyPort = '127.0.0.1:0'

/** Starts it, and kills whatever is left of it in the end. */
export async function withServed(
  command: 'quickstart' | 'server',
  use: (served: Served) => Promise<void>,
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly control?: boolean
    /** Fills the data folder before. */
    readonly prepare?: (directory: string) => void
  } = {},
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'sealgate-cli-'))
  const directory = join(root, 'data')
  const temporary = mkdtempSync(join(root, 'tmp-'))
  options.prepare?.(directory)
  const addresses = ['--address', anyPort, '--admin-address', anyPort, '--control-admin-address', anyPort]
  const program = startProgram([command, directory, ...addresses], {
    TMPDIR: temporary,
    SEALGATE_LOG_LEVEL: 'debug',
    SEALGATE_THREADS: '1',
    ...options.env,
  })
  const children: number[] = []
  try {
    const [, url = '', adminUrl = ''] = await program.output(/"url":"([^"]+)","admin":"([^"]+)"/)
    children.push(...childrenOf(program.pid))
    const withControl = options.control ?? true
    const [, controlAdminUrl = ''] = withControl
      ? await program.output(/"process":"control"[^\n]*"admin":"([^"]+)"/)
      : []
    await use({ program, directory, temporary, url, adminUrl, controlAdminUrl })
  } finally {
    await program.end('SIGKILL')
    for (const pid of children) {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
    rmSync(root, { recursive: true, force: true })
  }
}

/** Of a process that runs now, in the order in which they were started. Linux only. */
export function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text.trim() !== '')
    .map(Number)
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Everything below a folder, by its path in it. */
export const filesBelow = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })

/** Waits until it holds; the runner's own limit ends a wait without end. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 25))
}

/** Stores and reads an object with an SDK; resolves to how it is encrypted. */
export async function roundTrip(
  url: string,
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Promise<string | undefined> {
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    // The SDK writes to what it is given.
    credentials: { ...credentials },
    forcePathStyle: true,
    maxAttempts: 1,
  })
  try {
    const Bucket = 'photos'
    await client.send(new CreateBucketCommand({ Bucket })).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'BucketAlreadyOwnedByYou')) throw error
    })
    const stored = await client.send(new PutObjectCommand({ Bucket, Key: 'cat', Body: 'a plain text' }))
    const read = await client.send(new GetObjectCommand({ Bucket, Key: 'cat' }))
    if ((await read.Body?.transformToString()) !== 'a plain text') throw new Error('another object came back')
    return stored.ServerSideEncryption
  } finally {
    client.destroy()
  }
}
