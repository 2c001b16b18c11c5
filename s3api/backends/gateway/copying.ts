import { type Backend, BackendError, type StoredObject, type WrittenVersion } from '../backend.ts'
import { completionDocument, readResult } from './completion.ts'
import type { GatewayConfig } from './config.ts'
import { copySourcePrefix, creationHeaders, customerHeaders } from './double-encryption.ts'
import { generationOf } from './generation.ts'
import type { LookedUp } from './lookup.ts'
import { isLocked, toNativeHeaders, unquoted } from './native-headers.ts'
import { openRanges } from './reading.ts'
import { encodeKey } from './signer.ts'
import type { StoreAcls } from './store-acls.ts'
import { answerSizeMax, partSizeMin } from './store-limits.ts'
import { encodeArea, encodeMarker, encodeRecord } from './stored-record.ts'
import type { Upstream, UpstreamAnswer } from './upstream.ts'
import { parseError, toBackendError, UpstreamError } from './upstream-error.ts'
import { type ObjectWriter, toWritten } from './writing.ts'
import { readAnswer, XmlEntry } from './xml-list.ts'

export interface CopyLimits {
  /** Bytes that CopyObject takes. */
  readonly copySizeMax: number
  /** Bytes of a part that is copied. */
  readonly pieceSize: number
}

/** S3's own; parts of an eighth of what it takes, so that a single one is soon done again. */
const s3Limits: CopyLimits = { copySizeMax: 5 * 1024 ** 3, pieceSize: 1024 ** 3 }

type Put = Parameters<Backend['putObject']>[0]

/**
 * Makes an object of another's stored bytes, inside of the store. The new record goes into the marker where it fits; else the
 * bytes become the parts of a new object, with the record as the last one; and what is too small for that, and too large for
 * the marker, is sent anew as it is stored.
 */
export class ObjectCopier {
  readonly #upstream: Upstream
  readonly #double: GatewayConfig['double']
  readonly #acls: StoreAcls
  readonly #writer: ObjectWriter
  readonly #limits: CopyLimits

  constructor(parts: {
    readonly upstream: Upstream
    readonly double: GatewayConfig['double']
    readonly acls: StoreAcls
    readonly writer: ObjectWriter
    readonly limits?: CopyLimits | undefined
  }) {
    this.#upstream = parts.upstream
    this.#double = parts.double
    this.#acls = parts.acls
    this.#writer = parts.writer
    this.#limits = parts.limits ?? s3Limits
  }

  /** Errors: those of Backend.putObject. */
  async copy(put: Put, source: StoredObject): Promise<WrittenVersion> {
    const from = generationOf(source)
    try {
      return await this.#copy(put, from)
    } catch (error) {
      if (error instanceof UpstreamError && isReplaced(error, put)) {
        throw new BackendError('replaced', 'the source of the copy was replaced', { cause: error })
      }
      throw toBackendError(error, 'no-such-bucket')
    }
  }

  async #copy(put: Put, from: LookedUp): Promise<WrittenVersion> {
    const { bucket, key, record } = put
    const encrypted = record.envelope !== undefined
    const marker = encrypted ? encodeMarker({ bucket, key, record }) : undefined
    if (from.size <= this.#limits.copySizeMax && (!encrypted || marker !== undefined))
      return this.#copyWhole(put, from, marker)
    if (!encrypted || from.dataSize >= partSizeMin) return this.#copyParts(put, from)
    return this.#sendAgain(put, from)
  }

  async #copyWhole(put: Put, from: LookedUp, marker: string | undefined): Promise<WrittenVersion> {
    const { bucket, key, record, attributes, asked, signal } = put
    const answer = await this.#upstream.fetch(
      {
        method: 'PUT',
        bucket,
        key,
        headers: {
          ...toNativeHeaders(record, marker, attributes),
          ...(record.storageClass === 'STANDARD' && { 'x-amz-storage-class': 'STANDARD' }),
          'x-amz-metadata-directive': 'REPLACE',
          ...(attributes !== undefined && { 'x-amz-tagging-directive': 'REPLACE' }),
          ...this.#sourceHeaders(from),
          ...(await this.#acls.creationHeaders({ bucket, owner: record.owner }, attributes)),
          ...creationHeaders(this.#double, asked, put),
          ...(await this.#writer.conditionHeaders(put, put.condition, put.asked?.customerKey)),
        },
        signal,
        repeatable: put.condition === undefined,
      },
      answerSizeMax,
    )
    readResult(answer, 'CopyObjectResult')
    return toWritten(answer)
  }

  async #copyParts(put: Put, from: LookedUp): Promise<WrittenVersion> {
    const { bucket, key, record, attributes, asked } = put
    const encrypted = record.envelope !== undefined
    const customer = customerHeaders(this.#double, asked?.customerKey, put)
    const created = await this.#upstream.fetch(
      {
        method: 'POST',
        bucket,
        key,
        query: { uploads: '' },
        headers: {
          ...toNativeHeaders(record, encrypted ? encodeMarker() : undefined, attributes),
          ...(await this.#acls.creationHeaders({ bucket, owner: record.owner }, attributes)),
          ...creationHeaders(this.#double, asked, put),
        },
        repeatable: true,
      },
      answerSizeMax,
    )
    const uploadId = new XmlEntry(readAnswer(created.bytes, 'InitiateMultipartUploadResult')).text('UploadId')
    const request = (number: number) => ({
      method: 'PUT' as const,
      bucket,
      key,
      query: { partNumber: String(number), uploadId },
      signal: put.signal,
      repeatable: true,
    })
    try {
      const tags: { readonly number: number; readonly etag: string }[] = []
      for (const { start, end } of piecesOf(from.dataSize, this.#limits.pieceSize)) {
        const number = tags.length + 1
        const answer = await this.#upstream.fetch(
          {
            ...request(number),
            headers: {
              ...customer,
              ...this.#sourceHeaders(from),
              'x-amz-copy-source-range': `bytes=${start}-${end - 1}`,
            },
          },
          answerSizeMax,
        )
        const result = readResult(answer, 'CopyPartResult')
        tags.push({ number, etag: unquoted(result.text('ETag')) })
      }
      if (encrypted) {
        const number = tags.length + 1
        const body = encodeArea(encodeRecord({ bucket, key, record }))
        const { headers } = await this.#upstream.fetch(
          { ...request(number), headers: customer, body, md5: isLocked(attributes) },
          answerSizeMax,
        )
        tags.push({ number, etag: unquoted(headers.etag) })
      }
      const answer = await this.#completeCopy(put, { uploadId, tags, customer })
      return toWritten(answer)
    } catch (error) {
      await this.#abort(put, uploadId)
      throw error
    }
  }

  async #completeCopy(
    put: Put,
    {
      uploadId,
      tags,
      customer,
    }: {
      readonly uploadId: string
      readonly tags: readonly { readonly number: number; readonly etag: string }[]
      readonly customer: Readonly<Record<string, string>>
    },
  ): Promise<UpstreamAnswer> {
    const answer = await this.#upstream.fetch(
      {
        method: 'POST',
        bucket: put.bucket,
        key: put.key,
        query: { uploadId },
        headers: {
          ...customer,
          ...(await this.#writer.completionHeaders(put, put.condition, put.asked?.customerKey)),
        },
        body: Buffer.from(completionDocument(tags), 'utf8'),
        repeatable: false,
      },
      answerSizeMax,
    )
    readResult(answer, 'CompleteMultipartUploadResult')
    return answer
  }

  /** What cannot be given up now, the store's own rules for unfinished uploads clear away. */
  async #abort({ bucket, key }: Put, uploadId: string): Promise<void> {
    const query = { uploadId }
    await this.#upstream
      .fetch({ method: 'DELETE', bucket, key, query, repeatable: true }, answerSizeMax)
      .catch(() => {})
  }

  /** The stored bytes go through the gateway, sealed as they are: less than 5 MiB, with a record that is unusually large. */
  async #sendAgain(put: Put, from: LookedUp): Promise<WrittenVersion> {
    const { parts: _parts, ...record } = from.record
    const whole = [{ index: 0, offset: 0, size: from.dataSize }]
    const pieces: Uint8Array[] = []
    for await (const source of openRanges(this.#upstream, { ...from, record }, whole, put.signal)) {
      if (source.kind === 'bytes') pieces.push(source.bytes)
      else if (source.kind === 'stream') for await (const piece of source.pieces) pieces.push(piece)
    }
    return this.#writer.put({ ...put, data: { kind: 'bytes', bytes: Buffer.concat(pieces) } })
  }

  #sourceHeaders(from: LookedUp): Record<string, string> {
    const version = from.versionId === undefined ? '' : `?versionId=${encodeURIComponent(from.versionId)}`
    const { access } = from
    const customer = Object.entries(access).map(([name, value]) => [
      name.replace('x-amz-server-side-encryption-customer-', copySourcePrefix),
      value,
    ])
    return {
      'x-amz-copy-source': `/${from.bucket}/${encodeKey(from.key)}${version}`,
      'x-amz-copy-source-if-match': `"${from.etag}"`,
      ...Object.fromEntries(customer),
    }
  }
}

/** Parts of equal size but the last, none below the least that S3 takes. */
function* piecesOf(size: number, pieceSize: number) {
  for (let start = 0; start < size; ) {
    const rest = size - start
    const end = rest < pieceSize + partSizeMin ? size : start + pieceSize
    yield { start, end }
    start = end
  }
}

/** The source is another one by now, or gone. */
function isReplaced({ status, code, body }: UpstreamError, { condition }: Pick<Put, 'condition'>): boolean {
  // Of a client's condition, which is on the target, the store could say the same.
  if (condition === undefined) return status === 412 || code === 'NoSuchKey' || code === 'NoSuchVersion'
  return status === 412 && /copy-source/i.test(parseError(body)?.condition ?? '')
}
