import { parseArgs } from 'node:util'
import { storesDirectory } from './settings.ts'
import { bucket } from './soak/client.ts'
import { Clients } from './soak/clients.ts'
import { judge, type Run } from './soak/verdict.ts'
import { countFiles, type ProcessSample, sampleProcesses } from './soak/watch.ts'
import { presign } from './support/presign.ts'
import { load } from './support/processes.ts'
import { type RunningSealgate, startSealgate } from './support/sealgate.ts'

/**
 * `npm run soak`: a server as users start it, under mixed load with faults for ten minutes, its control service killed once a
 * minute. Prints how it is, and ends with a verdict, which is also the exit status.
 */

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    processes: { type: 'string', default: '1' },
    clients: { type: 'string', default: '16' },
    directory: { type: 'string' },
  },
})
const lookMs = 5_000
const linesEveryLooks = 6
const killEveryMs = 60_000
/** After a kill, encrypted requests may be refused for so long. */
const excusedMs = 20_000
const settleMs = 60_000

async function soak(server: RunningSealgate, minutes: number): Promise<Run> {
  await load({
    ...server.target,
    connections: 1,
    requests: [presign(server.target, { method: 'PUT', path: `/${bucket}` })],
  })
  const before = descriptorsOf(sampleProcesses(server))
  const clients = new Clients(server.target, Number(options.clients))
  const samples: (readonly ProcessSample[])[] = []
  const delays: number[] = []
  const startedAt = performance.now()
  let killedAt = startedAt
  for (let looks = 1; performance.now() - startedAt < minutes * 60_000; looks++) {
    await sleep(lookMs)
    samples.push(sampleProcesses(server))
    delays.push(await delayOf(server))
    const now = performance.now()
    if (now - killedAt > killEveryMs) {
      killedAt = now
      clients.excuse(['ServiceUnavailable', '503'])
      killControl(server)
    } else if (now - killedAt > excusedMs) clients.excuse([])
    if (looks % linesEveryLooks === 0) await describe(server, clients, (now - startedAt) / 1000)
  }
  const counts = await clients.stop()
  return { counts, samples, delays, ...(await settled(server, before)) }
}

function killControl(server: RunningSealgate): void {
  const control = sampleProcesses(server).find(({ role }) => role === 'control')
  if (control === undefined) return
  process.kill(control.pid, 'SIGKILL')
  console.log('  control was killed')
}

async function describe(server: RunningSealgate, clients: Clients, seconds: number): Promise<void> {
  const { requests, codes, unexpected, wrong } = clients.counts
  const processes = sampleProcesses(server).map(
    ({ role, residentMib, descriptors }) => `${role} ${residentMib.toFixed(0)} MiB ${descriptors} fds`,
  )
  const delay = await delayOf(server)
  const { files, named, trash } = countFiles(server)
  console.log(
    [
      `${seconds.toFixed(0)} s: ${requests} requests, ${wrong.length} wrong, ${unexpected.length} unexpected`,
      processes.join(', '),
      `event loop p99 ${(delay * 1000).toFixed(1)} ms`,
      `${files} files (${named} of objects, ${trash} of the trash)`,
      Object.entries(codes)
        .map(([code, count]) => `${code} ${count}`)
        .join(' '),
    ].join('; '),
  )
}

/** NaN: no front-end has told it in time. */
function delayOf(server: RunningSealgate): Promise<number> {
  return server.metric('sealgate_event_loop_delay_p99_seconds').catch(() => Number.NaN)
}

/** What is left when no client is there any more: it has a while to go. */
async function settled(
  server: RunningSealgate,
  before: number,
): Promise<Pick<Run, 'lostFiles' | 'descriptors'>> {
  const deadline = performance.now() + settleMs
  for (;;) {
    const { files, named, trash } = countFiles(server)
    const after = descriptorsOf(sampleProcesses(server))
    const found = { lostFiles: files - named - trash, descriptors: { before, after } }
    if ((found.lostFiles === 0 && after <= before) || performance.now() > deadline) return found
    await sleep(1_000)
  }
}

function descriptorsOf(processes: readonly ProcessSample[]): number {
  return processes
    .filter(({ role }) => role === 'front-end')
    .reduce((sum, { descriptors }) => sum + descriptors, 0)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const server = await startSealgate(options.directory ?? storesDirectory, {
  SEALGATE_PROCESSES: options.processes,
  SEALGATE_ALLOW_SSEC_OVER_HTTP: 'on',
})
try {
  const findings = judge(await soak(server, Number(options.minutes)))
  console.log('\nVerdict:')
  for (const { what, good } of findings) console.log(`${good ? '✓' : '✗'} ${what}`)
  process.exitCode = findings.every(({ good }) => good) ? 0 : 1
} finally {
  await server.stop()
}
