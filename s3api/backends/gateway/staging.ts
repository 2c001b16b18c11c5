import { storedBatchSize, type WriteTarget } from '../../../engine/index.ts'
import type { StagedData, StagePlan } from '../backend.ts'
import { Uploading } from './uploading.ts'
import type { Upstream, UpstreamAnswer, UpstreamRequest } from './upstream.ts'
import { toBackendError } from './upstream-error.ts'

/** Stored bytes on their way into one request of the store's. */
export class StagedUpload implements StagedData {
  readonly target: WriteTarget
  /** Of the area behind the bytes; 0 where none follows. */
  readonly trailerSize: number
  /** Where a part's bytes go. */
  readonly place: 'object' | 'upload' | { readonly parkedAs: string }
  readonly storedSize: number
  readonly #uploading: Uploading
  #used = false

  constructor(
    uploading: Uploading,
    { trailerSize, place, storedSize }: Pick<StagedUpload, 'trailerSize' | 'place' | 'storedSize'>,
  ) {
    this.#uploading = uploading
    this.storedSize = storedSize
    this.trailerSize = trailerSize
    this.place = place
    this.target = {
      hashed: uploading.hashed,
      async write(bytes, sha256) {
        await uploading.write(bytes, sha256).catch((error: unknown) => {
          throw toBackendError(error, 'no-such-bucket')
        })
      },
    }
  }

  /** Errors: BackendError unavailable. */
  static async begin(
    upstream: Upstream,
    request: Omit<UpstreamRequest, 'body' | 'repeatable'>,
    {
      plan,
      trailerSize,
      place,
      checksummed,
    }: { readonly plan: StagePlan; readonly checksummed: boolean } & Pick<
      StagedUpload,
      'trailerSize' | 'place'
    >,
  ): Promise<StagedUpload> {
    const { becomes, storedSize } = plan
    const { envelope } = becomes.kind === 'object' ? becomes.record : becomes.upload
    const batchSize = storedBatchSize({ encrypted: envelope !== undefined })
    const sizes = { storedSize, trailerSize, batchSize }
    const uploading = await Uploading.begin(upstream, request, sizes, { checksummed })
    return new StagedUpload(uploading, { trailerSize, place, storedSize })
  }

  /** Sends the rest; the store has it all when this resolves. Errors: UpstreamError, BackendError unavailable. */
  async finish(trailer: Uint8Array): Promise<UpstreamAnswer> {
    if (this.#used) throw new Error('the data was used or discarded before')
    this.#used = true
    return this.#uploading.end(trailer)
  }

  async discard(): Promise<void> {
    if (this.#used) return
    this.#used = true
    await this.#uploading.abort()
  }
}
