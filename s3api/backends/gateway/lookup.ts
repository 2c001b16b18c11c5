import { DareError } from '../../../engine/index.ts'
import { S3Error } from '../../errors.ts'
import { BackendError, type ObjectRecord } from '../backend.ts'
import { whileReplaced } from '../while-replaced.ts'
import type { GatewayConfig } from './config.ts'
import { DecodedRecords } from './decoded-records.ts'
import { customerHeaders } from './double-encryption.ts'
import { formRecord } from './minio-forms.ts'
import { markerOf, parseContentRange, parseTime, toPlainRecord, unquoted } from './native-headers.ts'
import { decodeRecord, type NamedRecord, parseArea, parseMarker } from './stored-record.ts'
import type { Asking, Upstream } from './upstream.ts'
import { toBackendError, UpstreamError } from './upstream-error.ts'
import { toUpstreamVersion } from './version-ids.ts'

/**
 * How an object is found: one request for its last bytes brings headers, size and record together, and the whole of a small
 * object with them.
 */

/** Last bytes that are asked for: with the data of small objects, and with next to nothing but the record. */
const tailSizes = { data: 72 * 1024, record: 4 * 1024 } as const
const areaSizeMax = 9 * 1024 * 1024

/** An object as it lies in the store. */
export interface Found {
  readonly bucket: string
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  /** The store's own. */
  readonly etag: string
  readonly versionId: string | undefined
  /** Bytes in the store, and the last of them. */
  readonly size: number
  readonly tail: Uint8Array
  /** What a request for its data has to carry. */
  readonly access: Readonly<Record<string, string>>
}

export interface LookedUp extends Found {
  readonly record: ObjectRecord
  /** Bytes of it that are the object's stored data. */
  readonly dataSize: number
}

export interface Wanted extends Asking {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
  readonly customerKey?: Uint8Array | undefined
  /** The key that clients know, where the object lies under another: the store's SSE-C key is bound to it. */
  readonly clientKey?: string
  readonly tail: keyof typeof tailSizes
}

export class Lookup {
  readonly #upstream: Upstream
  readonly #double: GatewayConfig['double']
  readonly #readMinio: boolean
  readonly #records = new DecodedRecords()

  constructor(upstream: Upstream, { double, readMinio }: Pick<GatewayConfig, 'double' | 'readMinio'>) {
    this.#upstream = upstream
    this.#double = double
    this.#readMinio = readMinio
  }

  /** Errors: those of Backend.getObject; DareError where the object is not as it was stored. */
  object(wanted: Wanted): Promise<LookedUp> {
    return whileReplaced(() => this.#object(wanted))
  }

  async #object(wanted: Wanted): Promise<LookedUp> {
    const found = await this.find(wanted)
    const marker = markerOf(found.headers)
    if (marker === undefined) {
      refuseUnmarked(found)
      const plain = toPlainRecord(found.headers, found.size)
      return lookedUp(found, (this.#readMinio && formRecord(plain)) || plain, found.size)
    }
    const { named, areaSize } = await this.#record(found, marker, wanted)
    return lookedUp(found, named.record, found.size - areaSize)
  }

  /** Errors: those of Backend.getObject. */
  async find(wanted: Wanted): Promise<Found> {
    const { customerKey } = wanted
    const name = { bucket: wanted.bucket, key: wanted.clientKey ?? wanted.key }
    const access = customerHeaders(this.#double, customerKey, name)
    try {
      return await this.#find(wanted, access)
    } catch (error) {
      if (!isAboutKey(error)) throw toReadError(error)
      if (customerKey === undefined) throw needsKey(error)
      // Stored in another mode than the one in force: with a key that the store does not want, or without one that it wants.
      const double = { ...this.#double, c: Object.keys(access).length === 0 }
      try {
        return await this.#find(wanted, customerHeaders(double, customerKey, name))
      } catch (second) {
        throw isAboutKey(second) ? wrongKey(second) : toReadError(second)
      }
    }
  }

  /** Whoever may read it. */
  async exists({ bucket, key }: Pick<Wanted, 'bucket' | 'key'>): Promise<boolean> {
    try {
      await this.#upstream.fetch({ method: 'HEAD', bucket, key, repeatable: true }, 0)
      return true
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      // Without its SSE-C key.
      if (isAboutKey(error)) return true
      if (error.status === 404) return false
      throw toBackendError(error)
    }
  }

  async #find(wanted: Wanted, access: Found['access']): Promise<Found> {
    const { bucket, key, versionId } = wanted
    const query = versionId === undefined ? {} : { versionId: toUpstreamVersion(versionId) }
    const tailSize = tailSizes[wanted.tail]
    const object = { bucket, key, query, ...askingOf(wanted), repeatable: true } as const
    try {
      const { headers, bytes: tail } = await this.#upstream.fetch(
        { ...object, method: 'GET', headers: { range: `bytes=-${tailSize}`, ...access } },
        tailSize,
      )
      return foundAs({ bucket, key, access }, headers, { size: sizeOf(headers, tail), tail })
    } catch (error) {
      // An empty object has no last bytes.
      if (!(error instanceof UpstreamError) || error.status !== 416) throw error
      const { headers } = await this.#upstream.send({ ...object, method: 'HEAD', headers: access })
      const size = Number(headers['content-length'] ?? Number.NaN)
      if (size !== 0)
        throw new BackendError('unavailable', 'the store refused the range of an object', { cause: error })
      return foundAs({ bucket, key, access }, headers, { size, tail: new Uint8Array(0) })
    }
  }

  async #record(
    found: Found,
    marker: string,
    asking: Asking,
  ): Promise<{ readonly named: NamedRecord; readonly areaSize: number }> {
    const area = parseArea(found.tail)
    const override = parseMarker(marker)
    if (override !== undefined) return { named: override, areaSize: area?.areaSize ?? 0 }
    if (area === undefined) throw new DareError('unexpected-eof', 'the record of the object is missing')
    const json = area.json ?? (await this.#restOfArea(found, area.areaSize, asking))
    return { named: this.#records.decode(json), areaSize: area.areaSize }
  }

  async #restOfArea(found: Found, areaSize: number, asking: Asking): Promise<Uint8Array> {
    const start = found.size - areaSize
    if (start < 0 || areaSize > areaSizeMax)
      throw new DareError('unexpected-eof', 'the record of the object is cut')
    const { bytes, headers } = await this.#upstream
      .fetch(
        {
          method: 'GET',
          bucket: found.bucket,
          key: found.key,
          query: { ...(found.versionId !== undefined && { versionId: found.versionId }) },
          headers: { ...found.access, range: `bytes=${start}-${found.size - 1}` },
          ...askingOf(asking),
          repeatable: true,
        },
        areaSizeMax,
      )
      .catch((error: unknown) => {
        throw toReadError(error)
      })
    if (unquoted(headers.etag) !== found.etag)
      throw new BackendError('replaced', 'the object was replaced meanwhile')
    const json = parseArea(bytes)?.json
    if (json === undefined) throw new DareError('unexpected-eof', 'the record of the object is cut')
    return json
  }
}

function askingOf({ use, signal }: Asking): Asking {
  return { ...(use !== undefined && { use }), signal }
}

function lookedUp(found: Found, record: ObjectRecord, dataSize: number): LookedUp {
  const { bucket, key, headers, etag, versionId, size, tail, access } = found
  return { bucket, key, headers, etag, versionId, size, tail, access, record, dataSize }
}

function foundAs(
  { bucket, key, access }: Pick<Found, 'bucket' | 'key' | 'access'>,
  headers: Found['headers'],
  { size, tail }: Pick<Found, 'size' | 'tail'>,
): Found {
  const [etag, versionId] = [unquoted(headers.etag), headers['x-amz-version-id']]
  return { bucket, key, headers, etag, versionId, size, tail, access }
}

/** Bytes of the whole object; the tail must be its last ones, for they are believed to be. */
function sizeOf(headers: Found['headers'], tail: Uint8Array): number {
  const range = parseContentRange(headers)
  const size = range?.total ?? Number(headers['content-length'] ?? Number.NaN)
  if (!Number.isSafeInteger(size))
    throw new BackendError('unavailable', 'the store does not say how large an object is')
  const { first, last } = range ?? { first: 0, last: size - 1 }
  if (last === size - 1 && tail.length === size - first) return size
  throw new BackendError('unavailable', 'the store gave other bytes of an object than its last ones')
}

/** An object of ours without its marker is not taken for a plain one. */
function refuseUnmarked({ bucket, key, tail }: Found): void {
  let named: NamedRecord
  try {
    const json = parseArea(tail)?.json
    if (json === undefined) return
    named = decodeRecord(json)
  } catch (error) {
    if (error instanceof DareError) return
    throw error
  }
  if (named.bucket !== bucket || named.key !== key) return
  throw new DareError('tag-mismatch', 'the object is encrypted, but the store has lost its marker')
}

/** The store misses an SSE-C key, or has one that it does not want. Ceph says so of an argument; HEAD says nothing but 400. */
function isAboutKey(error: unknown): boolean {
  if (!(error instanceof UpstreamError) || error.status !== 400) return false
  if (error.code === 'InvalidArgument') return /encryption/i.test(error.message)
  return error.code === 'InvalidRequest' || error.code === 'BadRequest'
}

function needsKey(cause: unknown): Error {
  return new S3Error(
    'InvalidRequest',
    'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    { cause },
  )
}

function wrongKey(cause: unknown): Error {
  return new S3Error(
    'InvalidArgument',
    'The encryption parameters provided do not match the ones used originally.',
    { cause },
  )
}

/** What MinIO says of a name that it has no object of: one with an element that is empty, `.` or `..`. */
const impossibleNames: ReadonlySet<string> = new Set(['XMinioInvalidObjectName', 'XMinioInvalidResourceName'])

/** Delete markers are told apart from objects that never were. */
function toReadError(error: unknown): Error {
  if (error instanceof UpstreamError && impossibleNames.has(error.code))
    return new BackendError('no-such-key', error.message, { cause: error })
  if (!(error instanceof UpstreamError) || error.headers['x-amz-delete-marker'] !== 'true') {
    return toBackendError(error)
  }
  const marker = {
    versionId: error.headers['x-amz-version-id'] ?? 'null',
    modifiedAtMs: parseTime(error.headers['last-modified']),
  }
  const code = error.status === 405 ? 'delete-marker' : 'no-such-key'
  return new BackendError(code, error.message, { cause: error, marker })
}
