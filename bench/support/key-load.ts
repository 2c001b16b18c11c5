import { connectKeyService, type KeyService } from '../../control/client.ts'
import { KmsError } from '../../control/errors.ts'
import { type DecryptStream, openDecryptStream } from './decrypt-stream.ts'
import type { KeyLoadJob, KeyLoadResult } from './key-load-job.ts'
import { cpuSecondsOf } from './processes.ts'

/** A front-end's client of control, in a process of its own, that does nothing but call. */

const context = { bench: 'bench/object' }
/** Past what one client may ask in a second, it is told to wait. */
const pauseMs = 5
/** The process is new, and its code not compiled yet: calls of these seconds are made as the others, and not counted. */
const warmUpSeconds = 3

process.once('message', (job: KeyLoadJob) => {
  void run(job).then((result) => process.send?.(result, () => process.disconnect()))
})

async function run(job: KeyLoadJob): Promise<KeyLoadResult> {
  const keys = connectKeyService({ kind: 'unix', path: job.socketPath })
  const stream = openDecryptStream(job.socketPath)
  try {
    const call = await callOf({ keys, stream }, job)
    return await load(call, job)
  } finally {
    stream.close()
    await keys.close()
  }
}

async function callOf(
  { keys, stream }: { readonly keys: KeyService; readonly stream: DecryptStream },
  { operation, batchSize }: KeyLoadJob,
): Promise<() => Promise<unknown>> {
  const { keyId, sealed } = await keys.generateDataKey({ context })
  const item = { keyId, sealed, context }
  if (operation === 'generate') return () => keys.generateDataKey({ context })
  if (operation === 'decrypt') return () => keys.decrypt(item)
  if (operation === 'stream') return () => stream.decrypt(item)
  const items = Array.from({ length: batchSize }, () => item)
  return () => keys.decryptBatch(items)
}

async function load(
  call: () => Promise<unknown>,
  { seconds, atOnce, servicePid, perSecond }: KeyLoadJob,
): Promise<KeyLoadResult> {
  const durations: number[] = []
  const cpu = () => cpuSecondsOf(servicePid) ?? Number.NaN
  const startedAt = performance.now()
  const countedFrom = startedAt + warmUpSeconds * 1000
  const endsAt = countedFrom + seconds * 1000
  const cpuBefore = new Promise<number>((resolve) => setTimeout(() => resolve(cpu()), warmUpSeconds * 1000))
  const betweenMs = perSecond === undefined ? 0 : (atOnce / perSecond) * 1000
  const caller = async (_: unknown, index: number) => {
    let dueAt = startedAt + (index / atOnce) * betweenMs
    while (Math.max(dueAt, performance.now()) < endsAt) {
      // What came due while the code was cold does not queue up into what is counted.
      if (dueAt < countedFrom && performance.now() >= countedFrom) dueAt = performance.now()
      const waitMs = dueAt - performance.now()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      // One that could not be made in time has waited for those before it.
      const calledAt = perSecond === undefined ? performance.now() : dueAt
      dueAt += betweenMs
      const done = await call().then(
        () => true,
        (error: unknown) => {
          if (error instanceof KmsError && error.code === 'unavailable') return false
          throw error
        },
      )
      if (!done) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      else if (calledAt >= countedFrom) durations.push(performance.now() - calledAt)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  const calls = durations.length
  const taken = { seconds: (performance.now() - countedFrom) / 1000, cpuSeconds: cpu() - (await cpuBefore) }
  durations.sort((a, b) => a - b)
  const below = (share: number) => durations[Math.floor(calls * share)] ?? Number.NaN
  return { calls, ...taken, p50: below(0.5), p99: below(0.99) }
}
