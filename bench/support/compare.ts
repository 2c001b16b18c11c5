import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import type { LoadJob, LoadRequest, LoadResult } from './load-job.ts'
import { cpuSecondsOf, load } from './processes.ts'
import { inRounds, median, ratioOf } from './rounds.ts'
import type { RunningSealgate } from './sealgate.ts'

/** Two variants beside each other, as one figure. */

const gigabyte = 1e9
const delayMetric = 'sealgate_event_loop_delay_p99_seconds'

/** What one round of a variant gave. */
export interface Sample extends LoadResult {
  readonly cpuSeconds: number | undefined
  /** Event loop delay of the round alone, 99th percentile; of our own servers. */
  readonly delayMs?: number
}

export type Address = Pick<LoadJob, 'host' | 'port'>
export type Run = (address: Address, connections: number, requests: readonly LoadRequest[]) => Promise<Sample>

/** How a variant is measured: the processes whose CPU counts and, where the delay counts, the server that tells it. */
export function sampler({ seconds }: Settings, pid: number, server?: RunningSealgate): Run {
  return async ({ host, port }, connections, requests) => {
    const before = cpuSecondsOf(pid)
    // What it tells is of the time since it was asked last.
    await server?.metric(delayMetric)
    const result = await load({ host, port, connections, requests, seconds })
    const delay = await server?.metric(delayMetric)
    const after = cpuSecondsOf(pid)
    return {
      ...result,
      cpuSeconds: before === undefined || after === undefined ? undefined : after - before,
      ...(delay !== undefined && { delayMs: delay * 1000 }),
    }
  }
}

export interface Comparison {
  readonly own: () => Promise<Sample>
  readonly beside: () => Promise<Sample>
  readonly besideIs: string
  readonly per: 'byte' | 'request'
  readonly must?: number
  readonly moonshot?: number
}

/** Both variants in turn. */
export async function compare(settings: Settings, what: string, comparison: Comparison): Promise<Figure> {
  return (await compareWithDelay(settings, what, comparison)).figure
}

/** The same, and the event loop's delay in the rounds of each. */
export async function compareWithDelay(
  { rounds }: Settings,
  what: string,
  { own, beside, besideIs, per, ...targets }: Comparison,
): Promise<{ readonly figure: Figure; readonly delayMs: { readonly own: number; readonly beside: number } }> {
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
  const delayOf = (variant: readonly Sample[]) => median(variant.map(({ delayMs = Number.NaN }) => delayMs))
  return { figure, delayMs: { own: delayOf(samples.own), beside: delayOf(samples.beside) } }
}

/** Each request once. */
export async function fill({ host, port }: Address, requests: readonly LoadRequest[]): Promise<void> {
  await load({ host, port, connections: 4, requests })
}

export async function once({ host, port }: Address, request: LoadRequest): Promise<void> {
  await load({ host, port, connections: 1, requests: [request] })
}
