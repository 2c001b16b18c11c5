import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { HostPort } from './addresses.ts'
import { explainListening } from './listen-error.ts'

/** The operators' port of a process: /healthz, /readyz and /metrics, without authentication and without secrets. */

export interface AdminServer {
  readonly url: string
  close(): Promise<void>
}

interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** Errors: those of listening. */
export async function startAdmin(
  address: HostPort,
  parts: {
    readonly registry: Pick<Registry, 'contentType' | 'metrics'>
    readonly ready: () => Promise<Readiness>
    readonly log: Logger
  },
): Promise<AdminServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    void answer(request.method ?? '', request.url ?? '', parts)
      .catch((error: unknown) => {
        parts.log.error({ err: error }, 'the admin port could not answer')
        return { status: 500, type: 'text/plain', body: 'internal error\n' }
      })
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
        response.end(request.method === 'HEAD' ? undefined : body)
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => {
      server.off('error', reject)
      resolve()
    })
  }).catch(explainListening('the admin port', address))
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  method: string,
  url: string,
  {
    registry,
    ready,
  }: {
    readonly registry: Pick<Registry, 'contentType' | 'metrics'>
    readonly ready: () => Promise<Readiness>
  },
): Promise<{ readonly status: number; readonly type: string; readonly body: string }> {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, type: 'text/plain', body: 'GET or HEAD only\n' }
  switch (url.split('?')[0]) {
    case '/healthz':
      return { status: 200, type: 'text/plain', body: 'ok\n' }
    case '/readyz': {
      const readiness = await ready()
      return {
        status: readiness.ready ? 200 : 503,
        type: 'application/json',
        body: `${JSON.stringify(readiness)}\n`,
      }
    }
    case '/metrics':
      return { status: 200, type: registry.contentType, body: await registry.metrics() }
    default:
      return { status: 404, type: 'text/plain', body: 'there are /healthz, /readyz and /metrics\n' }
  }
}
