import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { listenHere } from './listen.ts'

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
  const listening = await listenHere(server)
  return {
    url: listening.url,
    set(next) {
      rule = next
    },
    async close() {
      agent.destroy()
      await listening.close()
    },
  }
}
