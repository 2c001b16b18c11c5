import type { Credential } from '../config.ts'
import { S3Error, type S3ErrorCode } from '../errors.ts'
import { parseDecimal } from '../text.ts'
import {
  type Authentication,
  nobody,
  noValidDate,
  parseBasicTime,
  requireMatch,
  skewMaxMs,
  unsupportedMechanism,
} from './authentication.ts'
import { canonicalRequest, type SignedRequest, sha256Hex } from './canonical.ts'
import { parsePayloadForm } from './payload.ts'
import { credentialScope, type Scope, sameHex, sign, signingKey } from './signing-key.ts'

/** Requests that are signed with Signature V4. Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)". */

export interface VerifyOptions {
  readonly credentials: ReadonlyMap<string, Credential>
  readonly region: string
  readonly nowMs: number
}

/** The request with its decoded query and headers, as target.ts made them. */
export interface RequestToVerify extends SignedRequest {
  readonly query: ReadonlyMap<string, string>
  readonly headers: ReadonlyMap<string, string>
}

const algorithm = 'AWS4-HMAC-SHA256'
const expiresMaxSeconds = 7 * 24 * 3600

/** What header and query form have in common. */
interface Claim {
  readonly accessKey: string
  readonly scope: Scope
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly time: string
  readonly payloadHash: string
}

/** Errors: those of the S3 API for a request that is not rightly signed. One that is not signed at all is anonymous. */
export function authenticate(request: RequestToVerify, options: VerifyOptions): Authentication {
  const header = request.headers.get('authorization')
  const presigned = request.query.has('X-Amz-Algorithm') || request.query.has('X-Amz-Signature')
  if (header !== undefined && presigned) {
    throw new S3Error(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified',
    )
  }
  refuseOtherSchemes(request, header)
  const claim =
    header !== undefined
      ? headerClaim(request, header, options)
      : presigned
        ? queryClaim(request, options)
        : undefined
  if (claim === undefined) return anonymous(request)
  if (request.headers.has('x-amz-security-token') || request.query.has('X-Amz-Security-Token')) {
    throw new S3Error('InvalidToken')
  }
  requireSigned(request, claim.signedHeaders)
  return verify(request, claim, options)
}

function verify(request: RequestToVerify, claim: Claim, { credentials }: VerifyOptions): Authentication {
  const { accessKey, scope, signedHeaders, time, payloadHash, signature } = claim
  const credential = credentials.get(accessKey)
  const key = signingKey(credential ?? nobody, scope)
  const text = canonicalRequest(request, { signedHeaders, payloadHash })
  const expected = sign(key, { time, scope, lines: [sha256Hex(text)] })
  requireMatch(accessKey, credential, sameHex(signature, expected))
  return {
    accessKey,
    payload: parsePayloadForm(payloadHash),
    signing: { key, time, scope, seedSignature: signature },
    signature: {
      type: request.headers.has('authorization') ? 'REST-HEADER' : 'REST-QUERY-STRING',
      version: algorithm,
      signedAtMs: parseTime(time),
    },
  }
}

function anonymous({ headers }: RequestToVerify): Authentication {
  const payload = parsePayloadForm(headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD')
  if (payload.kind === 'chunked' && payload.signed) {
    throw new S3Error('InvalidRequest', 'The chunks of a payload cannot be signed where the request is not.')
  }
  return { payload }
}

function headerClaim({ headers }: RequestToVerify, header: string, { region, nowMs }: VerifyOptions): Claim {
  const malformed = (message?: string) => new S3Error('AuthorizationHeaderMalformed', message)
  const fields = new Map<string, string>()
  for (const field of header.slice(algorithm.length).split(',')) {
    const [, name, value] = /^\s*([A-Za-z]+)=(\S+)\s*$/.exec(field) ?? []
    if (name === undefined || value === undefined || fields.has(name)) throw malformed()
    fields.set(name, value)
  }
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) =>
    fields.get(name),
  )
  if (credential === undefined || signedHeaders === undefined || signature === undefined) throw malformed()
  const time = requestTime(headers)
  const { accessKey, scope } = parseCredential(credential, {
    time,
    region,
    code: 'AuthorizationHeaderMalformed',
  })
  if (Math.abs(parseTime(time) - nowMs) > skewMaxMs) {
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      elements: {
        RequestTime: time,
        ServerTime: new Date(nowMs).toISOString(),
        MaxAllowedSkewMilliseconds: String(skewMaxMs),
      },
    })
  }
  const payloadHash = headers.get('x-amz-content-sha256')
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  return {
    accessKey,
    scope,
    signedHeaders: parseSignedHeaders(signedHeaders, 'AuthorizationHeaderMalformed'),
    signature,
    time,
    payloadHash,
  }
}

function queryClaim({ query, headers }: RequestToVerify, { region, nowMs }: VerifyOptions): Claim {
  const code = 'AuthorizationQueryParametersError'
  const parameter = (name: string) => {
    const value = query.get(name)
    if (value !== undefined && value !== '') return value
    throw new S3Error(
      code,
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (parameter('X-Amz-Algorithm') !== algorithm) {
    throw new S3Error(code, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  const time = parameter('X-Amz-Date')
  const { accessKey, scope } = parseCredential(parameter('X-Amz-Credential'), { time, region, code })
  const expiresText = parameter('X-Amz-Expires')
  const expires = parseDecimal(expiresText.replace(/^-/, ''))
  if (expires === undefined || expires > expiresMaxSeconds) {
    throw new S3Error(code, `X-Amz-Expires must be between 1 and ${expiresMaxSeconds} seconds`)
  }
  const signedAtMs = parseTime(time)
  if (signedAtMs - nowMs > skewMaxMs) throw new S3Error('AccessDenied', 'Request is not valid yet')
  // One that was to hold for no time at all has expired like any other.
  if (expires === 0 || expiresText.startsWith('-') || nowMs > signedAtMs + expires * 1000) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      elements: {
        Expires: new Date(signedAtMs + expires * 1000).toISOString(),
        'X-Amz-Expires': String(expires),
      },
    })
  }
  return {
    accessKey,
    scope,
    signedHeaders: parseSignedHeaders(parameter('X-Amz-SignedHeaders'), code),
    signature: parameter('X-Amz-Signature'),
    time,
    payloadHash:
      query.get('X-Amz-Content-Sha256') ?? headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
  }
}

/** Each name once: what is signed is made before anybody knows whose it is, and must not be longer than what came. */
function parseSignedHeaders(text: string, code: S3ErrorCode): readonly string[] {
  const names = text.split(';')
  if (new Set(names).size === names.length) return names
  throw new S3Error(code, 'a header is named twice among the signed headers')
}

/** `access key/YYYYMMDD/region/s3/aws4_request`; access keys may contain slashes. */
export function parseCredential(
  text: string,
  { time, region, code }: { readonly time: string; readonly region: string; readonly code: S3ErrorCode },
): { readonly accessKey: string; readonly scope: Scope } {
  const parts = text.split('/')
  const [date, scopeRegion, service, terminator] = parts.slice(-4)
  const accessKey = parts.slice(0, -4).join('/')
  if (accessKey === '' || date === undefined || scopeRegion === undefined) {
    throw new S3Error(
      code,
      'the Credential is malformed; expecting "<access key>/YYYYMMDD/REGION/SERVICE/aws4_request"',
    )
  }
  if (scopeRegion !== region) {
    throw new S3Error(code, `the region '${scopeRegion}' is wrong; expecting '${region}'`, {
      elements: { Region: region },
    })
  }
  if (service !== 's3' || terminator !== 'aws4_request') {
    throw new S3Error(code, `the Credential must end in ${credentialScope({ date: 'YYYYMMDD', region })}`)
  }
  if (date !== time.slice(0, 8)) {
    throw new S3Error(code, 'the date of the Credential is not that of the request')
  }
  return { accessKey, scope: { date, region } }
}

/** x-amz-date, or Date where there is none. Errors: AccessDenied. */
function requestTime(headers: ReadonlyMap<string, string>): string {
  const amzDate = headers.get('x-amz-date')
  if (amzDate !== undefined) return amzDate
  const dateMs = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(dateMs)) throw noValidDate()
  return new Date(dateMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

/** Milliseconds of YYYYMMDDTHHMMSSZ. Errors: AccessDenied. */
export function parseTime(time: string): number {
  const timeMs = parseBasicTime(time)
  if (Number.isNaN(timeMs)) throw noValidDate()
  return timeMs
}

/** What is not signed could have been added on the way: the host and every x-amz- header must be. */
function requireSigned({ headers }: RequestToVerify, signedHeaders: readonly string[]): void {
  const signed = new Set(signedHeaders)
  const missing = [...headers.keys()].filter(
    (name) =>
      (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name) && !unsignedAllowed.has(name),
  )
  if (missing.length === 0 && signed.has('host')) return
  throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    elements: { HeadersNotSigned: missing.join(', ') },
  })
}

/** In a presigned request the hash of the payload can stand in a header that was not known when it was signed. */
const unsignedAllowed = new Set(['x-amz-content-sha256'])

function refuseOtherSchemes({ query }: RequestToVerify, header: string | undefined): void {
  const oldQuery = query.has('AWSAccessKeyId') || query.has('Signature')
  if ((header === undefined || header.startsWith(`${algorithm} `)) && !oldQuery) return
  if (oldQuery || header?.startsWith('AWS ')) throw unsupportedMechanism()
  throw new S3Error('InvalidArgument', 'Unsupported Authorization Type', {
    elements: { ArgumentName: 'Authorization' },
  })
}
