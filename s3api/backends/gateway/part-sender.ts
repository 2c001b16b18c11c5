import { randomBytes } from 'node:crypto'
import { storedBatchSize } from '../../../engine/index.ts'
import type { AskedEncryption, PartRecord, StagePlan, UploadRecord, WrittenBytes } from '../backend.ts'
import { checksumHeaders } from './chunks.ts'
import type { GatewayConfig } from './config.ts'
import { customerHeaders } from './double-encryption.ts'
import { isLocked, unquoted } from './native-headers.ts'
import type { PlacedPart } from './part-names.ts'
import { StagedUpload } from './staging.ts'
import { answerSizeMax, partNumberMax, partSizeMin } from './store-limits.ts'
import type { SystemBucket } from './system-records.ts'
import type { UploadStore } from './upload-store.ts'
import { Uploading } from './uploading.ts'
import type { Upstream } from './upstream.ts'

const parkedIdSize = 12

/**
 * Sends parts: to the store's own upload, or, where the record could not follow them there (too small, or with the last number
 * there is), to a place in the system bucket.
 */
export class PartSender {
  readonly #upstream: Upstream
  readonly #double: GatewayConfig['double']
  readonly #system: SystemBucket
  readonly #store: UploadStore

  constructor(parts: {
    readonly upstream: Upstream
    readonly double: GatewayConfig['double']
    readonly system: SystemBucket
    readonly store: UploadStore
  }) {
    this.#upstream = parts.upstream
    this.#double = parts.double
    this.#system = parts.system
    this.#store = parts.store
  }

  /** Begins the request that takes a part's bytes. */
  async stage(plan: StagePlan & { readonly becomes: { readonly kind: 'part' } }): Promise<StagedUpload> {
    const { upload, number } = plan.becomes
    if (isParked(upload, number, plan.storedSize)) {
      const parkedAs = randomBytes(parkedIdSize).toString('hex')
      const key = this.#store.parkedKey(upload, number, parkedAs)
      const request = { method: 'PUT', bucket: this.#system.name, key } as const
      const place = { parkedAs }
      return StagedUpload.begin(this.#upstream, request, { plan, trailerSize: 0, place, checksummed: false })
    }
    return StagedUpload.begin(this.#upstream, this.#partRequest(upload, number, plan.asked), {
      plan,
      trailerSize: 0,
      place: 'upload',
      checksummed: isLocked(upload.attributes),
    })
  }

  /** Where the part is, when its bytes are there. Errors: UpstreamError, BackendError unavailable. */
  async place(
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
    return { storedSize, place: { etag: await this.send(upload, number, bytes, asked) } }
  }

  /** Into the store's upload; resolves to the store's ETag. */
  async send(
    upload: UploadRecord,
    number: number,
    body: Uint8Array,
    asked: AskedEncryption | undefined,
  ): Promise<string> {
    const request = this.#partRequest(upload, number, asked)
    const checksum = isLocked(upload.attributes) ? await checksumHeaders(body) : {}
    const { headers } = await this.#upstream.fetch(
      { ...request, headers: { ...request.headers, ...checksum }, body, repeatable: true },
      answerSizeMax,
    )
    return unquoted(headers.etag)
  }

  /** A parked part, from the system bucket into the upload, with the area behind it. */
  async sendParked(
    upload: UploadRecord,
    { part, storedSize, place }: PlacedPart & { readonly place: { readonly parkedAs: string } },
    { area, asked }: { readonly area: Uint8Array; readonly asked: AskedEncryption | undefined },
  ): Promise<string> {
    const request = this.#partRequest(upload, part.number, asked)
    const batchSize = storedBatchSize({ encrypted: true })
    const sizes = { storedSize, trailerSize: area.length, batchSize }
    const key = this.#store.parkedKey(upload, part.number, place.parkedAs)
    const source = storedSize === 0 ? undefined : await this.#system.open(key)
    let uploading: Uploading | undefined
    try {
      const checksummed = isLocked(upload.attributes)
      uploading = await Uploading.begin(this.#upstream, request, sizes, { checksummed })
      if (source !== undefined) await uploading.writeAll(source.pieces(), batchSize)
      const answer = await uploading.end(area)
      await answer.body.drain()
      return unquoted(answer.headers.etag)
    } finally {
      await uploading?.abort()
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
}

function isParked({ envelope }: UploadRecord, number: number, storedSize: number): boolean {
  return envelope !== undefined && (storedSize < partSizeMin || number === partNumberMax)
}
