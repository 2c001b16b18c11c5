import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import type { KeyService } from '../../control/client.ts'
import type { CryptoPool } from '../../engine/index.ts'
import { type Backend, BackendError, type Bucket, type ObjectPage } from '../backends/backend.ts'
import { inParallel } from '../backends/parallel.ts'
import type { VersionPage } from '../backends/versions.ts'
import type { ObjectVersionName } from '../object-name.ts'
import { openDataKeys } from '../sse/data-keys.ts'
import { Pace } from './pace.ts'
import {
  type FailureCode,
  failed,
  isOutage,
  type Verdict,
  type VersionReader,
  verifyVersion,
} from './verify-version.ts'

/** Versions that are read at once. */
const readsMax = 8
/** Versions of a page: behind each page another run can begin. */
const pageSize = 100
const attemptsMax = 5
const pauseMsDefault = 1000
/** So many one after the other that cannot be read for a reason of the store's or the KMS's end the run. */
const outagesMax = 3

export interface VerifyOptions {
  /** Absent: all. */
  readonly bucket?: string | undefined
  readonly prefix?: string
  /** Where to begin: behind this key of this bucket. */
  readonly after?: { readonly bucket: string; readonly key: string } | undefined
  readonly plain: VersionReader['plain']
  readonly bytesPerSecondMax?: number
  readonly signal: AbortSignal
  readonly log: Logger
  /** Before another try of what is away; doubled each time. */
  readonly pauseMs?: number
  found(failure: VerifyFailure): void
  /** Told when a page is done, and in the end, whatever it is. */
  progress(report: VerifyReport): void
}

export interface VerifyFailure extends ObjectVersionName {
  readonly code: FailureCode
  readonly reason: string
}

/** Versions by what became of them. */
export interface VerifyReport extends Readonly<Record<Verdict['kind'], number>> {
  readonly bytes: number
  /** Nothing is left to be read of this name, nor of those before it. */
  readonly through: { readonly bucket: string; readonly key: string } | undefined
}

/** Errors: BackendError no-such-bucket; StoreMismatch; those of a store or a KMS that stays away; the signal's reason. */
export async function verifyStore(
  {
    backend,
    pool,
    service,
  }: { readonly backend: Backend; readonly pool: CryptoPool; readonly service: KeyService | undefined },
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { log, signal, plain, bytesPerSecondMax = Number.POSITIVE_INFINITY } = options
  const { system } = backend
  const keys = await openDataKeys(service, { system, log, registry: new Registry(), now: Date.now })
  try {
    const services = { backend, pool, ...(keys !== undefined && { keys }) }
    const run = new Run({ services, signal, plain, pace: new Pace(bytesPerSecondMax, signal) }, options)
    const { bucket } = options
    const buckets = bucket === undefined ? await backend.listBuckets() : [await backend.getBucket(bucket)]
    try {
      for (const found of buckets) await run.bucket(found)
    } finally {
      options.progress(run.report())
    }
    return run.report()
  } finally {
    await keys?.close()
  }
}

/** Behind which a page begins. */
interface Marker {
  readonly key: string
  readonly versionId: string
}

interface Page {
  readonly names: readonly ObjectVersionName[]
  readonly next: Marker | undefined
}

class Run {
  readonly #reader: VersionReader
  readonly #options: VerifyOptions
  readonly #counts = { authentic: 0, equal: 0, plain: 0, 'customer-key': 0, gone: 0, failed: 0 }
  #through: VerifyReport['through']
  #outages = 0

  constructor(reader: VersionReader, options: VerifyOptions) {
    this.#reader = reader
    this.#options = options
  }

  report(): VerifyReport {
    return { ...this.#counts, bytes: this.#reader.pace.bytes, through: this.#through }
  }

  async bucket(bucket: Bucket): Promise<void> {
    const { after, progress } = this.#options
    const { name } = bucket
    // Names of buckets are ASCII: this is their order.
    if (after !== undefined && name < after.bucket) return
    let marker: Marker | undefined = { key: after?.bucket === name ? after.key : '', versionId: '' }
    while (marker !== undefined) {
      const { names, next } = await this.#page(bucket, marker)
      await inParallel(names, readsMax, (found) => this.#version(found))
      // Of the last key of a page there may be more versions on the next.
      const last = names.findLast(({ key }) => key !== next?.key)
      if (last !== undefined) this.#through = { bucket: name, key: last.key }
      progress(this.report())
      marker = next
    }
  }

  async #page({ name: bucket, versioning }: Bucket, marker: Marker): Promise<Page> {
    const { backend } = this.#reader.services
    const { signal, prefix = '' } = this.#options
    const query = { prefix, delimiter: '', limit: pageSize }
    try {
      const { entries, truncated } = await this.#patiently(async (): Promise<ObjectPage | VersionPage> => {
        if (versioning === 'unversioned')
          return backend.listObjects(bucket, { ...query, startAfter: marker.key }, signal)
        const { key: keyMarker, versionId: versionIdMarker } = marker
        return backend.listVersions(bucket, { ...query, keyMarker, versionIdMarker }, signal)
      })
      const found = entries.flatMap((entry) => (entry.kind === 'prefix' ? [] : [entry]))
      const names = found.flatMap((entry) => (entry.kind === 'marker' ? [] : [nameOf(bucket, entry)]))
      const last = found.at(-1)
      if (!truncated || last === undefined) return { names, next: undefined }
      return { names, next: { key: last.key, versionId: 'versionId' in last ? last.versionId : '' } }
    } catch (error) {
      // A bucket that was deleted since.
      if (error instanceof BackendError && error.code === 'no-such-bucket')
        return { names: [], next: undefined }
      throw error
    }
  }

  async #version(name: ObjectVersionName): Promise<void> {
    const verdict = await this.#verdict(name)
    this.#counts[verdict.kind]++
    if (verdict.kind === 'failed')
      this.#options.found({ ...name, code: verdict.code, reason: verdict.reason })
  }

  async #verdict(name: ObjectVersionName): Promise<Verdict> {
    try {
      const verdict = await this.#patiently(() => verifyVersion(this.#reader, name))
      this.#outages = 0
      return verdict
    } catch (error) {
      if (!isOutage(error) || ++this.#outages >= outagesMax) throw error
      return failed(error)
    }
  }

  /** Again and again while the store or the KMS is away, for half a minute. */
  async #patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    const { signal, pauseMs = pauseMsDefault } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        signal.throwIfAborted()
        return await work()
      } catch (error) {
        if (attempt === attemptsMax || !isOutage(error)) throw error
        await sleep(pauseMs * 2 ** attempt, undefined, { signal })
      }
    }
  }
}

function nameOf(
  bucket: string,
  entry: { readonly key: string } | { readonly key: string; readonly versionId: string },
): ObjectVersionName {
  const { key } = entry
  return 'versionId' in entry ? { bucket, key, versionId: entry.versionId } : { bucket, key }
}
