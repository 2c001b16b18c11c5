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

/** The control service over its Unix socket: keys a second, a message of one stream each, a call each and many a call. */

const atOnce = 32
const batchSize = 32
const startMs = 15_000
/** Of one control process over its socket, server and client on the same two cores, for those who ask so much: over a stream. */
const decryptRateMust = 4_000
const decryptP99MsMust = 10
/** More than it can do: what a client may ask in a second is not what is measured. */
const clientRateMax = 1_000_000

export async function measureControl({ rounds, seconds, directory }: Settings): Promise<Figure[]> {
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  const socketPath = join(folder, 'control.sock')
  const child = startControl(socketPath)
  try {
    await ready(socketPath)
    const job = { socketPath, servicePid: child.pid ?? 0, batchSize, seconds, atOnce }
    const paced = { ...job, perSecond: decryptRateMust }
    const results = await inRounds(rounds, {
      generate: () => callsOf({ ...job, operation: 'generate' }),
      stream: () => callsOf({ ...job, operation: 'stream' }),
      pacedStream: () => callsOf({ ...paced, operation: 'stream' }),
      decrypt: () => callsOf({ ...job, operation: 'decrypt' }),
      pacedDecrypt: () => callsOf({ ...paced, operation: 'decrypt' }),
      batch: () => callsOf({ ...job, operation: 'batch' }),
    })
    const rate = (what: string, samples: readonly Calls[], keysPerCall = 1): Figure => ({
      what: `control: ${what}, 32 at once`,
      kind: 'rate',
      value: median(samples.map((sample) => sample.rate * keysPerCall)),
      unit: 'keys/s',
      cpu: { unit: 'µs/request', own: median(samples.map(({ cpuMicroseconds }) => cpuMicroseconds)) },
    })
    const latencies = (what: string, samples: readonly Calls[], p99Must?: number): Figure[] => {
      const of = { what: `control: ${what}`, kind: 'limit', unit: 'ms' } as const
      const p50 = median(samples.map((sample) => sample.p50))
      const p99 = median(samples.map((sample) => sample.p99))
      return [
        { ...of, what: `${of.what}, median`, value: p50 },
        {
          ...of,
          what: `${of.what}, 99th percentile`,
          value: p99,
          ...(p99Must !== undefined && { must: p99Must }),
        },
      ]
    }
    const asMust = `${decryptRateMust} a second, up to 32 at once`
    const flatOut = 'as fast as it goes, 32 at once'
    return [
      rate('GenerateDataKey', results.generate),
      { ...rate('Decrypt over one stream, cached', results.stream), must: decryptRateMust },
      ...latencies(`Decrypt over one stream, cached, ${asMust}`, results.pacedStream, decryptP99MsMust),
      ...latencies(`Decrypt over one stream, cached, ${flatOut}`, results.stream, decryptP99MsMust),
      rate('Decrypt, a call each, cached', results.decrypt),
      ...latencies(`Decrypt, a call each, cached, ${asMust}`, results.pacedDecrypt),
      ...latencies(`Decrypt, a call each, cached, ${flatOut}`, results.decrypt),
      rate('DecryptBatch of 32, cached', results.batch, batchSize),
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
        SEALGATE_CONTROL_CLIENT_RATE_MAX: String(clientRateMax),
        SEALGATE_KMS_MASTER_KEY: `bench-key:${'42'.repeat(32)}`,
      },
    },
  )
}

interface Calls {
  readonly rate: number
  readonly p50: number
  readonly p99: number
  /** Of the service's process, a call. */
  readonly cpuMicroseconds: number
}

/** The generator collects its garbage as control does: its own standstills are none of the service's. */
async function callsOf(job: KeyLoadJob): Promise<Calls> {
  const { calls, seconds, p50, p99, cpuSeconds } = await inOwnProcess<KeyLoadJob, KeyLoadResult>(
    'key-load.js',
    job,
    {
      nodeOptions: controlNodeOptions,
    },
  )
  return { rate: calls / seconds, p50, p99, cpuMicroseconds: (cpuSeconds / calls) * 1e6 }
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
