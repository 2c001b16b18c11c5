import {
  type AskedEncryption,
  type Backend,
  BackendError,
  type StagePlan,
  type WriteCondition,
  type WrittenBytes,
  type WrittenVersion,
} from '../backend.ts'
import type { GatewayConfig } from './config.ts'
import { creationHeaders } from './double-encryption.ts'
import type { LookedUp, Lookup } from './lookup.ts'
import { isLocked, toNativeHeaders } from './native-headers.ts'
import { StagedUpload } from './staging.ts'
import type { StoreAcls } from './store-acls.ts'
import { encodeArea, encodeMarker, encodeRecord, plannedAreaSize } from './stored-record.ts'
import type { Upstream, UpstreamAnswer } from './upstream.ts'
import { toBackendError } from './upstream-error.ts'
import { fromUpstreamVersion } from './version-ids.ts'

type Put = Parameters<Backend['putObject']>[0]
type Headers = Readonly<Record<string, string>>

/** Makes objects of new bytes: one request each. */
export class ObjectWriter {
  readonly #upstream: Upstream
  readonly #double: GatewayConfig['double']
  readonly #lookup: Lookup
  readonly #acls: StoreAcls

  constructor(parts: {
    readonly upstream: Upstream
    readonly double: GatewayConfig['double']
    readonly lookup: Lookup
    readonly acls: StoreAcls
  }) {
    this.#upstream = parts.upstream
    this.#double = parts.double
    this.#lookup = parts.lookup
    this.#acls = parts.acls
  }

  /** Begins the request that will make the object. Errors: those of a condition that fails already. */
  async stage(plan: StagePlan & { readonly becomes: { readonly kind: 'object' } }): Promise<StagedUpload> {
    const { bucket, key, becomes, asked } = plan
    const { record, attributes } = becomes
    const encrypted = record.envelope !== undefined
    const headers = await this.#headers(plan, becomes, asked)
    const trailerSize = encrypted ? plannedAreaSize({ bucket, key, record }) : 0
    const request = { method: 'PUT', bucket, key, headers } as const
    const checksummed = isLocked(attributes)
    return StagedUpload.begin(this.#upstream, request, { plan, trailerSize, place: 'object', checksummed })
  }

  /** Errors: those of Backend.putObject. */
  async put(put: Put & { readonly data: WrittenBytes }): Promise<WrittenVersion> {
    const answer = await this.#send(put).catch((error: unknown) => {
      throw toBackendError(error, 'no-such-bucket')
    })
    await answer.body.drain()
    return toWritten(answer)
  }

  async #send(put: Put & { readonly data: WrittenBytes }): Promise<UpstreamAnswer> {
    const { bucket, key, record, data, attributes, condition, asked } = put
    const encrypted = record.envelope !== undefined
    if (data.kind === 'staged') {
      const { staged } = data
      if (!(staged instanceof StagedUpload)) throw new Error('the data was staged elsewhere')
      const trailer = encrypted
        ? encodeArea(encodeRecord({ bucket, key, record }), staged.trailerSize)
        : nothing
      return staged.finish(trailer)
    }
    const area = encrypted ? encodeArea(encodeRecord({ bucket, key, record })) : nothing
    return this.#upstream.send({
      method: 'PUT',
      bucket,
      key,
      headers: await this.#headers(put, put, asked),
      body: Buffer.concat([data.bytes, area]),
      md5: isLocked(attributes),
      repeatable: condition === undefined,
    })
  }

  /** Errors: those of a condition that fails already. */
  async #headers(
    name: { readonly bucket: string; readonly key: string },
    { record, attributes, condition }: Pick<Put, 'record' | 'attributes' | 'condition'>,
    asked: AskedEncryption | undefined,
  ): Promise<Headers> {
    const headers = toNativeHeaders(record, record.envelope && encodeMarker(), attributes)
    return Object.assign(
      headers,
      await this.#acls.creationHeaders({ bucket: name.bucket, owner: record.owner }, attributes),
      creationHeaders(this.#double, asked, name),
      await this.conditionHeaders(name, condition, asked?.customerKey),
    )
  }

  /**
   * The same for the completion of an upload. There are stores that take no notice of conditions there: what can be seen
   * beforehand is looked at. Errors: precondition-failed, no-such-key.
   */
  async completionHeaders(
    name: { readonly bucket: string; readonly key: string },
    condition: WriteCondition | undefined,
    customerKey?: Uint8Array,
  ): Promise<Headers> {
    if (condition?.ifNoneMatch === '*' && (await this.#lookup.exists(name)))
      throw new BackendError('precondition-failed', `there is an object ${name.key}`)
    return this.conditionHeaders(name, condition, customerKey)
  }

  /**
   * The condition in terms of the store's own ETag: what is to be another object than one named is to stay the one that was
   * found. Errors: precondition-failed, no-such-key.
   */
  async conditionHeaders(
    { bucket, key }: { readonly bucket: string; readonly key: string },
    condition: WriteCondition | undefined,
    customerKey?: Uint8Array,
  ): Promise<Headers> {
    if (condition === undefined) return {}
    const none = { 'if-none-match': '*' }
    if (condition.ifNoneMatch === '*') return none
    const found = await this.#lookup.object({ bucket, key, customerKey, tail: 'record' }).catch((error) => {
      if (condition.ifNoneMatch === undefined || !isAbsent(error)) throw error
      return undefined
    })
    if (found === undefined) return none
    requireCondition(condition, found)
    return { 'if-match': `"${found.etag}"` }
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof BackendError && error.code === 'no-such-key'
}

/** Errors: BackendError precondition-failed. */
export function requireCondition(
  { ifMatch, ifNoneMatch, ifSize, ifModifiedAt }: WriteCondition,
  { record }: Pick<LookedUp, 'record'>,
): void {
  const holds =
    (ifMatch === undefined || ifMatch === '*' || ifMatch === record.etag) &&
    (ifNoneMatch === undefined || ifNoneMatch !== record.etag) &&
    (ifSize === undefined || ifSize === record.size) &&
    (ifModifiedAt === undefined || ifModifiedAt === Math.floor(record.modifiedAtMs / 1000))
  if (!holds) throw new BackendError('precondition-failed', 'the condition of the write does not hold')
}

export function toWritten({ headers }: Pick<UpstreamAnswer, 'headers'>): WrittenVersion {
  const versionId = headers['x-amz-version-id']
  return versionId === undefined ? {} : { versionId: fromUpstreamVersion(versionId) }
}

const nothing = new Uint8Array(0)
