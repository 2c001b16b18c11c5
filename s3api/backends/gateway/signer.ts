import { canonicalRequest, emptySha256, sha256Hex } from '../../auth/canonical.ts'
import { credentialScope, type Scope, sign, signingKey } from '../../auth/signing-key.ts'
import { ChunkChain, type ChunkForm } from './chunks.ts'
import type { BackendCredential } from './config.ts'

/** Signature V4 of requests to the store, with the canonicaliser that checks those of clients. */

/** What x-amz-content-sha256 says of a body. */
export type PayloadHash =
  /** Its hex SHA-256. */
  | { readonly kind: 'hash'; readonly sha256: string }
  /** Over TLS, which keeps it whole. */
  | { readonly kind: 'unsigned' }
  | ({ readonly kind: 'chunks' } & ChunkForm)

export interface SignedHeaders {
  /** Names and values in turn, as undici takes them. */
  readonly headers: string[]
  /** For the chunks of the body. */
  readonly chain: ChunkChain
}

export const emptyPayload: PayloadHash = { kind: 'hash', sha256: emptySha256 }

/** The headers with `Authorization`; all of them are signed. Header values are bytes as Latin-1. */
export function signRequest(
  request: {
    readonly method: string
    /** Path and query, percent-encoded. */
    readonly path: string
    readonly host: string
    readonly headers: Readonly<Record<string, string>>
    readonly payload: PayloadHash
  },
  {
    credential,
    region,
    now,
  }: { readonly credential: BackendCredential; readonly region: string; readonly now: Date },
): SignedHeaders {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope: Scope = { date: time.slice(0, 8), region }
  const payloadHash = payloadText(request.payload)
  const named = [
    ...Object.entries(request.headers),
    ['host', request.host],
    ['x-amz-date', time],
    ['x-amz-content-sha256', payloadHash],
    ...(credential.sessionToken === undefined ? [] : [['x-amz-security-token', credential.sessionToken]]),
  ]
  const signedHeaders = named.map(([name = '']) => name).sort()
  const headers = named.flat()
  const canonical = canonicalRequest(
    { method: request.method, rawUrl: request.path, rawHeaders: headers },
    { signedHeaders, payloadHash },
  )
  const key = signingKey(credential, scope)
  const signature = sign(key, { time, scope, lines: [sha256Hex(canonical)] })
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential.accessKey}/${credentialScope(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  headers.push('authorization', authorization)
  return { headers, chain: new ChunkChain(key, { time, scope, signature }) }
}

/** For x-amz-content-sha256. */
function payloadText(payload: PayloadHash): string {
  if (payload.kind === 'hash') return payload.sha256
  if (payload.kind === 'unsigned') return 'UNSIGNED-PAYLOAD'
  const form = payload.signed ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' : 'STREAMING-UNSIGNED-PAYLOAD'
  return payload.checksummed ? `${form}-TRAILER` : form
}

/** `/bucket/key?query` with exactly the unreserved characters of RFC 3986 and the key's slashes left as they are. */
export function encodeTarget(
  bucket: string | undefined,
  key: string | undefined,
  query: Readonly<Record<string, string>>,
): string {
  const path = bucket === undefined ? '/' : `/${bucket}${key === undefined ? '' : `/${encodeKey(key)}`}`
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`)
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

export function encodeKey(key: string): string {
  return key.split('/').map(encode).join('/')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
