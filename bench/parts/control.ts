import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { controlNodeOptions } from '../../cli/process-runtime.ts'
import { connectKeyService } from '../../control/client.ts'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import type { KeyLoadJob, KeyLoadResult } from '../support/key-load-job.ts'
import { ended, inOwnProcess } from '../support/processes.ts'
import { inRounds, median } from '../support/rounds.ts'

/** The control service over its Unix socket: keys a second, one call each and many a call. */

const atOnce = 32
const batchSize = 32
const startMs = 15_000
/** Of one control process over its socket, server and client on the same two cores. */
const decryptRateMust = 4_000
const decryptP99MsMust = 10

export async function measureControl({ rounds, seconds, directory }: Settings): Promise<Figure[]> {
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  const socketPath = join(folder, 'control.sock')
  const child = startControl(socketPath)
  try {
    await ready(socketPath)
    const job = { socketPath, servicePid: child.pid ?? 0, batchSize, seconds, atOnce }
    const results = await inRounds(rounds, {
      generate: () => callsOf({ ...job, operation: 'generate' }),
      decrypt: () => callsOf({ ...job, operation: 'decrypt' }),
      paced: () => callsOf({ ...job, operation: 'decrypt', perSecond: decryptRateMust }),
      batch: () => callsOf({ ...job, operation: 'batch' }),
    })
    const figure = (what: string, samples: readonly Calls[], keysPerCall: number): Figure => ({
      what,
      kind: 'rate',
      value: median(samples.map(({ rate }) => rate * keysPerCall)),
      unit: 'keys/s',
      cpu: { unit: 'µs/request', own: median(samples.map(({ cpuMicroseconds }) => cpuMicroseconds)) },
    })
    return [
      figure('control: GenerateDataKey, 32 at once', results.generate, 1),
      { ...figure('control: Decrypt, 32 at once, cached', results.decrypt, 1), must: decryptRateMust },
      {
        what: `control: Decrypt, ${decryptRateMust} a second, up to 32 at once, cached, 99th percentile`,
        kind: 'limit',
        value: median(results.paced.map(({ p99 }) => p99)),
        unit: 'ms',
        must: decryptP99MsMust,
      },
      {
        what: 'control: Decrypt, as fast as it goes, 32 at once, cached, 99th percentile',
        kind: 'limit',
        value: median(results.decrypt.map(({ p99 }) => p99)),
        unit: 'ms',
      },
      figure(
        'control: DecryptBatch of 32, 32 at once (a client may ask 10,000 keys/s)',
        results.batch,
        batchSize,
      ),
    ]
  } finally {
    child.kill('SIGTERM')
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** With the options of Node that `sealgate server` starts its own with. */
function startControl(socketPath: string): ChildProcess {
  const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
  return spawn(
    process.execPath,
    [...controlNodeOptions, main, 'control', '--address', `unix:${socketPath}`],
    {
      stdio: 'ignore',
      env: {
        PATH: process.env.PATH ?? '',
        SEALGATE_KMS_MASTER_KEY: `bench-key:${'42'.repeat(32)}`,
      },
    },
  )
}

interface Calls {
  readonly rate: number
  readonly p99: number
  /** Of the service's process, a call. */
  readonly cpuMicroseconds: number
}

/** The generator collects its garbage as control does: its own standstills are none of the service's. */
async function callsOf(job: KeyLoadJob): Promise<Calls> {
  const { calls, seconds, p99, cpuSeconds } = await inOwnProcess<KeyLoadJob, KeyLoadResult>(
    'key-load.js',
    job,
    {
      nodeOptions: controlNodeOptions,
    },
  )
  return { rate: calls / seconds, p99, cpuMicroseconds: (cpuSeconds / calls) * 1e6 }
}

async function ready(socketPath: string): Promise<void> {
  const keys = connectKeyService({ kind: 'unix', path: socketPath })
  const deadline = performance.now() + startMs
  try {
    for (;;) {
      const done = await keys.status().then(
        () => true,
        (error: unknown) => {
          if (performance.now() > deadline) throw error
          return false
        },
      )
      if (done) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    await keys.close()
  }
}
