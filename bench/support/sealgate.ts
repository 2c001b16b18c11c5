import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Target } from './presign.ts'
import { ended } from './processes.ts'
import { freePort } from './programs.ts'

/** A Sealgate server as users start it: its own processes, default settings, a master key. */
export interface RunningSealgate {
  readonly target: Target
  readonly pid: number
  /** Its store's. */
  readonly directory: string
  /** The front-ends' numbers, by name. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

const accessKey = 'benchmark'
const secretKey = 'benchmark-secret'
const startMs = 15_000

export async function startSealgate(
  parentDirectory: string,
  extra: Readonly<Record<string, string>> = {},
  commandFor: (directory: string) => readonly string[] = (directory) => ['server', directory],
): Promise<RunningSealgate> {
  const directory = mkdtempSync(join(parentDirectory, 'sealgate-bench-'))
  const [port, adminPort] = [await freePort(), await freePort()]
  const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, ...commandFor(directory)], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: {
      PATH: process.env.PATH ?? '',
      SEALGATE_ACCESS_KEY: accessKey,
      SEALGATE_SECRET_KEY: secretKey,
      SEALGATE_KMS_MASTER_KEY: `bench-key:${'42'.repeat(32)}`,
      SEALGATE_ADDRESS: `127.0.0.1:${port}`,
      SEALGATE_ADMIN_ADDRESS: `127.0.0.1:${adminPort}`,
      SEALGATE_CONTROL_ADMIN_ADDRESS: 'off',
      ...extra,
    },
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await ended(child)
    rmSync(directory, { recursive: true, force: true })
  }
  const { pid } = child
  if (pid === undefined) throw new Error('the server cannot be started')
  try {
    await ready(`http://127.0.0.1:${adminPort}/readyz`)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    target: { host: '127.0.0.1', port, accessKey, secretKey, region: 'us-east-1' },
    pid,
    directory,
    async metric(name) {
      const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
      const text = await response.text()
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
    },
    stop,
  }
}

/** A gateway before another one's server. Without `encrypting` everything goes through. */
export function startGateway(
  parentDirectory: string,
  { target }: RunningSealgate,
  { encrypting }: { readonly encrypting: boolean },
): Promise<RunningSealgate> {
  const extra = {
    SEALGATE_BACKEND_ACCESS_KEY: accessKey,
    SEALGATE_BACKEND_SECRET_KEY: secretKey,
    // A store that has been encrypted under a KMS is not served without one: each has a system bucket of its own.
    SEALGATE_BACKEND_SYSTEM_BUCKET: encrypting ? 'bench.single' : 'bench.none',
    ...(!encrypting && { SEALGATE_KMS_MASTER_KEY: '' }),
  }
  return startSealgate(parentDirectory, extra, () => [
    'gateway',
    's3',
    `http://${target.host}:${target.port}`,
  ])
}

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + startMs
  for (;;) {
    const status = await fetch(url).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
    if (status === 200) return
    if (performance.now() > deadline) throw new Error(`the server is not ready after ${startMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
