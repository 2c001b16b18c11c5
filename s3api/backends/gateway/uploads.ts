import { randomBytes } from 'node:crypto'
import { storedBatchSize } from '../../../engine/index.ts'
import { document, element } from '../../http/xml-writer.ts'
import {
  type AskedEncryption,
  type Backend,
  BackendError,
  type PartRecord,
  type StagePlan,
  type UploadRecord,
  type WrittenBytes,
  type WrittenVersion,
} from '../backend.ts'
import type { GatewayConfig } from './config.ts'
import { creationHeaders, customerHeaders } from './double-encryption.ts'
import { toNativeHeaders, unquoted } from './native-headers.ts'
import type { PlacedPart } from './part-names.ts'
import { StagedUpload } from './staging.ts'
import type { StoreAcls } from './store-acls.ts'
import { encodeArea, encodeMarker, encodeRecord } from './stored-record.ts'
import type { SystemBucket } from './system-records.ts'
import type { UploadStore } from './upload-store.ts'
import { Uploading } from './uploading.ts'
import type { Upstream, UpstreamAnswer } from './upstream.ts'
import { asBackend, parseError, requestIdOf, UpstreamError } from './upstream-error.ts'
import { type ObjectWriter, toWritten } from './writing.ts'
import { readAnswer, XmlEntry } from './xml-list.ts'

/** Of every part but the last; of the store's part numbers the last (S3 user guide, "multipart upload limits"). */
const partSizeMin = 5 * 1024 ** 2
const partNumberMax = 10_000
const answerSizeMax = 256 * 1024
/** A list of 1,000 parts. */
const partsSizeMax = 2 * 1024 * 1024
const parkedIdSize = 12
/** How often a completion is tried that another one of the same upload disturbs. */
const completionsMax = 3

type UploadName = Pick<UploadRecord, 'bucket' | 'key' | 'uploadId'>
type Completion = Parameters<Backend['completeUpload']>[1]

/**
 * Multipart uploads. Parts of an encrypted one go to the store's own upload as they come; but the record has to follow the last
 * part, so that a part which could not be followed (too small, or with the last number there is) is parked in the system bucket
 * until the end, and sent together with the record.
 */
export class Uploads {
  readonly #upstream: Upstream
  readonly #double: GatewayConfig['double']
  readonly #system: SystemBucket
  readonly #store: UploadStore
  readonly #acls: StoreAcls
  readonly #writer: ObjectWriter

  constructor(parts: {
    readonly upstream: Upstream
    readonly double: GatewayConfig['double']
    readonly system: SystemBucket
    readonly store: UploadStore
    readonly acls: StoreAcls
    readonly writer: ObjectWriter
  }) {
    this.#upstream = parts.upstream
    this.#double = parts.double
    this.#system = parts.system
    this.#store = parts.store
    this.#acls = parts.acls
    this.#writer = parts.writer
  }

  async create(upload: Omit<UploadRecord, 'uploadId'>, asked: AskedEncryption | undefined): Promise<string> {
    const { bucket, key, envelope, attributes } = upload
    return asBackend(async () => {
      const { bytes } = await this.#upstream.fetch(
        {
          method: 'POST',
          bucket,
          key,
          query: { uploads: '' },
          headers: {
            ...toNativeHeaders(upload, envelope === undefined ? undefined : encodeMarker(), attributes),
            ...(await this.#acls.creationHeaders({ bucket, owner: upload.owner }, attributes)),
            ...creationHeaders(this.#double, asked, upload),
          },
          repeatable: true,
        },
        answerSizeMax,
      )
      const answer = new XmlEntry(readAnswer(bytes, 'InitiateMultipartUploadResult'))
      const uploadId = answer.text('UploadId')
      await this.#store.add({ ...upload, uploadId })
      return uploadId
    }, 'no-such-bucket')
  }

  /** Begins the request that takes a part's bytes. */
  async stage(plan: StagePlan & { readonly becomes: { readonly kind: 'part' } }): Promise<StagedUpload> {
    const { upload, number } = plan.becomes
    if (isParked(upload, number, plan.storedSize)) {
      const parkedAs = randomBytes(parkedIdSize).toString('hex')
      const key = this.#store.parkedKey(upload, number, parkedAs)
      const request = { method: 'PUT', bucket: this.#system.name, key } as const
      return StagedUpload.begin(this.#upstream, request, { plan, trailerSize: 0, place: { parkedAs } })
    }
    return StagedUpload.begin(this.#upstream, this.#partRequest(upload, number, plan.asked), {
      plan,
      trailerSize: 0,
      place: 'upload',
    })
  }

  async putPart(
    upload: UploadRecord,
    part: PartRecord,
    data: WrittenBytes,
    asked: AskedEncryption | undefined,
  ): Promise<void> {
    const placed = await asBackend(() => this.#place(upload, part, data, asked), 'no-such-upload')
    await this.#store.addPart(upload, { part, ...placed })
    if ('etag' in placed.place || (await this.#store.find(upload)) !== undefined) return
    // The system bucket does not know that the upload has ended meanwhile.
    await this.#store.forget(upload)
    throw new BackendError('no-such-upload', 'there is no such upload')
  }

  async complete(upload: UploadRecord, completion: Completion): Promise<WrittenVersion> {
    for (let attempt = 1; ; attempt++) {
      try {
        const written = await this.#complete(upload, completion)
        await this.#store.forget(upload)
        return written
      } catch (error) {
        if (!(error instanceof BackendError)) throw error
        const missing = error.code === 'invalid-part' || error.code === 'no-such-key'
        // Another completion of the same upload may have come between: it has ended the upload, or is about to.
        if (missing && (await this.#store.find(upload)) === undefined) {
          throw new BackendError('no-such-upload', 'the upload has ended', { cause: error })
        }
        const contested = error.code === 'invalid-part' && error.cause !== undefined
        if (!contested || attempt === completionsMax) return this.#ended(upload, error)
      }
    }
  }

  async #complete(upload: UploadRecord, completion: Completion): Promise<WrittenVersion> {
    const { bucket, key } = upload
    const { condition, asked } = completion
    const placed = await this.#chosen(upload, completion.parts)
    const conditions = await this.#writer.conditionHeaders(upload, condition, asked?.customerKey)
    return asBackend(async () => {
      const tags = await this.#finalParts(upload, placed, completion)
      const answer = await this.#upstream.fetch(
        {
          method: 'POST',
          bucket,
          key,
          query: { uploadId: upload.uploadId },
          headers: { ...conditions, ...customerHeaders(this.#double, asked?.customerKey, upload) },
          body: Buffer.from(completionDocument(tags), 'utf8'),
          repeatable: false,
        },
        answerSizeMax,
      )
      requireCompleted(answer)
      return toWritten(answer)
    }, 'no-such-upload')
  }

  async abort({ bucket, key, uploadId }: UploadName): Promise<void> {
    await asBackend(async () => {
      const request = { bucket, key, query: { uploadId }, repeatable: true }
      // Some stores say of any id that its upload has ended.
      const known = await this.#store.find({ bucket, key, uploadId })
      if (known === undefined) await this.#upstream.fetch({ ...request, method: 'GET' }, partsSizeMax)
      await this.#upstream.fetch({ ...request, method: 'DELETE' }, answerSizeMax)
    }, 'no-such-upload').catch((error: unknown) => this.#ended({ bucket, key, uploadId }, error))
    await this.#store.forget({ bucket, key, uploadId })
  }

  /** Of an upload that the store does not have any more no trace is to stay. */
  async #ended(upload: UploadName, error: unknown): Promise<never> {
    if (error instanceof BackendError && error.code === 'no-such-upload') await this.#store.forget(upload)
    throw error
  }

  async #place(
    upload: UploadRecord,
    { number }: PartRecord,
    data: WrittenBytes,
    asked: AskedEncryption | undefined,
  ): Promise<Omit<PlacedPart, 'part'>> {
    if (data.kind === 'staged') {
      const { staged } = data
      if (!(staged instanceof StagedUpload)) throw new Error('the data was staged elsewhere')
      const answer = await staged.finish(new Uint8Array(0))
      await answer.body.drain()
      const { place, storedSize } = staged
      return {
        storedSize,
        place: typeof place === 'object' ? place : { etag: unquoted(answer.headers.etag) },
      }
    }
    const { bytes } = data
    const storedSize = bytes.length
    if (isParked(upload, number, storedSize)) {
      const parkedAs = randomBytes(parkedIdSize).toString('hex')
      await this.#system.put(this.#store.parkedKey(upload, number, parkedAs), bytes)
      return { storedSize, place: { parkedAs } }
    }
    return { storedSize, place: { etag: await this.#sendPart(upload, number, bytes, asked) } }
  }

  /** The parts as the store knows them, with the record behind the last. */
  async #finalParts(
    upload: UploadRecord,
    placed: readonly PlacedPart[],
    { record, asked }: Completion,
  ): Promise<readonly PartTag[]> {
    const tags = placed.flatMap(({ part: { number }, place }) =>
      'etag' in place ? [{ number, etag: place.etag }] : [],
    )
    const parked = placed.filter(({ place }) => 'parkedAs' in place)
    const last = placed.at(-1)
    if (upload.envelope === undefined) return tags
    if (last === undefined || parked.some((part) => part !== last)) {
      throw new BackendError('invalid-part', 'a part that is not the last is too small')
    }
    const area = encodeArea(encodeRecord({ ...upload, record }))
    if ('parkedAs' in last.place) {
      const { number } = last.part
      const etag = await this.#sendParked(upload, { ...last, place: last.place }, { area, asked })
      return [...tags, { number, etag }]
    }
    const number = last.part.number + 1
    return [...tags, { number, etag: await this.#sendPart(upload, number, area, asked) }]
  }

  async #sendPart(
    upload: UploadRecord,
    number: number,
    body: Uint8Array,
    asked: AskedEncryption | undefined,
  ): Promise<string> {
    const request = this.#partRequest(upload, number, asked)
    const { headers } = await this.#upstream.fetch({ ...request, body, repeatable: true }, answerSizeMax)
    return unquoted(headers.etag)
  }

  /** A parked part, from the system bucket into the upload, with the area behind it. */
  async #sendParked(
    upload: UploadRecord,
    { part, storedSize, place }: PlacedPart & { readonly place: { readonly parkedAs: string } },
    { area, asked }: { readonly area: Uint8Array; readonly asked: AskedEncryption | undefined },
  ): Promise<string> {
    const request = this.#partRequest(upload, part.number, asked)
    const batchSize = storedBatchSize({ encrypted: true })
    const sizes = { storedSize, trailerSize: area.length, batchSize }
    const key = this.#store.parkedKey(upload, part.number, place.parkedAs)
    const source = storedSize === 0 ? undefined : await this.#system.open(key)
    const uploading = await Uploading.begin(this.#upstream, request, sizes)
    try {
      if (source !== undefined) await uploading.writeAll(source.pieces(), batchSize)
      const answer = await uploading.end(area)
      await answer.body.drain()
      return unquoted(answer.headers.etag)
    } finally {
      await uploading.abort()
      source?.cancel()
    }
  }

  #partRequest({ bucket, key, uploadId }: UploadRecord, number: number, asked: AskedEncryption | undefined) {
    return {
      method: 'PUT',
      bucket,
      key,
      query: { partNumber: String(number), uploadId },
      headers: customerHeaders(this.#double, asked?.customerKey, { bucket, key }),
    } as const
  }

  /** Errors: invalid-part. */
  async #chosen(upload: UploadRecord, parts: readonly PartRecord[]): Promise<readonly PlacedPart[]> {
    const known = await this.#store.parts(upload, { after: 0, limit: partNumberMax })
    const byNumber = new Map(known.map((placed) => [placed.part.number, placed]))
    return parts.map(({ number, generation }) => {
      const placed = byNumber.get(number)
      if (placed?.part.generation === generation) return placed
      throw new BackendError('invalid-part', `part ${number} is not the one that was named`)
    })
  }
}

interface PartTag {
  readonly number: number
  readonly etag: string
}

function isParked({ envelope }: UploadRecord, number: number, storedSize: number): boolean {
  return envelope !== undefined && (storedSize < partSizeMin || number === partNumberMax)
}

export function completionDocument(tags: readonly PartTag[]): string {
  const parts = tags.map(({ number, etag }) =>
    element('Part', [element('PartNumber', String(number)), element('ETag', `"${etag}"`)]),
  )
  return document(element('CompleteMultipartUpload', parts))
}

/** A completion that fails late is an error document with status 200 (S3 API reference, CompleteMultipartUpload). */
export function requireCompleted({
  status,
  headers,
  bytes,
}: UpstreamAnswer & { readonly bytes: Uint8Array }): void {
  const error = parseError(bytes)
  if (error === undefined) return
  throw new UpstreamError({
    status: status === 200 ? 500 : status,
    ...error,
    storeRequestId: requestIdOf(headers),
    headers,
  })
}
