import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import { KmsError } from '../../control/errors.ts'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { cpuSecondsOf, ended } from '../support/processes.ts'
import { inRounds, median } from '../support/rounds.ts'

/** The control service over its Unix socket: keys a second, one call each and many a call. */

const atOnce = 32
const batchSize = 32
const startMs = 15_000
/** Of one control process over its socket, server and client on the same two cores. */
const decryptRateMust = 4_000
const decryptP99MsMust = 10
const pauseMs = 5
const context = { bench: 'bench/object' }

export async function measureControl({ rounds, seconds, directory }: Settings): Promise<Figure[]> {
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  const address = { kind: 'unix', path: join(folder, 'control.sock') } as const
  const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, 'control', '--address', `unix:${address.path}`], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH ?? '',
      SEALGATE_KMS_MASTER_KEY: `bench-key:${'42'.repeat(32)}`,
    },
  })
  const keys = connectKeyService(address)
  try {
    await ready(keys)
    const { keyId, sealed } = await keys.generateDataKey({ context })
    const item = { keyId, sealed, context }
    const items = Array.from({ length: batchSize }, () => item)
    const results = await inRounds(rounds, {
      generate: () => callsFor(seconds, () => keys.generateDataKey({ context }), child.pid),
      decrypt: () => callsFor(seconds, () => keys.decrypt(item), child.pid),
      batch: () => callsFor(seconds, () => keys.decryptBatch(items), child.pid),
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
        what: 'control: Decrypt, 32 at once, cached, 99th percentile',
        kind: 'limit',
        value: median(results.decrypt.map(({ p99 }) => p99)),
        unit: 'ms',
        must: decryptP99MsMust,
      },
      figure(
        'control: DecryptBatch of 32, 32 at once (a client may ask 10,000 keys/s)',
        results.batch,
        batchSize,
      ),
    ]
  } finally {
    await keys.close()
    child.kill('SIGTERM')
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Calls {
  readonly rate: number
  /** Milliseconds that all but one in a hundred calls stayed below. */
  readonly p99: number
  /** Of the service's process, a call. */
  readonly cpuMicroseconds: number
}

async function callsFor(
  seconds: number,
  call: () => Promise<unknown>,
  pid: number | undefined,
): Promise<Calls> {
  const cpu = () => (pid === undefined ? Number.NaN : (cpuSecondsOf(pid) ?? Number.NaN))
  const [startedAt, cpuBefore] = [performance.now(), cpu()]
  const durations: number[] = []
  const caller = async () => {
    while (performance.now() - startedAt < seconds * 1000) {
      const calledAt = performance.now()
      // Past what one client may ask in a second, it is told to wait.
      const done = await call().then(
        () => true,
        (error: unknown) => {
          if (error instanceof KmsError && error.code === 'unavailable') return false
          throw error
        },
      )
      if (done) durations.push(performance.now() - calledAt)
      else await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  const calls = durations.length
  const rate = calls / ((performance.now() - startedAt) / 1000)
  const p99 = durations.sort((a, b) => a - b)[Math.floor(calls * 0.99)] ?? Number.NaN
  return { rate, p99, cpuMicroseconds: ((cpu() - cpuBefore) / calls) * 1e6 }
}

async function ready(keys: KeyService): Promise<void> {
  const deadline = performance.now() + startMs
  for (;;) {
    const done = await keys.generateDataKey({ context }).then(
      () => true,
      (error: unknown) => {
        if (performance.now() > deadline) throw error
        return false
      },
    )
    if (done) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
