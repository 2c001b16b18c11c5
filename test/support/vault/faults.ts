import type { IncomingMessage, ServerResponse } from 'node:http'

/** What happens to a call in place of its answer. */
export type FaultKind =
  | {
      readonly kind: 'status'
      readonly status: number
      readonly errors?: readonly string[]
      /** `Retry-After`, as it is sent. */
      readonly retryAfter?: string
    }
  | { readonly kind: 'redirect'; readonly location: string }
  /** What something between us and Vault answers. */
  | { readonly kind: 'page'; readonly status: number; readonly text: string }
  /** The connection is reset, before anything was done. */
  | { readonly kind: 'reset' }
  /** No answer, for as long as the client waits. */
  | { readonly kind: 'hang' }
  /** A status line, half a body, and then nothing. */
  | { readonly kind: 'half' }
  /** A status line, and then a byte at a time for as long as the client waits. */
  | { readonly kind: 'drip'; readonly everyMs: number }
  /** An answer of this many bytes. */
  | { readonly kind: 'flood'; readonly size: number }
  /** 200 with this body. */
  | { readonly kind: 'body'; readonly text: string }
  /** The right answer, late. */
  | { readonly kind: 'delay'; readonly ms: number }

/** Which calls it happens to: those whose path matches, after `skip` of them, `times` times. */
export interface FaultRule {
  readonly path?: RegExp
  readonly skip?: number
  readonly times?: number
}

interface Armed {
  readonly fault: FaultKind
  readonly path: RegExp
  skip: number
  times: number
}

export class Faults {
  readonly #armed: Armed[] = []

  /** Returns how to end it early. */
  inject(
    fault: FaultKind,
    { path = /./, skip = 0, times = Number.POSITIVE_INFINITY }: FaultRule = {},
  ): () => void {
    const armed = { fault, path, skip, times }
    this.#armed.push(armed)
    return () => {
      armed.times = 0
    }
  }

  take(path: string): FaultKind | undefined {
    for (const armed of this.#armed) {
      if (armed.times <= 0 || !armed.path.test(path)) continue
      if (armed.skip-- > 0) continue
      armed.times--
      return armed.fault
    }
    return undefined
  }
}

/** Does the fault to the call. True when that was all the answer it gets. */
export async function suffer(
  fault: FaultKind,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (fault.kind) {
    case 'status':
      response.writeHead(fault.status, {
        'content-type': 'application/json',
        ...(fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }),
      })
      response.end(JSON.stringify({ errors: fault.errors ?? [] }))
      return true
    case 'page':
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.text)
      return true
    case 'redirect':
      response.writeHead(307, { location: fault.location }).end()
      return true
    case 'reset':
      request.socket.resetAndDestroy()
      return true
    case 'hang':
      return true
    case 'half':
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"data":')
      return true
    case 'drip': {
      response.writeHead(200, { 'content-length': '1000000' })
      const timer = setInterval(() => response.write(' '), fault.everyMs)
      response.once('close', () => clearInterval(timer))
      return true
    }
    case 'flood':
      response.end(Buffer.alloc(fault.size, ' '))
      return true
    case 'body':
      response.end(fault.text)
      return true
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, fault.ms))
      return false
  }
}
