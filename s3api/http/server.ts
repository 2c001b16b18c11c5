import { X509Certificate } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { type AddressInfo, Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { tellCertificateEnd } from '../../files/certificate-end.ts'
import { type Followed, followFiles } from '../../files/followed-files.ts'
import type { FrontEndConfig } from '../config.ts'
import { S3Error } from '../errors.ts'
import { errorReply } from './error-reply.ts'

/** node:http as S3 needs it. */

/** How long clients may take. */
export interface ClientTimes {
  /** From the connection, or the request's first byte, to the end of its headers. */
  readonly headersMs: number
  /** How often that is looked at. */
  readonly lookMs: number
  /** For the handshake of TLS. */
  readonly handshakeMs: number
  /** To read why they were refused before there was a request. */
  readonly refusalMs: number
}

const clientTimes: ClientTimes = { headersMs: 20_000, lookMs: 5_000, handshakeMs: 20_000, refusalMs: 2_000 }

const serverOptions = ({ headersMs, lookMs }: ClientTimes) => ({
  // User metadata has 2 KiB at most, and presigned URLs are long.
  maxHeaderSize: 32 * 1024,
  headersTimeout: headersMs,
  connectionsCheckingInterval: lookMs,
  // A request may take as long as it moves: RateFloor ends those that do not.
  requestTimeout: 0,
  // Longer than what load balancers keep idle connections for.
  keepAliveTimeout: 75_000,
})
const certificatePollMs = 2_000
/** Connections that wait to be accepted; the system has a limit of its own. More are lost for seconds when many clients come at once. */
const backlog = 4096

export type Handle = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/** A listening server. */
export interface HttpServer {
  readonly port: number
  readonly encrypted: boolean
  /** When the certificate that is served ends, milliseconds since 1970; undefined without one. */
  readonly certificateExpiresAtMs: number | undefined
  /** Open now. */
  readonly connections: number
  /** Stops accepting. Connections stay, also those whose first request is still on its way. */
  stop(): void
  /** Ends the connections without a request. */
  endIdle(): void
  /** Ends all connections, whatever they do. Resolves when the port is free. */
  destroy(): Promise<void>
}

/** Errors: those of listening, EADDRINUSE above all; those of reading the certificate. */
export async function listen(
  { address, tls, connectionsMax }: Pick<FrontEndConfig, 'address' | 'tls' | 'connectionsMax'>,
  {
    handle,
    dropped = () => {},
    log,
    times = clientTimes,
  }: {
    readonly handle: Handle
    /** A connection was closed as it came: there are too many. */
    readonly dropped?: () => void
    readonly log: Logger
    readonly times?: ClientTimes
  },
): Promise<HttpServer> {
  const { server, expiry } =
    tls === undefined
      ? { server: http.createServer(serverOptions(times)), expiry: undefined }
      : createTlsServer(tls, { log, times })
  if (connectionsMax !== undefined) server.maxConnections = connectionsMax
  server.on('drop', dropped)
  let connections = 0
  server.on('connection', (socket: Duplex) => {
    connections++
    socket.once('close', () => connections--)
  })
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
    if (outgoing === undefined || outgoing.writableFinished) return refuse(error, socket, times)
    // What is wrong comes after a whole request, which still gets its own answer.
    if (outgoing.req.complete) outgoing.once('finish', () => socket.destroy())
    // Nothing may be written into a response that goes out already.
    else if (outgoing.headersSent) socket.destroy()
    else refuse(error, socket, times)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: address.port, host: address.host, backlog }, () => {
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
    get certificateExpiresAtMs() {
      return expiry?.current()
    },
    get connections() {
      return connections
    },
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
  { log, times }: { readonly log: Logger; readonly times: ClientTimes },
): { readonly server: https.Server; readonly expiry: Followed<number> } {
  const server = https.createServer({ ...serverOptions(times), handshakeTimeout: times.handshakeMs })
  const expiry = followFiles(
    [certFile, keyFile],
    ([cert = Buffer.alloc(0), key]) => {
      try {
        server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' })
        return Date.parse(new X509Certificate(cert).validTo)
      } catch (error) {
        // What OpenSSL says names no file.
        throw new Error(`the certificate in ${certFile} cannot be used with its key`, { cause: error })
      }
    },
    {
      intervalMs: certificatePollMs,
      changed: () => log.info('the certificate was loaded again'),
      refused: (error) => log.error({ err: error }, 'the changed certificate cannot be used'),
    },
  )
  const stopTelling = tellCertificateEnd(certFile, () => expiry.current(), { log })
  server.once('close', () => {
    stopTelling()
    expiry.close()
  })
  return { server, expiry }
}

/** What is not HTTP, or too much of it, or comes too slowly, still gets an S3 error. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex, { refusalMs }: ClientTimes): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  // Whoever neither reads nor ends is not waited for.
  const timer = setTimeout(() => socket.destroy(), refusalMs)
  socket.once('close', () => clearTimeout(timer))
  const known = toRefusal(error)
  const { body } = errorReply(known, { method: '', resource: '', requestId: '' })
  const text = typeof body === 'string' ? body : ''
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}

function toRefusal({ code }: NodeJS.ErrnoException): S3Error {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new S3Error('RequestHeaderSectionTooLarge')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new S3Error('RequestTimeout')
    default:
      return new S3Error('InvalidRequest', 'The request is not valid HTTP.')
  }
}
