import { buildConnector, Pool } from 'undici'
import type { VaultConfig } from '../../config.ts'
import { isRefusal, toRefusal, VaultError } from './vault-error.ts'
import { readTlsSettings } from './vault-tls.ts'

/** A call as node-vault hands it to its transport. */
export interface TransportRequest {
  readonly method: string
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  readonly json?: unknown
  /** The whole call's, from waiting for a connection to the last byte of the answer. */
  readonly deadlineMs: number
  /** Ends the call before its deadline. */
  readonly signal?: AbortSignal
}

/** An answer as node-vault wants it: only ever 200 or 204, everything else has been thrown. */
export interface TransportResponse {
  readonly statusCode: number
  readonly body: unknown
  readonly request: { readonly path: string }
}

export interface VaultTransport {
  send(request: TransportRequest): Promise<TransportResponse>
  /** Ends every connection, calls in flight included. Idempotent. */
  close(): Promise<void>
}

/** Vault's own cap is 32 MiB; nothing that we ask for comes near this one. */
const responseSizeMax = 1024 * 1024
const connectionsMax = 16
const connectTimeoutMs = 3_000
/** Shorter than the idle times of Vault and of load balancers, so that we close first and never write to a dead socket. */
const keepAliveMs = 20_000

/**
 * Kept-alive connections to the configured host and to no other: redirects are errors, proxy variables
 * have no effect. Errors: VaultError; at creation not-configured, for unreadable certificates.
 */
export function createVaultTransport(config: VaultConfig): VaultTransport {
  readTlsSettings(config)
  let pool = createPool(config)
  /** Those before, until their last calls have ended. */
  const left = new Set<Pool>()
  let closing: Promise<void> | undefined
  const leave = (used: Pool) => {
    if (used !== pool || closing !== undefined) return
    pool = createPool(config)
    left.add(used)
    // Only a pool that was destroyed meanwhile, by close, fails to close.
    const forget = () => void left.delete(used)
    used.close().then(forget, forget)
  }
  return {
    async send(request) {
      const used = pool
      try {
        return await send(used, request)
      } catch (error) {
        // The endpoint's name may lead to another server by now, which kept connections would never find out.
        if (error instanceof VaultError && isOutage(error)) leave(used)
        throw error
      }
    },
    close: () => {
      closing ??= Promise.all([pool, ...left].map((each) => each.destroy())).then(() => {})
      return closing
    },
  }
}

function createPool(config: VaultConfig): Pool {
  return new Pool(new URL(config.endpoint).origin, {
    connections: connectionsMax,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // Each call has one deadline, for all of it; undici's own two would only be further ones.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: responseSizeMax,
    connect: createConnector(config),
  })
}

/** No answer, or one that another server might not give. */
function isOutage({ kind, status }: VaultError): boolean {
  return kind !== 'given-up' && (kind !== 'refused' || status >= 500)
}

/** The certificates are read for every connection: they are renewed more often than we are restarted. */
function createConnector(config: VaultConfig): buildConnector.connector {
  return (options, callback) => {
    let connect: buildConnector.connector
    try {
      connect = buildConnector({ timeout: connectTimeoutMs, ...readTlsSettings(config) })
    } catch (error) {
      // Half-way through their replacement, for instance. The connection fails, and the next one reads them again.
      callback(error instanceof Error ? error : new Error('certificates cannot be read'), null)
      return
    }
    connect(options, callback)
  }
}

async function send(pool: Pool, request: TransportRequest): Promise<TransportResponse> {
  const { pathname, search } = new URL(request.uri)
  const call = `${request.method} ${pathname}`
  const { status, location, retryAfterMs, body } = await exchange(pool, request, pathname + search, call)
  if (status >= 300 && status < 400) {
    throw new VaultError({ kind: 'redirect', call, status, detail: hostOf(location) })
  }
  // Whoever sets the limit, Vault or a proxy before it, says no to this one request, and not that Vault is away.
  if (status === 413) throw new VaultError({ kind: 'refused', call, status, refusal: 'request-too-large' })
  if (status >= 400 && status < 500 && status !== 429 && !isRefusal(body)) {
    throw new VaultError({
      kind: 'invalid-answer',
      call,
      status,
      detail: `${status}, and not in vault's words`,
    })
  }
  if (status !== 200 && status !== 204) {
    throw new VaultError({ kind: 'refused', call, status, refusal: toRefusal(body), retryAfterMs })
  }
  return { statusCode: status, body: status === 204 ? {} : body, request: { path: pathname } }
}

interface Exchange {
  readonly status: number
  readonly location: unknown
  readonly retryAfterMs: number
  readonly body: unknown
}

async function exchange(
  pool: Pool,
  request: TransportRequest,
  path: string,
  call: string,
): Promise<Exchange> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), request.deadlineMs)
  const stop = () => abort.abort()
  request.signal?.addEventListener('abort', stop)
  try {
    request.signal?.throwIfAborted()
    const { statusCode, headers, body } = await pool.request({
      method: request.method === 'GET' ? 'GET' : 'POST',
      path,
      // Vault can be told to refuse requests without the last header: a forged one is unlikely to have it.
      headers: { ...request.headers, 'X-Vault-Request': 'true' },
      body: request.json === undefined ? null : JSON.stringify(request.json),
      signal: abort.signal,
    })
    const bytes = Buffer.from(await body.arrayBuffer())
    const parsed = parseBody(bytes)
    // The strings that JSON made of it cannot be wiped; at least the bytes are.
    bytes.fill(0)
    const retryAfterMs = parseRetryAfter(headers['retry-after'])
    return { status: statusCode, location: headers.location, retryAfterMs, body: parsed }
  } catch (error) {
    if (request.signal?.aborted === true) throw new VaultError({ kind: 'given-up', call })
    if (abort.signal.aborted) throw new VaultError({ kind: 'timeout', call })
    throw toVaultError(error, call)
  } finally {
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', stop)
  }
}

/** A body that is no JSON is `undefined`: a load balancer's error page, or a 204. The caller checks what it needs. */
function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Seconds, or a date; anything else asks for nothing. */
function parseRetryAfter(value: unknown): number {
  if (typeof value !== 'string') return 0
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const untilMs = Date.parse(value) - Date.now()
  return Number.isFinite(untilMs) ? Math.max(0, untilMs) : 0
}

function toVaultError(error: unknown, call: string): VaultError {
  const code = codeOf(error)
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new VaultError({ kind: 'invalid-answer', call, detail: `more than ${responseSizeMax} bytes` })
  }
  return new VaultError({ kind: 'network', call, detail: code })
}

/** The error's code, or the code of what it wraps; codes are constants, messages may not be. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string' && /^[A-Z0-9_]+$/.test(error.code)) return error.code
  return error.cause === undefined ? error.name : codeOf(error.cause)
}

function hostOf(location: unknown): string {
  if (typeof location !== 'string' || !URL.canParse(location)) return 'another place'
  return new URL(location).host
}
