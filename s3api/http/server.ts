import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { type AddressInfo, Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { FrontEndConfig } from '../config.ts'
import { S3Error } from '../errors.ts'
import { followFiles } from '../followed-files.ts'
import { errorReply } from './error-reply.ts'

/** node:http as S3 needs it. */

const serverOptions = {
  // User metadata has 2 KiB at most, and presigned URLs are long.
  maxHeaderSize: 32 * 1024,
  headersTimeout: 20_000,
  // A request may take as long as it moves: RateFloor ends those that do not.
  requestTimeout: 0,
  // Longer than what load balancers keep idle connections for.
  keepAliveTimeout: 75_000,
}
const certificatePollMs = 2_000

export type Handle = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/** A listening server. */
export interface HttpServer {
  readonly port: number
  readonly encrypted: boolean
  /** Stops accepting. Connections stay, also those whose first request is still on its way. */
  stop(): void
  /** Ends the connections without a request. */
  endIdle(): void
  /** Ends all connections, whatever they do. Resolves when the port is free. */
  destroy(): Promise<void>
}

/** Errors: those of listening, EADDRINUSE above all; those of reading the certificate. */
export async function listen(
  { address, tls }: Pick<FrontEndConfig, 'address' | 'tls'>,
  handle: Handle,
  log: Logger,
): Promise<HttpServer> {
  const server = tls === undefined ? http.createServer(serverOptions) : createTlsServer(tls, log)
  server.on('request', handle)
  // Answering 100 is up to whoever reads the body.
  server.on('checkContinue', handle)
  // An expectation of something else is ignored, as S3 does.
  server.on('checkExpectation', handle)
  const answering = new WeakMap<Duplex, ServerResponse>()
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    server.on(event, (incoming: IncomingMessage, outgoing: ServerResponse) =>
      answering.set(incoming.socket, outgoing),
    )
  }
  server.on('clientError', (error, socket) => {
    const outgoing = answering.get(socket)
    if (outgoing === undefined || outgoing.writableFinished) return refuse(error, socket)
    // What is wrong comes after a whole request, which still gets its own answer.
    if (outgoing.req.complete) outgoing.once('finish', () => socket.destroy())
    // Nothing may be written into a response that goes out already.
    else if (outgoing.headersSent) socket.destroy()
    else refuse(error, socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const closed = new Promise<void>((resolve) => server.once('close', resolve))
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo
  return {
    port,
    encrypted: tls !== undefined,
    stop() {
      // That of node:http would end the connections without a request as well.
      NetServer.prototype.close.call(server)
    },
    endIdle() {
      server.closeIdleConnections()
    },
    async destroy() {
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function createTlsServer(
  { certFile, keyFile }: NonNullable<FrontEndConfig['tls']>,
  log: Logger,
): https.Server {
  const server = https.createServer(serverOptions)
  const files = followFiles(
    [certFile, keyFile],
    ([cert, key]) => server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
    {
      intervalMs: certificatePollMs,
      changed: () => log.info('the certificate was loaded again'),
      refused: (error) => log.error({ err: error }, 'the changed certificate cannot be used'),
    },
  )
  server.once('close', () => files.close())
  return server
}

/** What is not HTTP, or too much of it, still gets an S3 error. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const overflow = error.code === 'HPE_HEADER_OVERFLOW'
  const known = overflow
    ? new S3Error('RequestHeaderSectionTooLarge')
    : new S3Error('InvalidRequest', 'The request is not valid HTTP.')
  const { body } = errorReply(known, { method: '', resource: '', requestId: '' })
  const text = typeof body === 'string' ? body : ''
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}
