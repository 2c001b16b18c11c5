import http, { type IncomingHttpHeaders } from 'node:http'
import { presign, type Target } from '../support/presign.ts'

/** Requests to the server under test, presigned, with bodies that come and go piece by piece. */

export interface Answer {
  /** 0: there was none. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Of an error: its S3 code, or that of the connection. */
  readonly code: string | undefined
  /** Of a document; empty where `take` was given. */
  readonly text: string
  /** Whether the answer came to its end. */
  readonly whole: boolean
}

export interface Question {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent, not signed. */
  readonly unsigned?: Readonly<Record<string, string>>
  readonly body?: { readonly size: number; readonly pieces: Iterable<Uint8Array> }
  /** Gets the body of an answer that is no error. */
  readonly take?: (bytes: Uint8Array, answer: IncomingHttpHeaders) => void
  /** The client vanishes after so many bytes of body, sent or received. */
  readonly vanishAfter?: number
  /** Milliseconds between pieces. */
  readonly pauseMs?: number
  /** Changes the signature. */
  readonly forged?: boolean
}

export class S3Client {
  readonly #target: Target
  readonly #agent: http.Agent

  constructor(target: Target, connections: number) {
    this.#target = target
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  }

  send(question: Question): Promise<Answer> {
    const { method, path, query, headers, unsigned, body } = question
    const signed = presign(this.#target, {
      method,
      path,
      ...(query && { query }),
      ...(headers && { headers }),
      ...(unsigned && { unsigned }),
    })
    const wrong = question.forged
      ? signed.path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
      : signed.path
    return new Promise((resolve) => {
      const outgoing = http.request({
        host: this.#target.host,
        port: this.#target.port,
        agent: this.#agent,
        method,
        path: wrong,
        headers: {
          ...signed.headers,
          ...(body !== undefined && { 'Content-Length': body.size }),
        },
      })
      const none = (code: string) => resolve({ status: 0, headers: {}, code, text: '', whole: false })
      outgoing.on('error', (error: NodeJS.ErrnoException) => none(error.code ?? error.message))
      outgoing.on('response', (incoming) => void receive(incoming, question).then(resolve))
      if (body === undefined) outgoing.end()
      else void sendBody(outgoing, question)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function sendBody(
  outgoing: http.ClientRequest,
  { body, vanishAfter = Number.POSITIVE_INFINITY, pauseMs = 0 }: Question,
): Promise<void> {
  let sent = 0
  for (const piece of body?.pieces ?? []) {
    if (outgoing.destroyed) return
    if (sent >= vanishAfter) {
      outgoing.destroy(Object.assign(new Error('vanished'), { code: 'vanished' }))
      return
    }
    const room = outgoing.write(piece)
    sent += piece.length
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    else if (!room) await drained(outgoing)
  }
  outgoing.end()
}

function drained(outgoing: http.ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      outgoing.off('drain', settle).off('close', settle)
      resolve()
    }
    outgoing.on('drain', settle).on('close', settle)
  })
}

async function receive(
  incoming: http.IncomingMessage,
  { take, vanishAfter = Number.POSITIVE_INFINITY, pauseMs = 0, method }: Question,
): Promise<Answer> {
  const { statusCode: status = 0, headers } = incoming
  const taking = take !== undefined && status < 300
  const texts: Buffer[] = []
  let size = 0
  try {
    for await (const piece of incoming as AsyncIterable<Buffer>) {
      size += piece.length
      if (taking) take(piece, headers)
      else texts.push(piece)
      if (size >= vanishAfter) incoming.destroy()
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  } catch {
    // An answer that is cut off is not whole; whoever asked judges that.
  }
  const text = Buffer.concat(texts).toString()
  const code = status < 300 ? undefined : (/<Code>(\w[\w.]*)<\/Code>/.exec(text)?.[1] ?? String(status))
  const whole = incoming.complete && (method === 'HEAD' || size === Number(headers['content-length'] ?? size))
  return { status, headers, code, text, whole }
}
