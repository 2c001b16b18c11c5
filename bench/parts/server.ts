import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import type { LoadJob, LoadRequest, LoadResult } from '../support/load-job.ts'
import { presign } from '../support/presign.ts'
import { cpuSecondsOf, ended, load, peakResidentMib } from '../support/processes.ts'
import { inRounds, median, ratioOf } from '../support/rounds.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** A server under load: encrypted requests beside plain ones to the same server, and beside node:http alone. */

const gigabyte = 1e9
const smallKeys = 2_000
const largeKeys = 16
const rangeSize = 64 * 1024

/** What one round of a variant gave. */
interface Sample extends LoadResult {
  readonly cpuSeconds: number | undefined
}

const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }
const sseKms = { 'x-amz-server-side-encryption': 'aws:kms' }

export async function measureServer(settings: Settings, server: RunningSealgate): Promise<Figure[]> {
  const { target } = server
  const figures: Figure[] = []
  await once(target, presign(target, { method: 'PUT', path: '/bench' }))
  const run = sampler(settings, server.pid)

  const put = (
    kind: string,
    count: number,
    bodySize: number,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    Array.from({ length: count }, (_, index) =>
      presign(target, { method: 'PUT', path: `/bench/${kind}-${index}`, headers, bodySize }),
    )
  const get = (kind: string, count: number) =>
    Array.from({ length: count }, (_, index) =>
      presign(target, { method: 'GET', path: `/bench/${kind}-${index}` }),
    )

  // Large objects.
  await server.metric('sealgate_event_loop_delay_p99_seconds')
  figures.push(
    await compare(settings, 'PUT 64 MiB ×8, SSE-S3 ÷ plain, both with MD5', {
      own: () => run(target, 8, put('large-s3', largeKeys, settings.largeSize, sseS3)),
      beside: () => run(target, 8, put('large-plain', largeKeys, settings.largeSize)),
      besideIs: 'plain',
      per: 'byte',
      must: 1,
      moonshot: 1.5,
    }),
  )
  const delay = await server.metric('sealgate_event_loop_delay_p99_seconds')
  await fill(target, put('large-plain', largeKeys, settings.largeSize))
  await fill(target, put('large-s3', largeKeys, settings.largeSize, sseS3))
  await withBareServer(settings, async (bare, barePid) => {
    const bareRun = sampler(settings, barePid)
    const sink = (path: string): LoadRequest => ({
      method: 'PUT',
      path,
      headers: {},
      bodySize: settings.largeSize,
    })
    figures.push(
      await compare(settings, 'PUT 64 MiB ×8, SSE-KMS (no MD5) ÷ node:http + pool without hash or key', {
        own: () => run(target, 8, put('large-kms', largeKeys, settings.largeSize, sseKms)),
        beside: () => bareRun(bare, 8, [sink('/file')]),
        besideIs: 'bare server, to files',
        per: 'byte',
        must: 0.8,
        moonshot: 0.95,
      }),
      await compare(settings, 'PUT 64 MiB ×8, SSE-KMS (no MD5) ÷ node:http that drops the bytes', {
        own: () => run(target, 8, put('large-kms', largeKeys, settings.largeSize, sseKms)),
        beside: () => bareRun(bare, 8, [sink('/sink')]),
        besideIs: 'node:http sink',
        per: 'byte',
      }),
      await compare(settings, 'GET 64 MiB ×8, SSE-S3 ÷ node:http from memory', {
        own: () => run(target, 8, get('large-s3', largeKeys)),
        beside: () =>
          bareRun(bare, 8, [
            { method: 'GET', path: `/source?${settings.largeSize}`, headers: {}, bodySize: 0 },
          ]),
        besideIs: 'node:http source',
        per: 'byte',
      }),
    )
  })
  await server.metric('sealgate_event_loop_delay_p99_seconds')
  figures.push(
    await compare(settings, 'GET 64 MiB ×8, SSE-S3 ÷ plain', {
      own: () => run(target, 8, get('large-s3', largeKeys)),
      beside: () => run(target, 8, get('large-plain', largeKeys)),
      besideIs: 'plain',
      per: 'byte',
      must: 0.65,
      moonshot: 0.85,
    }),
  )
  const delayOfReads = await server.metric('sealgate_event_loop_delay_p99_seconds')

  // Ranges of a large object.
  for (const [kind, headers] of [
    ['ranged-s3', sseS3],
    ['ranged-plain', {}],
  ] as const) {
    await fill(target, put(kind, 1, settings.rangedSize, headers))
  }
  const ranges = (kind: string) =>
    Array.from({ length: smallKeys }, (_, index) => {
      // Far apart, in no order and not at the start of a package.
      const offset = (index * 7_919 * 12_347) % (settings.rangedSize - rangeSize)
      const unsigned = { Range: `bytes=${offset}-${offset + rangeSize - 1}` }
      return presign(target, { method: 'GET', path: `/bench/${kind}-0`, unsigned })
    })
  figures.push(
    await compare(settings, 'GET 64 KiB ranges of 1 GiB ×8, SSE-S3 ÷ plain', {
      own: () => run(target, 8, ranges('ranged-s3')),
      beside: () => run(target, 8, ranges('ranged-plain')),
      besideIs: 'plain',
      per: 'request',
      must: 0.6,
      moonshot: 0.85,
    }),
  )

  // Small objects.
  for (const [name, size, must, moonshot] of [
    ['1 KiB', 1024, 0.8, 0.95],
    ['64 KiB', 64 * 1024, undefined, undefined],
  ] as const) {
    const targets = must === undefined ? {} : { must, moonshot }
    figures.push(
      await compare(settings, `PUT ${name} ×32, SSE-S3 ÷ plain`, {
        own: () => run(target, 32, put(`small-s3-${size}`, smallKeys, size, sseS3)),
        beside: () => run(target, 32, put(`small-plain-${size}`, smallKeys, size)),
        besideIs: 'plain',
        per: 'request',
        ...targets,
      }),
    )
    await fill(target, put(`small-s3-${size}`, smallKeys, size, sseS3))
    await fill(target, put(`small-plain-${size}`, smallKeys, size))
    figures.push(
      await compare(settings, `GET ${name} ×32, SSE-S3 ÷ plain`, {
        own: () => run(target, 32, get(`small-s3-${size}`, smallKeys)),
        beside: () => run(target, 32, get(`small-plain-${size}`, smallKeys)),
        besideIs: 'plain',
        per: 'request',
        ...targets,
      }),
    )
  }

  const milliseconds = (seconds: number) => seconds * 1000
  for (const [what, value] of [
    ['event loop delay p99 under PUT 64 MiB ×8', milliseconds(delay)],
    ['event loop delay p99 under GET 64 MiB ×8', milliseconds(delayOfReads)],
  ] as const) {
    figures.push({ what, kind: 'limit', value, unit: 'ms', must: 20, moonshot: 10 })
  }
  const peak = peakResidentMib(server.pid)
  if (peak !== undefined) {
    figures.push({
      what: 'largest resident set of a process, all of the above',
      kind: 'limit',
      value: peak,
      unit: 'MiB',
      must: 350,
      moonshot: 200,
    })
  }
  return figures
}

/** Both variants in turn, as one figure. */
export async function compare(
  { rounds }: Settings,
  what: string,
  {
    own,
    beside,
    besideIs,
    per,
    ...targets
  }: {
    readonly own: () => Promise<Sample>
    readonly beside: () => Promise<Sample>
    readonly besideIs: string
    readonly per: 'byte' | 'request'
    readonly must?: number
    readonly moonshot?: number
  },
): Promise<Figure> {
  const samples = await inRounds(rounds, { own, beside })
  const rate = ({ bytes, requests, seconds }: Sample) =>
    (per === 'byte' ? bytes / gigabyte : requests) / seconds
  const cpu = ({ cpuSeconds, bytes, requests }: Sample) =>
    (cpuSeconds ?? Number.NaN) / (per === 'byte' ? bytes / gigabyte : requests / 1e6)
  const [ownRates, besideRates] = [samples.own.map(rate), samples.beside.map(rate)]
  const ownCpu = median(samples.own.map(cpu))
  const figure: Figure = {
    what,
    kind: 'rate',
    value: median(ownRates),
    unit: per === 'byte' ? 'GB/s' : 'requests/s',
    baseline: { what: besideIs, value: median(besideRates) },
    ratio: ratioOf(ownRates, besideRates),
    ...targets,
    ...(Number.isFinite(ownCpu) && {
      cpu: {
        unit: per === 'byte' ? 's/GB' : 'µs/request',
        own: ownCpu,
        baseline: median(samples.beside.map(cpu)),
      },
    }),
  }
  console.error(
    `  ${what}: ${figure.value.toFixed(2)} ${figure.unit}, ratio ${figure.ratio?.toFixed(2)}, CPU ${ownCpu.toFixed(2)} (${figure.cpu?.baseline?.toFixed(2)}) ${figure.cpu?.unit}`,
  )
  return figure
}

type Address = Pick<LoadJob, 'host' | 'port'>

export function sampler({ seconds }: Settings, pid: number) {
  return async (
    { host, port }: Address,
    connections: number,
    requests: readonly LoadRequest[],
  ): Promise<Sample> => {
    const before = cpuSecondsOf(pid)
    const result = await load({ host, port, connections, requests, seconds })
    const after = cpuSecondsOf(pid)
    return { ...result, cpuSeconds: before === undefined || after === undefined ? undefined : after - before }
  }
}

export async function fill({ host, port }: Address, requests: readonly LoadRequest[]): Promise<void> {
  await load({ host, port, connections: 4, requests })
}

export async function once({ host, port }: Address, request: LoadRequest): Promise<void> {
  await load({ host, port, connections: 1, requests: [request] })
}

async function withBareServer(
  { directory }: Settings,
  work: (address: Address, pid: number) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  const main = fileURLToPath(new URL('../support/bare-server.js', import.meta.url))
  const child = fork(main, [folder])
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message: number) => resolve(message))
      child.once('exit', () => reject(new Error('the bare server has ended')))
    })
    if (child.pid === undefined) throw new Error('the bare server has no process')
    await work({ host: '127.0.0.1', port }, child.pid)
  } finally {
    child.disconnect()
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
}
