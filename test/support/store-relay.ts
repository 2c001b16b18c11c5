import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A relay before a store that sees each request, and answers some of them itself. */
export interface StoreRelay {
  readonly url: string
  /** What becomes of requests from now on. */
  set(rule: Rule): void
  close(): Promise<void>
}

/** Asked before a request goes to the store; an error code is the answer in the store's place. */
export type Rule = (request: IncomingMessage) => Refusal | undefined | Promise<Refusal | undefined>

interface Refusal {
  readonly status: number
  readonly code: string
}

/** `show`: what becomes of the headers of the store's answers. */
export async function startStoreRelay(
  storeUrl: string,
  { show = (headers: IncomingHttpHeaders) => headers } = {},
): Promise<StoreRelay> {
  const { hostname, port } = new URL(storeUrl)
  const agent = new http.Agent({ keepAlive: true })
  let rule: Rule = () => undefined
  const server = http.createServer((request, response) => {
    const forward = async () => {
      const refusal = await rule(request)
      if (refusal !== undefined) {
        for await (const _ of request) {
          // A client that still sends would not read the answer.
        }
        const { status, code } = refusal
        response.writeHead(status).end(`<Error><Code>${code}</Code><Message/></Error>`)
        return
      }
      const { method, url: path, headers } = request
      const onward = http.request({ agent, hostname, port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, show(answer.headers))
        answer.pipe(response)
      })
      onward.on('error', () => response.destroy())
      request.pipe(onward)
    }
    forward().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this form.
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    set(next) {
      rule = next
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}
