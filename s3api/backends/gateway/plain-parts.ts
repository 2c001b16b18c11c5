import type { StoredPart } from '../backend.ts'
import type { Found } from './lookup.ts'
import { parseContentRange } from './native-headers.ts'
import type { Upstream } from './upstream.ts'
import { toBackendError, UpstreamError } from './upstream-error.ts'

/**
 * One part of an object that the store alone knows the parts of: how large each is it tells of one at a time. Undefined: there
 * is no such part, or the store does not say. Errors: those of Backend.getObject.
 */
export async function plainPart(
  upstream: Upstream,
  { bucket, key, versionId, etag, access }: Found,
  { number, signal }: { readonly number: number; readonly signal: AbortSignal | undefined },
): Promise<StoredPart | undefined> {
  const query = { partNumber: String(number), ...(versionId !== undefined && { versionId }) }
  const request = { method: 'HEAD', bucket, key, query, signal, repeatable: true } as const
  try {
    const { headers } = await upstream.fetch(
      { ...request, headers: { ...access, 'if-match': `"${etag}"` } },
      0,
    )
    const range = parseContentRange(headers)
    const count = Number(headers['x-amz-mp-parts-count'] ?? Number.NaN)
    if (range === undefined || !Number.isSafeInteger(count)) return undefined
    return { number, offset: range.first, size: range.last - range.first + 1, count }
  } catch (error) {
    if (error instanceof UpstreamError && unknown.has(error.status)) return undefined
    throw toBackendError(error)
  }
}

/** Statuses of stores that have no such part, or know of none. */
const unknown: ReadonlySet<number> = new Set([400, 416, 501])

/** Whether the ETag has the form that objects of several parts have. */
export function hasParts({ etag }: Pick<Found, 'etag'>): boolean {
  return /-\d+$/.test(etag)
}
