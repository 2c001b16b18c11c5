import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { rootCertificates } from 'node:tls'
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import { sha256Hex } from '../../auth/canonical.ts'
import { requestTrace } from '../../request-trace.ts'
import { UpstreamBody } from './body.ts'
import type { GatewayConfig } from './config.ts'
import { Connections, type ConnectionUse } from './connections.ts'
import { type CredentialSource, createCredentialSource } from './credentials.ts'
import { elsewhere, explained, isRepeatable, toThrown, withoutTrailers } from './retries.ts'
import { emptyPayload, encodeTarget, type PayloadHash, signRequest } from './signer.ts'
import { type StoreWaits, storeWaits } from './store-waits.ts'
import { requestIdOf, toUpstreamError, UpstreamError } from './upstream-error.ts'
import { fromLatin1, toLatin1 } from './wire-headers.ts'

const attemptsMax = 4
const pauseMs = 100
/** No attempt begins later than this after the first. */
const attemptsWithinMs = 15_000
const errorSizeMax = 256 * 1024
const regionsMax = 10_000

/** For whom the store is asked. */
export interface Asking {
  /** Absent: its answer is short, and the only one that somebody waits for. */
  readonly use?: Exclude<ConnectionUse, 'short' | 'writing'>
  /** Of whoever waits for it: ends it at any time, and it is not sent again. */
  readonly signal?: AbortSignal | undefined
}

export interface UpstreamRequest extends Asking {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly bucket?: string
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  /** Lower-case names, UTF-8 values. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** S3 wants the body's MD5: with documents, and with what is locked from the start. */
  readonly md5?: boolean
  /** Doing it twice is doing it once. */
  readonly repeatable: boolean
}

export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: UpstreamBody
}

export interface UpstreamOptions {
  readonly log: Logger
  readonly now: () => number
  readonly waits?: Partial<StoreWaits>
}

/** The store's S3, spoken to over a pool of connections. What is not 2xx is thrown as UpstreamError; a store that cannot be reached, or does not answer, as BackendError unavailable; busy where no connection to it was free. */
export class Upstream {
  readonly secure: boolean
  readonly waits: StoreWaits
  readonly #config: GatewayConfig
  readonly #log: Logger
  readonly #now: () => number
  readonly #credentials: CredentialSource
  readonly #connections: Connections
  readonly #regions = new Map<string, string>()
  readonly #closing = new AbortController()
  /** Requests sent so far, attempts counted. */
  requests = 0
  /** The store has not yet refused a checksum that comes behind its body. */
  takesTrailers = true

  constructor(config: GatewayConfig, { log, now, waits }: UpstreamOptions) {
    this.secure = config.endpoint.secure
    this.waits = { ...storeWaits, ...waits }
    this.#config = config
    this.#log = log
    this.#now = now
    this.#credentials = createCredentialSource(config.credentials)
    const { connectionsMax, caFile } = config
    const ca = caFile === undefined ? undefined : [...rootCertificates, readFileSync(caFile, 'utf8')]
    const waitMs = this.waits.connectionMs
    this.#connections = new Connections({ secure: this.secure, connectionsMax, ca, waitMs })
  }

  /** Sends it, again where that is safe. */
  async send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const startedAt = performance.now()
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request)
      } catch (failure) {
        const { signal } = request
        const error = await explained(request, failure, (question) => this.#attempt({ ...question, signal }))
        if (signal?.aborted === true) throw signal.reason
        // A store that sends us to and fro is not followed for ever.
        if (attempt < attemptsMax && this.#learnRegion(request, error)) continue
        const late = performance.now() - startedAt > attemptsWithinMs
        if (attempt === attemptsMax || late || this.#closing.signal.aborted || !isRepeatable(request, error))
          throw toThrown(error)
        const waitMs = pauseMs * 2 ** attempt * (0.5 + Math.random() / 2)
        this.#log.debug({ attempt, waitMs, err: error }, 'a request to the store is tried again')
        // One that is closed meanwhile fails in its next attempt.
        await wait(waitMs, signal ?? this.#closing.signal)
      }
    }
  }

  /** Sends it and reads the whole answer. */
  async fetch(
    request: UpstreamRequest,
    sizeMax: number,
  ): Promise<UpstreamAnswer & { readonly bytes: Uint8Array }> {
    const answer = await this.send(request)
    return { ...answer, bytes: await answer.body.bytes(sizeMax) }
  }

  /** Signs a request whose body follows as `body` gives it, and sends it once. The signal ends it at any time. */
  async begin(
    request: Omit<UpstreamRequest, 'body' | 'repeatable'>,
    payload: PayloadHash,
  ): Promise<{
    readonly signed: ReturnType<typeof signRequest>
    send(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<UpstreamAnswer>
  }> {
    const { signed, path, host } = await this.#sign(request, payload)
    const place = { host, use: 'writing' } as const
    return {
      signed,
      send: (body, signal) =>
        this.#dispatch(request, () =>
          // The body decides how long it takes: whoever writes it watches it.
          this.#connections.request(place, {
            method: request.method,
            path,
            headers: signed.headers,
            body: asReadable(body),
            headersTimeout: 0,
            signal,
          }),
        ).catch((error: unknown) => {
          if (this.#learnRegion(request, error)) throw elsewhere(error)
          if (this.#learnTrailers(payload, error)) throw withoutTrailers(error)
          throw toThrown(error)
        }),
    }
  }

  /** Ends what is under way: it fails. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#connections.close()
  }

  async #attempt(given: UpstreamRequest): Promise<UpstreamAnswer> {
    const { body } = given
    const request = given.md5 === true && body !== undefined ? withMd5(given, body) : given
    const { signed, path, host } = await this.#sign(request, this.#payloadOf(body))
    const { method, use = 'short', signal } = request
    const bodyless = body === undefined && (method === 'GET' || method === 'HEAD')
    const headers = bodyless
      ? signed.headers
      : [...signed.headers, 'content-length', String(body?.length ?? 0)]
    const headersTimeout = movesObject(request) ? this.waits.movedMs : this.waits.answerMs
    return this.#dispatch(request, () =>
      this.#connections.request(
        { host, use },
        {
          method,
          path,
          headers,
          headersTimeout,
          ...(signal !== undefined && { signal }),
          ...(body !== undefined && body.length > 0 && { body }),
        },
      ),
    )
  }

  #payloadOf(body: Uint8Array | undefined): PayloadHash {
    if (body === undefined || body.length === 0) return emptyPayload
    return this.secure ? { kind: 'unsigned' } : { kind: 'hash', sha256: sha256Hex(body) }
  }

  async #sign(request: Omit<UpstreamRequest, 'body' | 'repeatable'>, payload: PayloadHash) {
    const { method, bucket, key, query = {}, headers = {} } = request
    const region = this.#regionOf(bucket)
    const host = this.#hostOf(region)
    const path = encodeTarget(bucket, key, query)
    const signed = signRequest(
      { method, path, host, headers: toLatin1(headers), payload },
      { credential: await this.#credentials(), region, now: new Date(this.#now()) },
    )
    return { signed, path, host }
  }

  async #dispatch(
    request: Omit<UpstreamRequest, 'body' | 'repeatable'>,
    dispatch: () => Promise<Dispatcher.ResponseData>,
  ): Promise<UpstreamAnswer> {
    this.requests++
    const startedAt = performance.now()
    const { statusCode: status, headers: raw, body: readable } = await dispatch()
    const headers = fromLatin1(raw)
    // Some stores answer a copy or a completion at once, and send next to nothing until it is done.
    const slowMs = movesObject(request) ? this.waits.movedMs : this.waits.stallMs
    const body = new UpstreamBody(readable, slowMs)
    const { method, bucket, key } = request
    const storeRequestId = requestIdOf(headers)
    const trace = requestTrace.getStore()
    trace?.storeRequestIds.push(storeRequestId)
    const line = {
      requestId: trace?.requestId,
      method,
      bucket,
      key,
      status,
      storeRequestId,
      ms: Math.round(performance.now() - startedAt),
    }
    if (status >= 200 && status < 300) {
      this.#log.debug(line, 'the store answered')
      return { status, headers, body }
    }
    const error = toUpstreamError(status, headers, await body.bytes(errorSizeMax), method)
    if (status >= 500 || status === 403) this.#log.warn({ ...line, code: error.code }, 'the store refused')
    else this.#log.debug({ ...line, code: error.code }, 'the store answered')
    throw error
  }

  /** The store names another region for the bucket: true when it is worth going there. */
  #learnRegion({ bucket }: Pick<UpstreamRequest, 'bucket'>, error: unknown): boolean {
    if (bucket === undefined || !(error instanceof UpstreamError) || error.region === undefined) return false
    const redirects = error.status === 301 || error.status === 307 || error.status === 400
    if (!redirects || error.region === this.#regionOf(bucket)) return false
    if (this.#regions.size >= regionsMax) this.#regions.clear()
    this.#regions.set(bucket, error.region)
    return true
  }

  /** Ceph before Reef knows none, and finds that the body has another SHA-256. True where it is worth trying without. */
  #learnTrailers(payload: PayloadHash, error: unknown): boolean {
    if (payload.kind !== 'chunks' || !payload.checksummed || !(error instanceof UpstreamError)) return false
    if (error.code !== 'XAmzContentSHA256Mismatch' && error.code !== 'NotImplemented') return false
    this.takesTrailers = false
    this.#log.warn({ err: error }, 'the store takes no checksums behind bodies: they are left out')
    return true
  }

  #regionOf(bucket: string | undefined): string {
    return (bucket === undefined ? undefined : this.#regions.get(bucket)) ?? this.#config.region
  }

  /** AWS has an endpoint for each region; every other store has one. */
  #hostOf(region: string): string {
    const { host, port, secure } = this.#config.endpoint
    const regional = /^s3\.([a-z0-9-]+\.)?amazonaws\.com$/.test(host) ? `s3.${region}.amazonaws.com` : host
    return port === (secure ? 443 : 80) ? regional : `${regional}:${port}`
  }
}

/** What the store has to do for it grows with the object. */
function movesObject({ method, query, headers }: Omit<UpstreamRequest, 'repeatable'>): boolean {
  const completes = method === 'POST' && query?.uploadId !== undefined
  return completes || headers?.['x-amz-copy-source'] !== undefined
}

function withMd5(request: UpstreamRequest, body: Uint8Array): UpstreamRequest {
  const md5 = createHash('md5').update(body).digest('base64')
  return { ...request, headers: { ...request.headers, 'content-md5': md5 } }
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  // It rejects only to end early.
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}

/** undici takes any async iterable (its `isIterable`), but its types do not say so. */
function asReadable(body: AsyncIterable<Uint8Array>): Readable {
  return body as unknown as Readable
}
