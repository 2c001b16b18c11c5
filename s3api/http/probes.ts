import type { IncomingMessage, ServerResponse } from 'node:http'

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
/** Anybody may ask: so long the last answer stands, milliseconds. */
const answerAgeMs = 1000

export class Probes {
  readonly #ready: () => Promise<{ readonly ready: boolean }>
  #last: { readonly answer: Promise<boolean>; readonly atMs: number } | undefined

  constructor(ready: () => Promise<{ readonly ready: boolean }>) {
    this.#ready = ready
  }

  /** `ending`: the front-end takes no new work. */
  async answer(
    probe: Probe,
    outgoing: ServerResponse,
    { ending }: { readonly ending: boolean },
  ): Promise<void> {
    const served = probe === 'live' || (!ending && (await this.#isReady()))
    outgoing.writeHead(served ? 200 : 503, {
      Server: 'Sealgate',
      'Content-Length': '0',
      ...(ending && { Connection: 'close' }),
    })
    outgoing.end()
  }

  #isReady(): Promise<boolean> {
    const nowMs = performance.now()
    if (this.#last !== undefined && nowMs - this.#last.atMs < answerAgeMs) return this.#last.answer
    const answer = this.#ready().then(
      ({ ready }) => ready,
      () => false,
    )
    this.#last = { answer, atMs: nowMs }
    return answer
  }
}

/** Undefined: a request of S3, also for an object of a bucket that is called so when it is signed. */
export function probeOf({ method, url = '', headers }: IncomingMessage): Probe | undefined {
  if (!url.startsWith('/minio/health/')) return undefined
  if ((method !== 'GET' && method !== 'HEAD') || headers.authorization !== undefined) return undefined
  return probes.get(url)
}
