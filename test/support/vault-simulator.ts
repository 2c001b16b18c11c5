// A Vault server for tests: transit, AppRole, tokens that really expire, policies, namespaces, TLS, sealing, and
// whatever can go wrong. What it answers is what a real server answers; the provider contract runs against both.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { VaultCore } from './vault/core.ts'
import { type FaultKind, type FaultRule, Faults, suffer } from './vault/faults.ts'
import { type Reply, seconds } from './vault/reply.ts'
import {
  issueSecretId,
  type SeedCredentials,
  type SeedOptions,
  setUpSeed,
  type VaultAdmin,
} from './vault/seed.ts'

export interface SimulatorOptions {
  /** PEM texts; with `clientCa` a client certificate is demanded. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string }
  /** Milliseconds since 1970, by which tokens and secret ids expire. */
  readonly now?: () => number
  /** 0 for any free one. */
  readonly port?: number
  /** What a ciphertext that is not authentic is answered with: 500 by old servers. */
  readonly tamperedStatus?: 400 | 500
}

/** A call as it came in; of the headers only the names, and of these two the values. */
export interface SimulatorCall {
  readonly method: string
  readonly path: string
  readonly headerNames: readonly string[]
  readonly namespace: string
  /** Tells tokens apart without showing them; empty without a token, or with an unknown one. */
  readonly accessor: string
}

export interface VaultSimulator {
  readonly endpoint: string
  readonly rootToken: string
  readonly calls: SimulatorCall[]
  /** Calls whose path contains the text. */
  count(part: string): number
  /** How many connections were accepted so far. */
  connections(): number
  /** Root's calls without the network, in the namespace. */
  admin(namespace?: string): VaultAdmin
  setUpSeed(options?: SeedOptions, namespace?: string): Promise<SeedCredentials>
  issueSecretId(): Promise<string>
  /** A response-wrapping token for a fresh secret id; or, with a path, for what a read of that gives. */
  wrap(path?: string, ttlSeconds?: number): string
  revokeSecretIds(): void
  /** Every token but root's. */
  revokeTokens(): void
  /** Ends listener and connections; everything else stays, as with a server that has durable storage. */
  stop(): Promise<void>
  /** Listens again, on the same port. */
  resume(): Promise<void>
  /** In place of the certificate that it was started with. */
  setCertificate(pair: { readonly cert: string; readonly key: string }): void
  seal(): void
  unseal(): void
  inject(fault: FaultKind, rule?: FaultRule): () => void
  close(): Promise<void>
}

const bodySizeMax = 1024 * 1024

export async function startVaultSimulator(options: SimulatorOptions = {}): Promise<VaultSimulator> {
  const core = new VaultCore(options.now ?? Date.now, { tamperedStatus: options.tamperedStatus ?? 400 })
  const faults = new Faults()
  const calls: SimulatorCall[] = []
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    // A client that goes away in the middle is part of what is tested.
    answer(core, faults, calls, request, response).catch(() => response.destroy())
  }
  const server = createListener(options, serve)
  let connections = 0
  server.on('connection', () => connections++)
  await listen(server, options.port ?? 0)
  const port = portOf(server)
  const admin =
    (namespace = ''): VaultAdmin =>
    async (method, path, body = {}) =>
      dataOf(core.handle({ method, path, body, namespace, token: core.rootToken }))
  return {
    endpoint: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    rootToken: core.rootToken,
    calls,
    count: (part) => calls.filter(({ path }) => path.includes(part)).length,
    connections: () => connections,
    admin,
    setUpSeed: (seed, namespace) => setUpSeed(admin(namespace), seed),
    issueSecretId: () => issueSecretId(admin()),
    wrap(path = 'auth/approle/role/my-role/secret-id', wrapSeconds = 600) {
      const method = path.endsWith('secret-id') ? 'PUT' : 'GET'
      const call = { method, path, body: {}, namespace: '', token: core.rootToken, wrapSeconds }
      return wrappingTokenOf(core.handle(call))
    },
    revokeSecretIds: () => core.appRole().revokeSecretIds('my-role'),
    revokeTokens: () => core.tokens.revokeAll(),
    stop: () => closeServer(server),
    resume: () => listen(server, port),
    setCertificate(pair) {
      // Only a server with TLS has one to replace.
      if (server instanceof TlsServer) server.setSecureContext(pair)
    },
    seal: () => {
      core.sealed = true
    },
    unseal: () => {
      core.sealed = false
    },
    inject: (fault, rule) => faults.inject(fault, rule),
    close: () => closeServer(server),
  }
}

function createListener(
  { tls }: SimulatorOptions,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createServer(serve)
  const { cert, key, clientCa } = tls
  const mutual = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: clientCa }
  return createTlsServer({ cert, key, ...mutual }, serve)
}

async function answer(
  core: VaultCore,
  faults: Faults,
  calls: SimulatorCall[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request)
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://vault')
  const method = ['1', 'true'].includes(searchParams.get('list') ?? '') ? 'LIST' : (request.method ?? 'GET')
  const path = pathname.replace(/^\/v1\//, '')
  const token = headerOf(request, 'x-vault-token')
  const namespace = headerOf(request, 'x-vault-namespace').replace(/^\/+|\/+$/g, '')
  const headerNames = request.rawHeaders.filter((_, index) => index % 2 === 0)
  const accessor = core.tokens.find(token)?.accessor ?? ''
  calls.push({ method, path, headerNames, namespace: headerOf(request, 'x-vault-namespace'), accessor })
  const fault = faults.take(path)
  if (fault !== undefined && (await suffer(fault, request, response))) return
  const wrapSeconds = seconds({ ttl: headerOf(request, 'x-vault-wrap-ttl') }, 'ttl')
  const query = Object.fromEntries(searchParams)
  const reply = core.handle({ method, path, namespace, token, body, query, wrapSeconds })
  response.writeHead(reply.status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request) {
    size += piece.length
    if (size > bodySizeMax) throw new Error('body too large')
    pieces.push(piece)
  }
  const parsed: unknown = size === 0 ? {} : JSON.parse(Buffer.concat(pieces).toString())
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

function dataOf({ status, body }: Reply): Record<string, unknown> {
  if (status >= 300) throw new Error(`simulator answered ${status}: ${JSON.stringify(body)}`)
  const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined
  return typeof data === 'object' && data !== null ? { ...data } : {}
}

function wrappingTokenOf({ body }: Reply): string {
  // The core has just made it so.
  const { wrap_info: wrapped } = body as { wrap_info: { token: string } }
  return wrapped.token
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function portOf(server: Server): number {
  // A listening TCP server's address is never null nor a pipe's name.
  return (server.address() as AddressInfo).port
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
