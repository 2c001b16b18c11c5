import type { ObjectRecord, WriteCondition } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { S3Request } from '../operation.ts'
import { parseDecimal } from '../text.ts'

/** Conditional requests: RFC 9110 §13, with the precedence of the Amazon S3 API reference (GetObject, CopyObject). */

type Conditioned = Pick<ObjectRecord, 'etag' | 'modifiedAtMs'>

/** `not-modified` asks for a 304. Errors: PreconditionFailed. */
export function checkReadConditions(
  request: S3Request,
  record: Conditioned,
  {
    prefix = '',
    storeEtag = record.etag,
  }: {
    /** The second for a copy's source. */
    readonly prefix?: '' | 'x-amz-copy-source-'
    /** Names the same state of the object to whoever has seen it in a list. */
    readonly storeEtag?: string | undefined
  } = {},
): 'proceed' | 'not-modified' {
  const header = (name: string) => request.headers.get(`${prefix}${name}`)
  const modifiedAt = Math.floor(record.modifiedAtMs / 1000)
  const ifMatch = header('if-match')
  const ifUnmodifiedSince = parseHttpDate(header('if-unmodified-since'))
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, record.etag) && !matches(ifMatch, storeEtag)) throw failed('If-Match', prefix)
  } else if (ifUnmodifiedSince !== undefined && modifiedAt > ifUnmodifiedSince) {
    throw failed('If-Unmodified-Since', prefix)
  }
  const ifNoneMatch = header('if-none-match')
  const ifModifiedSince = parseHttpDate(header('if-modified-since'))
  const unchanged =
    ifNoneMatch !== undefined
      ? matches(ifNoneMatch, record.etag)
      : ifModifiedSince !== undefined && modifiedAt <= ifModifiedSince
  if (!unchanged) return 'proceed'
  if (prefix !== '') {
    throw failed(ifNoneMatch !== undefined ? 'If-None-Match' : 'If-Modified-Since', prefix)
  }
  return 'not-modified'
}

/** Whether a Range header counts: not when If-Range names another state of the object (RFC 9110 §13.1.5). */
export function isRangeWanted({ headers }: S3Request, record: Conditioned): boolean {
  const header = headers.get('if-range')?.trim()
  if (header === undefined) return true
  if (header.startsWith('"')) return header === `"${record.etag}"`
  return parseHttpDate(header) === Math.floor(record.modifiedAtMs / 1000)
}

/** The condition of a write, for the backend to evaluate in the same step. Errors: InvalidArgument. */
export function parseWriteCondition({ headers }: S3Request): WriteCondition | undefined {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new S3Error('InvalidArgument', 'If-Match and If-None-Match cannot be combined on a write')
  }
  return {
    ...(ifMatch !== undefined && { ifMatch: unquote(ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: unquote(ifNoneMatch) }),
  }
}

/** The condition of a delete (S3 API reference, DeleteObject). Errors: InvalidArgument. */
export function parseDeleteCondition({ headers }: S3Request): WriteCondition | undefined {
  return deleteCondition({
    etag: headers.get('if-match'),
    size: headers.get('x-amz-if-match-size'),
    modifiedAt: headers.get('x-amz-if-match-last-modified-time'),
  })
}

/** Of a delete by headers, or of one object of DeleteObjects. Errors: InvalidArgument. */
export function deleteCondition({
  etag,
  size,
  modifiedAt,
}: {
  readonly etag: string | undefined
  readonly size: string | undefined
  readonly modifiedAt: string | undefined
}): WriteCondition | undefined {
  if (etag === undefined && size === undefined && modifiedAt === undefined) return undefined
  const ifSize = size === undefined ? undefined : parseDecimal(size.trim())
  const ifModifiedAt = parseHttpDate(modifiedAt?.trim())
  if (
    (size !== undefined && ifSize === undefined) ||
    (modifiedAt !== undefined && ifModifiedAt === undefined)
  ) {
    throw new S3Error('InvalidArgument', 'The condition of the delete is not a size or a date')
  }
  return {
    ...(etag !== undefined && { ifMatch: unquote(etag) }),
    ...(ifSize !== undefined && { ifSize }),
    ...(ifModifiedAt !== undefined && { ifModifiedAt }),
  }
}

/** Refuses, before its body is read, a write whose condition fails already. The backend decides in the end. */
export function checkWriteCondition(
  condition: WriteCondition | undefined,
  record: Conditioned | undefined,
): void {
  const { ifNoneMatch } = condition ?? {}
  if (ifNoneMatch !== undefined && record !== undefined && matches(ifNoneMatch, record.etag)) {
    throw failed('If-None-Match', '')
  }
  if (condition?.ifMatch === undefined) return
  if (record === undefined) throw new S3Error('NoSuchKey')
  if (!matches(condition.ifMatch, record.etag)) throw failed('If-Match', '')
}

/** An ETag as a header or document gives it, without its quotes. */
export function unquote(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
}

function matches(header: string, etag: string): boolean {
  return header
    .split(',')
    .map(unquote)
    .some((candidate) => candidate === '*' || candidate === etag)
}

/** Seconds since 1970; a date that cannot be read is no condition (RFC 9110 §13.1.3). */
function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const timeMs = Date.parse(text)
  return Number.isNaN(timeMs) ? undefined : Math.floor(timeMs / 1000)
}

function failed(condition: string, prefix: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { elements: { Condition: `${prefix}${condition}` } })
}
