import type { Credential, SignatureV2Mode } from '../config.ts'
import { S3Error } from '../errors.ts'
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
import { matchesV2, type RequestToSign, stringsToSign } from './signature-v2.ts'

/** Requests that are signed with Signature V2, in their query or in a header. */

export interface V2Options {
  readonly credentials: ReadonlyMap<string, Credential>
  readonly mode: SignatureV2Mode
  readonly nowMs: number
}

/** Undefined: not signed so. Errors: those of the S3 API for a request that is not rightly signed. */
export function authenticateV2(request: RequestToSign, options: V2Options): Authentication | undefined {
  const header = request.headers.get('authorization')
  if (header?.startsWith('AWS ')) {
    if (options.mode !== 'all') throw unsupportedMechanism()
    return verifyHeader(request, header, options)
  }
  if (!request.query.has('AWSAccessKeyId') && !request.query.has('Signature')) return undefined
  if (options.mode === 'off') throw unsupportedMechanism()
  if (header !== undefined) throw new S3Error('InvalidArgument', 'Only one auth mechanism allowed')
  return verifyQuery(request, options)
}

function verifyHeader(request: RequestToSign, header: string, options: V2Options): Authentication {
  const [, accessKey, signature] = /^AWS ([^:\s]+):(\S+)$/.exec(header) ?? []
  if (accessKey === undefined || signature === undefined) {
    throw new S3Error(
      'InvalidArgument',
      'AWS authorization header is invalid. Expected AwsAccessKeyId:signature',
    )
  }
  const dateMs = parseDate(request.headers.get('x-amz-date') ?? request.headers.get('date') ?? '')
  if (Number.isNaN(dateMs) || dateMs < 0) throw noValidDate()
  if (Math.abs(dateMs - options.nowMs) > skewMaxMs) throw new S3Error('RequestTimeTooSkewed')
  const authentication = verify(request, { accessKey, signature }, options)
  return { ...authentication, signature: { type: 'REST-HEADER', version: 'AWS' } }
}

function verifyQuery(request: RequestToSign, options: V2Options): Authentication {
  const [accessKey, signature, expires] = ['AWSAccessKeyId', 'Signature', 'Expires'].map((name) =>
    request.query.get(name),
  )
  if (!accessKey || !signature || !expires) {
    throw new S3Error(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    )
  }
  const expiresAt = parseDecimal(expires)
  if (expiresAt === undefined)
    throw new S3Error('AccessDenied', 'Invalid date (should be seconds since epoch)')
  if (expiresAt * 1000 < options.nowMs) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      elements: { Expires: new Date(expiresAt * 1000).toISOString() },
    })
  }
  const authentication = verify(request, { accessKey, signature, expires }, options)
  return { ...authentication, signature: { type: 'REST-QUERY-STRING', version: 'AWS' } }
}

function verify(
  request: RequestToSign,
  claim: { readonly accessKey: string; readonly signature: string; readonly expires?: string },
  { credentials }: V2Options,
): Authentication {
  const { accessKey } = claim
  if (request.headers.has('x-amz-security-token')) throw new S3Error('InvalidToken')
  const credential = credentials.get(accessKey)
  const { secretKey } = credential ?? nobody
  const texts = stringsToSign(request, claim.expires)
  requireMatch(
    accessKey,
    credential,
    texts.some((text) => matchesV2(claim.signature, secretKey, text)),
  )
  return { accessKey, payload: { kind: 'unsigned' } }
}

/** An HTTP date, or the form of Signature V4, which some clients send in x-amz-date. */
function parseDate(text: string): number {
  const basicMs = parseBasicTime(text)
  return Number.isNaN(basicMs) ? Date.parse(text) : basicMs
}
