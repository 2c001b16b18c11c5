import { storedBatchSize } from '../../../engine/index.ts'
import { tagCopyNeeds } from '../../access/needs.ts'
import { S3Error, s3Errors } from '../../errors.ts'
import { element } from '../../http/xml-writer.ts'
import { parseCopySource } from '../../object-name.ts'
import type { Operation, Reply, RequestContext, S3Request } from '../../operation.ts'
import { completeMultipartUpload } from '../../operations/complete-upload.ts'
import { copyObject } from '../../operations/copy-object.ts'
import { operations } from '../../operations/index.ts'
import { listBuckets } from '../../operations/list-buckets.ts'
import { objectLocation } from '../../operations/object-location.ts'
import { formReply, postObject } from '../../operations/post-object.ts'
import { copySourceCustomerKeyOf, customerKeyOf } from '../../sse/decision.ts'
import { BackendError } from '../backend.ts'
import { unquoted } from './native-headers.ts'
import { Uploading } from './uploading.ts'
import type { Upstream, UpstreamAnswer, UpstreamRequest } from './upstream.ts'
import { isRefusal, requestIdOf, UpstreamError } from './upstream-error.ts'

/**
 * Operations of a gateway that encrypts nothing: each request goes to the store as it came, signed anew, and the store's answer
 * comes back. Encryption headers are among what goes through.
 */

/** Of an answer whose size the store does not say: a list of 1,000 keys, each byte of which may be encoded. */
const replySizeMax = 8 * 1024 * 1024
/** Bodies up to this many bytes are sent whole, and again where that is needed. */
const inlineSizeMax = 64 * 1024
/** Bodies of these are data; all others are documents. */
const dataOperations: ReadonlySet<string> = new Set(['PutObject', 'UploadPart'])

/** What is between a client and us only, or between us and the store. */
const hopHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'date',
  'expect',
  'host',
  'keep-alive',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-expected-bucket-owner',
  'x-amz-id-2',
  'x-amz-request-id',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-trailer',
])

export function passThroughOperations(upstream: Upstream, systemBucket: string): readonly Operation[] {
  // Of all buckets the store would show Sealgate's own.
  return operations.map(
    (operation): Operation =>
      operation === listBuckets
        ? operation
        : { ...operation, handle: (context) => forward(context, operation) },
  )

  async function forward(context: RequestContext, operation: Operation): Promise<Reply> {
    const { request } = context
    refuseSystemBucket(request)
    // The rules of keys over plain HTTP hold here too.
    customerKeyOf(context)
    copySourceCustomerKeyOf(context)
    await requireCopiedTags(context, operation)
    try {
      if (operation === postObject) return await sendForm(context)
      const target = toTarget(request)
      const answer = dataOperations.has(operation.name)
        ? await sendData(context, target)
        : await upstream.send({
            ...target,
            ...(await documentOf(context, operation)),
            ...(operation.name === 'GetObject' && { use: 'reading' }),
            // What completes an upload goes on for whoever asks again: only the store knows how far it is.
            ...(operation !== completeMultipartUpload && { signal: context.signal }),
          })
      const reply = await toReply(request, answer)
      return operation === completeMultipartUpload ? located(request, reply) : reply
    } catch (error) {
      if (error instanceof UpstreamError && !isRefusal(error)) return toErrorReply(request, error)
      throw error instanceof UpstreamError
        ? new BackendError('unavailable', error.message, { cause: error })
        : error
    }
  }

  function refuseSystemBucket(request: S3Request): void {
    const source = request.headers.has('x-amz-copy-source') ? parseCopySource(request).bucket : undefined
    if (request.bucket === systemBucket || source === systemBucket) throw new S3Error('NoSuchBucket')
  }

  /** As the PUT that the form stands for: its signature was made with the client's key, and only we can check it. */
  async function sendForm(context: RequestContext): Promise<Reply> {
    const target = toTarget({ ...context.request, method: 'PUT', query: new Map() })
    const { headers, body } = await sendData(context, target)
    await body.drain()
    const { 'content-type': _, etag, ...kept } = toReplyHeaders(headers)
    const reply = formReply(context, { etag: unquoted(etag), headers: { ...kept, ETag: etag ?? '' } })
    return { ...reply, passedOn: { storeRequestIds: [requestIdOf(headers)] } }
  }

  /** Through the engine, which computes what the client wants to have checked while the body goes on. */
  async function sendData(
    { services, body, signal }: RequestContext,
    target: Target,
  ): Promise<UpstreamAnswer> {
    const { size } = body
    if (size === undefined) throw new S3Error('MissingContentLength')
    let uploading: Uploading | undefined
    try {
      const result = await services.pool.write({
        source: body.stream,
        hashes: [...body.hashes],
        inlineSizeMax,
        signal,
        openTarget: async () => {
          const sizes = { storedSize: size, trailerSize: 0, batchSize: storedBatchSize({ encrypted: false }) }
          const opened = await Uploading.begin(upstream, target, sizes, { checksummed: false })
          uploading = opened
          return { hashed: opened.hashed, write: (bytes, sha256) => opened.write(bytes, sha256) }
        },
      })
      body.verify(result.digests)
      if (uploading !== undefined) return await uploading.end(new Uint8Array(0))
      const { bytes = new Uint8Array(0) } = result
      const checksum = body.checksum()
      const headers = {
        ...target.headers,
        ...(checksum && { [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value }),
      }
      return await upstream.send({
        ...target,
        headers,
        body: bytes,
        signal,
        repeatable: isRepeatable(target),
      })
    } finally {
      await uploading?.abort()
    }
  }
}

type Target = Omit<UpstreamRequest, 'body' | 'repeatable'>

function toTarget({ method, bucket, key, query, headers }: S3Request): Target {
  const kept: Record<string, string> = {}
  for (const [name, value] of headers) {
    if (!hopHeaders.has(name) && !name.startsWith('x-forwarded-')) kept[name] = value
  }
  // Not every store takes it for the blank that it was judged as here.
  const source = kept['x-amz-copy-source']
  if (source !== undefined) kept['x-amz-copy-source'] = source.replaceAll('+', '%20')
  const encoding = withoutTransferForm(kept['content-encoding'])
  if (encoding === '') delete kept['content-encoding']
  else kept['content-encoding'] = encoding
  const signing =
    /^(X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token|Content-Sha256)|AWSAccessKeyId|Expires|Signature)$/i
  return {
    // The router has matched it with one of these.
    method: method as Target['method'],
    ...(bucket !== '' && { bucket }),
    ...(key !== '' && { key }),
    query: Object.fromEntries([...query].filter(([name]) => !signing.test(name))),
    headers: kept,
  }
}

function withoutTransferForm(encoding = ''): string {
  return encoding
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== 'aws-chunked')
    .join(',')
}

/** Whether the source has tags is the store's to know: a policy that denies their copying denies the copy. */
async function requireCopiedTags({ request, access }: RequestContext, operation: Operation): Promise<void> {
  if (operation !== copyObject || request.headers.get('x-amz-tagging-directive') === 'REPLACE') return
  for (const need of tagCopyNeeds(request, parseCopySource(request))) {
    await access.require({ ...need, unlessDenied: true })
  }
}

/** The body as it is, when what it names is allowed: all of it, for the store does all or nothing of it. */
async function documentOf({ request, body, access }: RequestContext, { needsOfBody }: Operation) {
  const { method } = request
  const bytes = method === 'GET' || method === 'HEAD' ? undefined : await body.readAll()
  const needs = needsOfBody?.(request, bytes ?? new Uint8Array(0)) ?? []
  for (const need of needs) await access.require(need)
  const target = toTarget(request)
  return { repeatable: isRepeatable(target), ...(bytes !== undefined && bytes.length > 0 && { body: bytes }) }
}

function isRepeatable({ method, headers = {} }: Target): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  return method === 'PUT' && headers['if-none-match'] === undefined && headers['if-match'] === undefined
}

async function toReply(request: S3Request, { status, headers, body }: UpstreamAnswer): Promise<Reply> {
  const kept = toReplyHeaders(headers)
  const reply = { status, headers: kept, passedOn: { storeRequestIds: [requestIdOf(headers)] } }
  if (request.method === 'HEAD') {
    await body.drain()
    const length = headers['content-length']
    return { ...reply, headers: { ...kept, ...(length !== undefined && { 'Content-Length': length }) } }
  }
  const size = Number(request.method === 'GET' ? headers['content-length'] : Number.NaN)
  if (Number.isSafeInteger(size) && size > 0) return { ...reply, body: { size, batches: batchesOf(body) } }
  const bytes = await body.bytes(replySizeMax)
  return { ...reply, ...(bytes.length > 0 && { body: bytes }) }
}

/** With the address of the object that its client has used, in place of ours for it. */
function located(request: S3Request, reply: Reply): Reply {
  if (!(reply.body instanceof Uint8Array)) return reply
  const { markup } = element('Location', objectLocation(request))
  const text = Buffer.from(reply.body).toString('utf8')
  return {
    ...reply,
    body: Buffer.from(
      text.replace(/<Location>[^<]*<\/Location>/, () => markup),
      'utf8',
    ),
  }
}

function toErrorReply({ method }: S3Request, error: UpstreamError): Reply {
  const { status, headers, body, storeRequestId } = error
  const bodyless = method === 'HEAD' || status === 304 || body.length === 0
  const code = error.code in s3Errors ? error.code : `status ${status}`
  return {
    status,
    headers: toReplyHeaders(headers),
    ...(!bodyless && { body }),
    passedOn: { code, storeRequestIds: [storeRequestId] },
  }
}

function toReplyHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopHeaders.has(name)))
}

async function* batchesOf(body: UpstreamAnswer['body']) {
  for await (const data of body.pieces()) yield { data, release() {} }
}
