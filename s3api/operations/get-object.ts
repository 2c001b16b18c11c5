import type { Checksum, ObjectPart, ObjectRecord, StoredObject } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { Operation, Reply, RequestContext, S3Request } from '../operation.ts'
import { customerKeyOf, encryptionHeaders } from '../sse/decision.ts'
import { refuseEncryptionHeaders } from '../sse/headers.ts'
import type { OpenedObject } from '../sse/records.ts'
import { isHeaderValue, parseDecimal } from '../text.ts'
import { checkReadConditions, isRangeWanted } from './conditions.ts'
import { checksumHeaders } from './digests.ts'
import { openObject, readObject } from './object-data.ts'
import { toResponseHeaders } from './object-headers.ts'
import { lockHeaders } from './object-lock.ts'
import { type ByteRange, parseRange } from './range.ts'
import { parsePartNumber, partNumberMax } from './uploads.ts'
import { objectNameOf, versionHeaders } from './version-parameter.ts'

/** Query names that set a response header (S3 API reference, GetObject), by the header they set. */
const responseOverrides = {
  'response-cache-control': 'Cache-Control',
  'response-content-disposition': 'Content-Disposition',
  'response-content-encoding': 'Content-Encoding',
  'response-content-language': 'Content-Language',
  'response-content-type': 'Content-Type',
  'response-expires': 'Expires',
} as const

interface Plan {
  readonly status: 200 | 206 | 304
  readonly headers: Record<string, string>
  /** Undefined: no body (304). */
  readonly range: ByteRange | undefined
}

const getWhole = { action: 's3:GetObject', method: 'GET', scope: 'object', versions: true } as const
const headWhole = { action: 's3:GetObject', method: 'HEAD', scope: 'object', versions: true } as const

export const getObject: Operation = { name: 'GetObject', ...getWhole, handle: get }
export const getObjectPart: Operation = {
  name: 'GetObject',
  ...getWhole,
  query: ['partNumber'],
  handle: get,
}
export const headObject: Operation = { name: 'HeadObject', ...headWhole, handle: head }
export const headObjectPart: Operation = {
  name: 'HeadObject',
  ...headWhole,
  query: ['partNumber'],
  handle: head,
}

async function get(context: RequestContext): Promise<Reply> {
  const { request } = context
  refuseEncryptionHeaders(request.headers)
  const customerKey = customerKeyOf(context)
  const { plan, data } = await tellingParts(context, () =>
    readObject(
      context,
      objectNameOf(request),
      customerKey,
      (opened) => planRead(context, opened),
      wantedPart(request),
    ),
  )
  const { status, headers, range } = plan
  if (range === undefined) return { status, headers }
  return { status, headers, body: data instanceof Uint8Array ? data : { size: range.size, batches: data } }
}

async function head(context: RequestContext): Promise<Reply> {
  refuseEncryptionHeaders(context.request.headers)
  const customerKey = customerKeyOf(context)
  const opened = await tellingParts(context, () =>
    openObject(context, objectNameOf(context.request), customerKey, wantedPart(context.request)),
  )
  opened.encryption?.objectKey.fill(0)
  const { status, headers, range } = planRead(context, opened)
  if (range === undefined) return { status, headers }
  return { status, headers: { ...headers, 'Content-Length': String(range.size) } }
}

/** Does the work; that a part is not there is told also to those who came without the key that reads it. */
async function tellingParts<Result>(
  { services, request }: RequestContext,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof S3Error && error.code === 'InvalidRequest' && request.query.has('partNumber')) {
      const { bucket, key, versionId } = objectNameOf(request)
      const { record } = await services.backend.getObject(bucket, key, versionId)
      selectedPart(request, { record })
    }
    throw error
  }
}

/** What a read answers, all but the data. */
function planRead(context: RequestContext, { stored, record, encryption }: OpenedObject): Plan {
  const { request } = context
  const { attributes, storeEtag } = stored
  const shared = {
    ETag: `"${record.etag}"`,
    'Last-Modified': new Date(record.modifiedAtMs).toUTCString(),
    'Accept-Ranges': 'bytes',
    ...toResponseHeaders(record),
    ...versionHeaders(stored),
    ...lockHeaders(attributes),
    ...(attributes.tags !== undefined && { 'x-amz-tagging-count': String(attributes.tags.length) }),
    ...encryptionHeaders(encryption?.envelope, customerKeyOf(context)),
  }
  if (checkReadConditions(request, record, { storeEtag }) === 'not-modified') {
    return { status: 304, headers: shared, range: undefined }
  }
  const part = selectedPart(request, stored)
  const wanted = isRangeWanted(request, record) ? request.headers.get('range') : undefined
  const range = part?.range ?? parseRange(wanted, record.size)
  const headers = {
    ...shared,
    ...overrides(context),
    ...(part?.count !== undefined && { 'x-amz-mp-parts-count': String(part.count) }),
    ...(wantsChecksum(request) && checksumHeaders(shownChecksum(record, { part, range }))),
  }
  if (range === undefined) return { status: 200, headers, range: { offset: 0, size: record.size } }
  // An empty part has no first and last byte to name.
  if (range.size === 0) return { status: 200, headers, range }
  const last = range.offset + range.size - 1
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${range.offset}-${last}/${record.size}` },
    range,
  }
}

/** That of the whole object, or of the part that is read; of any other range nobody knows one. */
function shownChecksum(
  record: ObjectRecord,
  { part, range }: { readonly part: ReturnType<typeof selectedPart>; readonly range: ByteRange | undefined },
): Checksum | undefined {
  const { checksum } = record
  if (range === undefined || checksum === undefined || (part !== undefined && record.parts === undefined)) {
    return checksum
  }
  // A part's is shown with the object's type, which tells what to do with it.
  const value = part?.part.checksum?.value
  return value === undefined ? undefined : { ...checksum, value }
}

/** What a look-up is told of `partNumber`; that it is none is said of an object that is there. */
function wantedPart({ query }: S3Request): { readonly partNumber?: number } {
  const number = parseDecimal(query.get('partNumber') ?? '')
  return number === undefined || number < 1 || number > partNumberMax ? {} : { partNumber: number }
}

/** The part that `partNumber` names. Errors: InvalidArgument, InvalidRequest, InvalidPart. */
function selectedPart(
  request: S3Request,
  { record, part: known }: Pick<StoredObject, 'record' | 'part'>,
): { readonly part: ObjectPart; readonly range: ByteRange; readonly count: number | undefined } | undefined {
  if (!request.query.has('partNumber')) return undefined
  if (request.headers.has('range')) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
  }
  const number = parsePartNumber(request)
  if (known !== undefined) {
    const { offset, size, count } = known
    return { part: { number, size }, range: { offset, size }, count }
  }
  const parts = record.parts ?? [{ number: 1, size: record.size }]
  const index = parts.findIndex((part) => part.number === number)
  const part = parts[index]
  if (part === undefined) throw new S3Error('InvalidPart', 'The requested partnumber is not satisfiable')
  const offset = parts.slice(0, index).reduce((sum, { size }) => sum + size, 0)
  return { part, range: { offset, size: part.size }, count: record.parts?.length }
}

function wantsChecksum({ headers }: S3Request): boolean {
  return headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
}

/** Whoever may read an object may not have it shown to others as something else: only a signer chooses. Errors: InvalidArgument, InvalidRequest. */
function overrides({ request: { query }, user }: RequestContext): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, header] of Object.entries(responseOverrides)) {
    const value = query.get(name)
    if (value === undefined) continue
    if (user === undefined) {
      throw new S3Error(
        'InvalidRequest',
        'Request specific response headers cannot be used for anonymous GET requests.',
      )
    }
    if (!isHeaderValue(value)) throw new S3Error('InvalidArgument', `${name} is not a header value`)
    if (value !== '') headers[header] = value
  }
  return headers
}
