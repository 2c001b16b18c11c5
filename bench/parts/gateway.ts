import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { compare, fill, once, sampler } from '../support/compare.ts'
import { presign } from '../support/presign.ts'
import { peakResidentMib } from '../support/processes.ts'
import { type RunningSealgate, startGateway } from '../support/sealgate.ts'
import { measureMemory } from './memory.ts'

/** Gateways before a server of the same machine: one that encrypts beside one through which everything goes. */

const smallKeys = 2_000
const largeKeys = 16
const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }

export async function measureGateway(settings: Settings, store: RunningSealgate): Promise<Figure[]> {
  const withGateway = async (
    encrypting: boolean,
    work: (gateway: RunningSealgate) => Promise<Figure[]>,
  ): Promise<Figure[]> => {
    const gateway = await startGateway(settings.directory, store, { encrypting })
    try {
      return await work(gateway)
    } finally {
      await gateway.stop()
    }
  }
  const memory = await withGateway(true, (gateway) => measureMemory(settings, gateway, 'gateway: '))
  const rates = await withGateway(true, (single) =>
    withGateway(false, (through) => measure(settings, { single, through })),
  )
  return [...memory, ...rates]
}

async function measure(
  settings: Settings,
  { single, through }: { readonly single: RunningSealgate; readonly through: RunningSealgate },
): Promise<Figure[]> {
  const figures: Figure[] = []
  const sides = {
    own: { gateway: single, headers: sseS3 },
    beside: { gateway: through, headers: {} },
  } as const
  for (const { gateway } of Object.values(sides)) {
    await once(gateway.target, presign(gateway.target, { method: 'PUT', path: `/${bucketOf(gateway)}` }))
  }

  function bucketOf(gateway: RunningSealgate): string {
    return gateway === single ? 'single' : 'through'
  }
  function requests(
    side: keyof typeof sides,
    method: 'PUT' | 'GET',
    kind: string,
    count: number,
    size: number,
  ) {
    const { gateway, headers } = sides[side]
    return Array.from({ length: count }, (_, index) => {
      const path = `/${bucketOf(gateway)}/${kind}-${index}`
      return method === 'GET'
        ? presign(gateway.target, { method, path })
        : presign(gateway.target, { method, path, headers, bodySize: size })
    })
  }

  for (const [name, kind, count, connections, size, per, musts] of [
    ['64 MiB ×8', 'large', largeKeys, 8, settings.largeSize, 'byte', { PUT: 0.85, GET: 0.6 }],
    ['1 KiB ×32', 'small', smallKeys, 32, 1024, 'request', { PUT: 0.8, GET: 0.8 }],
  ] as const) {
    for (const method of ['PUT', 'GET'] as const) {
      if (method === 'GET') {
        for (const side of ['own', 'beside'] as const) {
          await fill(sides[side].gateway.target, requests(side, 'PUT', kind, count, size))
        }
      }
      const run = (side: keyof typeof sides) => () => {
        const { gateway } = sides[side]
        return sampler(settings, gateway.pid)(
          gateway.target,
          connections,
          requests(side, method, kind, count, size),
        )
      }
      figures.push(
        await compare(settings, `gateway ${method} ${name}, single ÷ pass-through`, {
          own: run('own'),
          beside: run('beside'),
          besideIs: 'pass-through',
          per,
          must: musts[method],
        }),
      )
    }
  }

  const peak = peakResidentMib(single.pid)
  if (peak !== undefined) {
    const what = 'gateway: largest resident set of a process, all of these rounds'
    figures.push({ what, kind: 'limit', value: peak, unit: 'MiB' })
  }
  return figures
}
