import { document, element } from '../../http/xml-writer.ts'
import { BackendError, type Bucket, type NewBucket } from '../backend.ts'
import type { VersioningState } from '../versions.ts'
import { AgedMap } from './aged-map.ts'
import { parseTime } from './native-headers.ts'
import { inParallel } from './parallel.ts'
import { listSizeMax, type SystemBucket } from './system-records.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { readAnswer, XmlEntry, XmlList } from './xml-list.ts'

/**
 * Buckets and their settings. What is asked for with every request is remembered for a moment: so long does it take until
 * another front-end's change of a setting is seen here.
 */

const settingAgeMaxMs = 2_000
const bucketAgeMaxMs = 2_000
const bucketsMax = 10_000
const settingSizeMax = 1024 * 1024
const answerSizeMax = 256 * 1024
const lookupsAtOnce = 16
/** A bucket's facts that are ours and not the store's. */
const factsName = 'facts'

interface Facts {
  readonly owner?: string
}

export class Buckets {
  readonly #upstream: Upstream
  readonly #system: SystemBucket
  readonly #region: string
  readonly #settings = new AgedMap<string, string | undefined>(bucketsMax, settingAgeMaxMs)
  readonly #buckets = new AgedMap<string, Bucket>(bucketsMax, bucketAgeMaxMs)

  constructor(upstream: Upstream, system: SystemBucket, region: string) {
    this.#upstream = upstream
    this.#system = system
    this.#region = region
  }

  async create(bucket: string, { owner, versioning, settings = {} }: NewBucket): Promise<void> {
    if (this.#isOurs(bucket)) throw new BackendError('bucket-exists', `bucket ${bucket} exists`)
    await asBackend(async () => {
      const constraint = element('CreateBucketConfiguration', [element('LocationConstraint', this.#region)])
      const body = this.#region === 'us-east-1' ? undefined : Buffer.from(document(constraint), 'utf8')
      // Not repeated: AWS answers 200 to the owner's second try, and others that the bucket is there already.
      const request = {
        method: 'PUT',
        bucket,
        repeatable: false,
        ...(body !== undefined && { body }),
      } as const
      if (await this.#exists(bucket)) throw new BackendError('bucket-exists', `bucket ${bucket} exists`)
      await this.#upstream.fetch(request, answerSizeMax)
    })
    this.#forget(bucket)
    try {
      // Of a bucket of that name that somebody has removed behind our back.
      await this.#system.deleteAll(folderOf(bucket))
      if (owner !== undefined)
        await this.#putSetting(bucket, factsName, JSON.stringify({ owner } satisfies Facts))
      for (const [name, value] of Object.entries(settings)) await this.#putSetting(bucket, name, value)
      if (versioning === 'enabled') await this.setVersioning(bucket, 'enabled')
    } catch (error) {
      // All or nothing.
      await this.#upstream
        .fetch({ method: 'DELETE', bucket, repeatable: true }, answerSizeMax)
        .catch(() => {})
      throw error
    }
  }

  /** Errors: no-such-bucket. */
  async get(bucket: string): Promise<Bucket> {
    return this.#buckets.get(bucket, async () => {
      await this.require(bucket)
      const [facts, versioning] = await Promise.all([
        this.setting(bucket, factsName),
        this.#versioning(bucket),
      ])
      return { name: bucket, createdAtMs: 0, ...parseFacts(facts), versioning }
    })
  }

  /** Errors: no-such-bucket. */
  async require(bucket: string): Promise<void> {
    if (this.#isOurs(bucket) || !(await asBackend(() => this.#exists(bucket), 'no-such-bucket'))) {
      throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
    }
  }

  async list(): Promise<readonly Bucket[]> {
    const { bytes } = await asBackend(() =>
      this.#upstream.fetch({ method: 'GET', repeatable: true }, listSizeMax),
    )
    const found = new XmlList(bytes, 'ListAllMyBucketsResult')
      .entries('Buckets')
      .flatMap((buckets) => buckets.children('Bucket'))
      .map((entry) => ({ name: entry.text('Name'), createdAtMs: parseTime(entry.find('CreationDate')) }))
      .filter(({ name }) => !this.#isOurs(name))
      .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    return inParallel(found, lookupsAtOnce, async (bucket) => ({
      ...bucket,
      ...parseFacts(await this.setting(bucket.name, factsName)),
      versioning: 'unversioned' as const,
    }))
  }

  async delete(bucket: string): Promise<void> {
    if (this.#isOurs(bucket)) throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
    await asBackend(
      () => this.#upstream.fetch({ method: 'DELETE', bucket, repeatable: true }, answerSizeMax),
      'no-such-bucket',
    )
    this.#forget(bucket)
    await this.#system.deleteAll(folderOf(bucket))
  }

  /** Without a look whether there is such a bucket. */
  async setting(bucket: string, name: string): Promise<string | undefined> {
    return this.#settings.get(settingName(bucket, name), async () => {
      const bytes = await this.#system.get(settingName(bucket, name), settingSizeMax)
      return bytes && Buffer.from(bytes).toString('utf8')
    })
  }

  async setSetting(bucket: string, name: string, value: string | undefined): Promise<void> {
    await this.require(bucket)
    if (value === undefined) await this.#system.delete(settingName(bucket, name))
    else await this.#system.put(settingName(bucket, name), Buffer.from(value, 'utf8'))
    this.#settings.delete(settingName(bucket, name))
  }

  async setVersioning(bucket: string, state: Exclude<VersioningState, 'unversioned'>): Promise<void> {
    const status = state === 'enabled' ? 'Enabled' : 'Suspended'
    const body = Buffer.from(
      document(element('VersioningConfiguration', [element('Status', status)])),
      'utf8',
    )
    const request = { method: 'PUT', bucket, query: { versioning: '' }, body, repeatable: true } as const
    await asBackend(() => this.#upstream.fetch(request, answerSizeMax), 'no-such-bucket')
    this.#buckets.delete(bucket)
  }

  async #versioning(bucket: string): Promise<VersioningState> {
    const request = { method: 'GET', bucket, query: { versioning: '' }, repeatable: true } as const
    try {
      const { bytes } = await asBackend(() => this.#upstream.fetch(request, answerSizeMax))
      const status = new XmlEntry(readAnswer(bytes, 'VersioningConfiguration')).find('Status')
      return status === 'Enabled' ? 'enabled' : status === 'Suspended' ? 'suspended' : 'unversioned'
    } catch (error) {
      // A store without versions.
      if (error instanceof BackendError && error.code === 'not-supported') return 'unversioned'
      throw error
    }
  }

  async #exists(bucket: string): Promise<boolean> {
    return asBackend(async () => {
      await this.#upstream.fetch({ method: 'HEAD', bucket, repeatable: true }, 0)
      return true
    }, 'no-such-bucket').catch((error: unknown) => {
      if (error instanceof BackendError && error.code === 'no-such-bucket') return false
      throw error
    })
  }

  async #putSetting(bucket: string, name: string, value: string): Promise<void> {
    await this.#system.put(settingName(bucket, name), Buffer.from(value, 'utf8'))
    this.#settings.delete(settingName(bucket, name))
  }

  #forget(bucket: string): void {
    this.#buckets.delete(bucket)
    this.#settings.clear()
  }

  /** Nobody outside sees the system bucket. */
  #isOurs(bucket: string): boolean {
    return bucket === this.#system.name
  }
}

function folderOf(bucket: string): string {
  return `buckets/${bucket}/`
}

function settingName(bucket: string, name: string): string {
  return `${folderOf(bucket)}${name}`
}

function parseFacts(text: string | undefined): Facts {
  if (text === undefined) return {}
  const value: unknown = JSON.parse(text)
  const owner = typeof value === 'object' && value !== null && 'owner' in value ? value.owner : undefined
  return typeof owner === 'string' ? { owner } : {}
}
