import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { once } from '../support/compare.ts'
import { presign } from '../support/presign.ts'
import { load, peakResidentMib } from '../support/processes.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** How much memory many streams at once take, of a server or gateway that has done nothing else. */

const streams = 32
/** Each stream writes, or reads, so many large objects. */
const turns = 3
const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }

export async function measureMemory(
  settings: Settings,
  server: RunningSealgate,
  who = '',
): Promise<Figure[]> {
  const { target } = server
  const { host, port } = target
  await once(target, presign(target, { method: 'PUT', path: '/memory' }))
  const requests = (method: 'PUT' | 'GET') =>
    Array.from({ length: streams * turns }, (_, index) =>
      presign(target, {
        method,
        path: `/memory/${index % streams}`,
        ...(method === 'PUT' && { headers: sseS3, bodySize: settings.largeSize }),
      }),
    )
  await load({ host, port, connections: streams, requests: requests('PUT') })
  const written = peakResidentMib(server.pid)
  await load({ host, port, connections: streams, requests: requests('GET') })
  const read = peakResidentMib(server.pid)
  if (written === undefined || read === undefined) return []
  const size = `${settings.largeSize / 1024 ** 2} MiB`
  const limit = { kind: 'limit', unit: 'MiB', must: 350, moonshot: 200 } as const
  return [
    {
      ...limit,
      what: `${who}largest resident set, ${streams} streams of PUT ${size}, SSE-S3`,
      value: written,
    },
    { ...limit, what: `${who}… and then as many of GET`, value: read },
  ]
}
