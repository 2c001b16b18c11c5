import { errors } from 'undici'
import { messageOf } from '../../errors.ts'
import { BackendError } from '../backend.ts'
import type { UpstreamAnswer, UpstreamRequest } from './upstream.ts'
import { isRefusal, UpstreamError } from './upstream-error.ts'

/** What becomes of a request to the store that has failed. */

/** Whether it may be sent again. */
export function isRepeatable(request: UpstreamRequest, error: unknown): boolean {
  if (error instanceof UpstreamError) {
    if (error.status === 503 || error.status === 429) return true
    if (error.code === 'ConditionalRequestConflict') return true
    return request.repeatable && error.status >= 500 && error.status !== 501
  }
  if (error instanceof BackendError) return request.repeatable && error.code !== 'busy'
  return request.repeatable || neverSent(error)
}

/**
 * A 403 of a HEAD does not say whether it is for us or for the bucket: a GET, which `ask` sends, does, and says so of our
 * credentials first. Nor does a 400 of a bucket's HEAD say whether there can be no such bucket.
 */
export async function explained(
  { method, bucket, key }: UpstreamRequest,
  error: unknown,
  ask: (question: UpstreamRequest) => Promise<UpstreamAnswer>,
): Promise<unknown> {
  if (method !== 'HEAD' || !(error instanceof UpstreamError)) return error
  const asksForBucket = error.status === 400 && key === undefined && error.region === undefined
  if (error.status !== 403 && !asksForBucket) return error
  const named = bucket !== undefined && { bucket, query: { location: '' } }
  return ask({ method: 'GET', ...named, repeatable: true }).then(
    ({ body }) => {
      body.cancel()
      return error
    },
    (told: unknown) => (told instanceof UpstreamError && (asksForBucket || isRefusal(told)) ? told : error),
  )
}

/** As whoever has asked for it is told. */
export function toThrown(error: unknown): unknown {
  if (error instanceof UpstreamError || error instanceof BackendError) return error
  return new BackendError('unavailable', `the store cannot be reached: ${messageOf(error)}`, {
    cause: error,
  })
}

/** Whose body is gone; but whoever sends it again finds the region. */
export function elsewhere(error: unknown): BackendError {
  return new BackendError('unavailable', 'the bucket is in another region: it is known now', { cause: error })
}

/** The same of a body that is sent without its checksum from now on. */
export function withoutTrailers(error: unknown): BackendError {
  return new BackendError('unavailable', 'the store takes no checksums behind bodies: it is known now', {
    cause: error,
  })
}

function neverSent(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}
