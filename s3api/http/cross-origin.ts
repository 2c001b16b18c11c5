import type { Logger } from 'pino'
import {
  type CorsQuestion,
  corsHeaders,
  corsMethods,
  corsSetting,
  fromStoredCors,
  matchingRule,
} from '../access/cors.ts'
import { type Backend, BackendError } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { Reply, S3Request } from '../operation.ts'

/** What browsers ask of a server before and with requests of pages from elsewhere. */

/** Anybody may ask, and each name is held against each that a rule allows. */
const requestedHeadersMax = 256

/** Answers an OPTIONS request. It says nothing of the bucket but its CORS rules, so nobody has to be allowed anything. */
export async function preflight(backend: Backend, { bucket, headers }: S3Request): Promise<Reply> {
  const origin = headers.get('origin')
  if (origin === undefined) {
    throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.')
  }
  const method = headers.get('access-control-request-method')
  if (!corsMethods.some((known) => known === method) || method === undefined) {
    throw new S3Error('BadRequest', `Invalid Access-Control-Request-Method: ${method ?? 'null'}`)
  }
  const question = { origin, method, headers: requestedHeaders(headers) }
  const found = bucket === '' ? undefined : await findRule(backend, bucket, question)
  if (found !== undefined) return { status: 200, headers: found }
  throw new S3Error(
    'AccessForbidden',
    'CORSResponse: This CORS request is not allowed by the rules of the bucket.',
  )
}

/** The reply, whatever it is, with the headers that let a page from elsewhere have it. */
export async function withCrossOrigin(
  backend: Backend,
  request: S3Request | undefined,
  { reply, log }: { readonly reply: Reply; readonly log: Logger },
): Promise<Reply> {
  const origin = request?.headers.get('origin')
  if (request === undefined || origin === undefined || request.bucket === '') return reply
  if (request.method === 'OPTIONS') return reply
  const method = request.headers.get('access-control-request-method') ?? request.method
  try {
    const headers = await findRule(backend, request.bucket, { origin, method, headers: [] })
    return headers === undefined ? reply : { ...reply, headers: { ...reply.headers, ...headers } }
  } catch (error) {
    log.error({ err: error }, 'the CORS rules of the bucket cannot be read, the page gets no access')
    return reply
  }
}

async function findRule(
  backend: Backend,
  bucket: string,
  question: CorsQuestion,
): Promise<Record<string, string> | undefined> {
  try {
    const stored = await backend.getBucketSetting(bucket, corsSetting)
    const rule = stored === undefined ? undefined : matchingRule(fromStoredCors(stored), question)
    return rule && corsHeaders(rule, question)
  } catch (error) {
    // A bucket that is not there allows nothing; the request itself is answered as it deserves.
    if (error instanceof BackendError && error.code === 'no-such-bucket') return undefined
    throw error
  }
}

/** Each once. Errors: BadRequest. */
function requestedHeaders(headers: S3Request['headers']): string[] {
  const text = headers.get('access-control-request-headers') ?? ''
  const names = new Set(text.split(',').map((name) => name.trim().toLowerCase()))
  names.delete('')
  if (names.size > requestedHeadersMax) {
    throw new S3Error(
      'BadRequest',
      `Access-Control-Request-Headers has more than ${requestedHeadersMax} names`,
    )
  }
  return [...names]
}
