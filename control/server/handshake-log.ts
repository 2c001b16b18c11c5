import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { hostPort } from '../address.ts'
import { Repetition } from './repetition.ts'

/** Where Node names servers that begin to listen: grpc-js keeps its own to itself, and tells nobody of handshakes that fail. */
const listening = 'tracing:net.server.listen:asyncStart'

/** What OpenSSL and Node call it, and what it means here. */
const meanings: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it has shown no certificate',
  ERR_SSL_HTTP_REQUEST: 'it does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust our certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not trust our certificate',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'its version of TLS is too old',
  CERT_HAS_EXPIRED: 'its certificate has ended',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not of our CA',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not of our CA',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is not of our CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not of our CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not of our CA',
  ECONNRESET: 'it hung up during the handshake, as one that does not trust our certificate does',
}

/** Runs `listen`, which resolves to a port, and tells of each client whose TLS handshake with the server there fails. */
export async function logHandshakes(listen: () => Promise<number>, log: Logger): Promise<number> {
  const started: Server[] = []
  const note = (message: unknown) => {
    // What Node says it publishes.
    started.push((message as { readonly server: Server }).server)
  }
  subscribe(listening, note)
  try {
    const port = await listen()
    for (const server of started) if (portOf(server) === port) tellRefused(server, log)
    return port
  } finally {
    unsubscribe(listening, note)
  }
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}

function tellRefused(server: Server, log: Logger): void {
  const repetition = new Repetition()
  // It is remembered once it was asked for, and not to be had when the connection is gone.
  server.prependListener('connection', (socket: Socket) => void socket.remoteAddress)
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // The connection below TLS, which knows whence it came: Node has no other name for it.
    const { _parent: connection = socket as Socket } = socket as { readonly _parent?: Socket }
    // Who looks whether the port is open says nothing.
    if (connection.bytesRead === 0) return
    // Null, whatever the type says, where it was not the certificate.
    const refused = socket.authorizationError as unknown as string | null
    const code = refused ?? error.code ?? error.message
    const { remoteAddress, remotePort } = connection
    const untold = repetition.next(`${remoteAddress} ${code}`)
    if (untold === undefined) return
    const peer = remoteAddress === undefined ? 'unknown' : hostPort(remoteAddress, remotePort ?? 0)
    const reason = meanings[code] ?? 'the TLS handshake failed'
    log.warn({ peer, code, reason, ...untold }, 'a client was refused before its first call')
  })
}
