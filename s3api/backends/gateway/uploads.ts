import {
  type AskedEncryption,
  type Backend,
  BackendError,
  type PartRecord,
  type UploadRecord,
  type WrittenBytes,
  type WrittenVersion,
} from '../backend.ts'
import { checksummedUpload } from './chunks.ts'
import { completionDocument, type PartTag, readResult } from './completion.ts'
import type { GatewayConfig } from './config.ts'
import { creationHeaders, customerHeaders, requireCompletionKey } from './double-encryption.ts'
import { keptParts } from './kept-parts.ts'
import { isLocked, toNativeHeaders } from './native-headers.ts'
import type { PlacedPart } from './part-names.ts'
import type { PartSender } from './part-sender.ts'
import type { StoreAcls } from './store-acls.ts'
import { answerSizeMax, partNumberMax, partsSizeMax } from './store-limits.ts'
import { encodeArea, encodeMarker, encodeRecord } from './stored-record.ts'
import { storesParts } from './stores-parts.ts'
import type { UploadStore } from './upload-store.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { type ObjectWriter, toWritten } from './writing.ts'
import { readAnswer, XmlEntry } from './xml-list.ts'

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
  readonly #store: UploadStore
  readonly #sender: PartSender
  readonly #acls: StoreAcls
  readonly #writer: ObjectWriter

  constructor(parts: {
    readonly upstream: Upstream
    readonly double: GatewayConfig['double']
    readonly sender: PartSender
    readonly store: UploadStore
    readonly acls: StoreAcls
    readonly writer: ObjectWriter
  }) {
    this.#upstream = parts.upstream
    this.#double = parts.double
    this.#store = parts.store
    this.#sender = parts.sender
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
            ...(isLocked(attributes) && checksummedUpload),
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

  async putPart(
    upload: UploadRecord,
    part: PartRecord,
    data: WrittenBytes,
    asked: AskedEncryption | undefined,
  ): Promise<void> {
    const placed = await asBackend(() => this.#sender.place(upload, part, data, asked), 'no-such-upload')
    await this.#store.addPart(upload, { part, ...placed })
    if ('etag' in placed.place || (await this.#store.find(upload)) !== undefined) return
    // The system bucket does not know that the upload has ended meanwhile.
    await this.#store.forget(upload)
    throw new BackendError('no-such-upload', 'there is no such upload')
  }

  /** In order of number, those above `after`, of each the one that the store has; more than `limit` where it is convenient. */
  async parts(
    upload: UploadRecord,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly PlacedPart[]> {
    return keptParts(this.#upstream, upload, await this.#store.parts(upload, page))
  }

  async complete(upload: UploadRecord, completion: Completion): Promise<WrittenVersion> {
    for (let attempt = 1; ; attempt++) {
      try {
        const written = await this.#complete(upload, completion)
        await this.#store.forgetEnded(upload)
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
    requireCompletionKey(this.#double, asked)
    const placed = await this.#chosen(upload, completion.parts)
    const conditions = await this.#writer.completionHeaders(upload, condition, asked?.customerKey)
    return asBackend(async () => {
      const tags = await this.#withChecksums(upload, await this.#finalParts(upload, placed, completion))
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
      readResult(answer, 'CompleteMultipartUploadResult')
      return toWritten(answer)
    }, 'no-such-upload')
  }

  async abort({ bucket, key, uploadId }: UploadName): Promise<void> {
    // There are stores for which no id stands for every upload of the key.
    if (uploadId === '') throw new BackendError('no-such-upload', 'there is no upload without an id')
    await asBackend(async () => {
      const request = { bucket, key, query: { uploadId }, repeatable: true }
      // Some stores say of any id that its upload has ended.
      const known = await this.#store.find({ bucket, key, uploadId })
      if (known === undefined) await this.#upstream.fetch({ ...request, method: 'GET' }, partsSizeMax)
      await this.#upstream.fetch({ ...request, method: 'DELETE' }, answerSizeMax)
    }, 'no-such-upload').catch((error: unknown) => {
      // Ceph has it that there is no such key.
      const missing = error instanceof BackendError && error.code === 'no-such-key'
      const known = missing ? new BackendError('no-such-upload', error.message, { cause: error }) : error
      return this.#ended({ bucket, key, uploadId }, known)
    })
    await this.#store.forget({ bucket, key, uploadId })
  }

  /** Of an upload that the store does not have any more no trace is to stay. */
  async #ended(upload: UploadName, error: unknown): Promise<never> {
    if (error instanceof BackendError && error.code === 'no-such-upload')
      await this.#store.forgetEnded(upload)
    throw error
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
      const etag = await this.#sender.sendParked(upload, { ...last, place: last.place }, { area, asked })
      return [...tags, { number, etag }]
    }
    const number = last.part.number + 1
    return [...tags, { number, etag: await this.#sender.send(upload, number, area, asked) }]
  }

  /** MinIO wants the checksum of every part that has one to be named again. */
  async #withChecksums(upload: UploadRecord, tags: readonly PartTag[]): Promise<readonly PartTag[]> {
    if (!isLocked(upload.attributes)) return tags
    const numbers = tags.map(({ number }) => number)
    const stores = await storesParts(this.#upstream, upload, numbers)
    return tags.map((tag) => ({ ...stores.get(tag.number), ...tag }))
  }

  /** Errors: invalid-part. */
  async #chosen(upload: UploadRecord, parts: readonly PartRecord[]): Promise<readonly PlacedPart[]> {
    const known = await this.parts(upload, { after: 0, limit: partNumberMax })
    const byNumber = new Map(known.map((placed) => [placed.part.number, placed]))
    return parts.map(({ number, generation }) => {
      const placed = byNumber.get(number)
      if (placed?.part.generation === generation) return placed
      throw new BackendError('invalid-part', `part ${number} is not the one that was named`)
    })
  }
}
