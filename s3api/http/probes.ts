import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReadinessCheck } from '../readiness.ts'

/**
 * Load balancers and orchestrators ask a MinIO how it is on its S3 port, without a signature (MinIO's documentation, "Healthcheck
 * API"). They are answered here as there: by the status alone.
 */

type Probe = 'live' | 'ready'

const probes: ReadonlyMap<string, Probe> = new Map([
  ['/minio/health/live', 'live'],
  ['/minio/health/ready', 'ready'],
  ['/minio/health/cluster', 'ready'],
  ['/minio/health/cluster/read', 'ready'],
])

/** `ending`: the front-end takes no new work. */
export async function answerProbe(
  probe: Probe,
  outgoing: ServerResponse,
  { readiness, ending }: { readonly readiness: ReadinessCheck; readonly ending: boolean },
): Promise<void> {
  const served = probe === 'live' || (!ending && (await readiness.ask()).ready)
  outgoing.writeHead(served ? 200 : 503, {
    Server: 'Sealgate',
    'Content-Length': '0',
    ...(ending && { Connection: 'close' }),
  })
  outgoing.end()
}

/** Undefined: a request of S3, also for an object of a bucket that is called so when it is signed. */
export function probeOf({ method, url = '', headers }: IncomingMessage): Probe | undefined {
  if (!url.startsWith('/minio/health/')) return undefined
  if ((method !== 'GET' && method !== 'HEAD') || headers.authorization !== undefined) return undefined
  return probes.get(url)
}
