import { document, element } from '../../http/xml-writer.ts'
import { BackendError, type Bucket, type NewBucket } from '../backend.ts'
import { inParallel } from '../parallel.ts'
import { lockSettingName, type VersioningState } from '../versions.ts'
import { AgedMap } from './aged-map.ts'
import { parseTime } from './native-headers.ts'
import { answerSizeMax } from './store-limits.ts'
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
/** Longer than making a bucket takes. */
const claimAgeMaxMs = 60_000
/** The region whose location constraint is empty. */
const unnamedRegion = 'us-east-1'
const settingSizeMax = 1024 * 1024
const lookupsAtOnce = 16
/** A bucket's facts that are ours and not the store's. */
const factsName = 'facts'

interface Facts {
  readonly owner?: string
  /** The store tells it only in a list of all buckets. */
  readonly createdAtMs?: number
}

/** What a bucket may be called, or could once be (S3 user guide, "General purpose bucket naming rules"). */
const bucketPattern = /^[A-Za-z0-9._-]{3,255}$/

export class Buckets {
  readonly #upstream: Upstream
  readonly #system: SystemBucket
  readonly #region: string
  readonly #now: () => number
  readonly #settings = new AgedMap<string, string | undefined>(bucketsMax, settingAgeMaxMs)
  readonly #buckets = new AgedMap<string, Bucket>(bucketsMax, bucketAgeMaxMs)

  constructor(
    upstream: Upstream,
    system: SystemBucket,
    { region, now }: { readonly region: string; readonly now: () => number },
  ) {
    this.#upstream = upstream
    this.#system = system
    this.#region = region
    this.#now = now
  }

  async create(bucket: string, { owner, versioning, settings = {} }: NewBucket): Promise<void> {
    if (this.#isOurs(bucket)) throw new BackendError('bucket-exists', `bucket ${bucket} exists`)
    const exists = new BackendError('bucket-exists', `bucket ${bucket} exists`)
    if (await this.#exists(bucket)) throw exists
    // Stores differ in what they say to one who makes a bucket that is his already: the first to write the facts makes it.
    const facts: Facts = { createdAtMs: this.#now(), ...(owner !== undefined && { owner }) }
    if (!(await this.#claim(bucket, facts))) throw exists
    const locked = settings[lockSettingName] !== undefined
    try {
      await asBackend(() => this.#upstream.fetch(this.#creation(bucket, { locked }), answerSizeMax))
      for (const [name, value] of Object.entries(settings)) await this.#putSetting(bucket, name, value)
      if (versioning === 'enabled') await this.setVersioning(bucket, 'enabled')
    } catch (error) {
      // All or nothing; what is there already stays.
      if (!(error instanceof BackendError) || error.code !== 'bucket-exists') {
        await this.#upstream
          .fetch({ method: 'DELETE', bucket, repeatable: true }, answerSizeMax)
          .catch(() => {})
        await this.#system.deleteAll(folderOf(bucket)).catch(() => {})
      }
      throw error
    } finally {
      this.#forget(bucket)
    }
  }

  #creation(bucket: string, { locked }: { readonly locked: boolean }) {
    const constraint = element('CreateBucketConfiguration', [element('LocationConstraint', this.#region)])
    const body = this.#region === unnamedRegion ? undefined : Buffer.from(document(constraint), 'utf8')
    return {
      method: 'PUT',
      bucket,
      headers: locked ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {},
      ...(body !== undefined && { body }),
      repeatable: false,
    } as const
  }

  /** False: another one is making the bucket. Facts of a bucket that somebody removed behind our back give way. */
  async #claim(bucket: string, facts: Facts): Promise<boolean> {
    const value = Buffer.from(JSON.stringify(facts), 'utf8')
    const name = settingName(bucket, factsName)
    if (await this.#system.put(name, value, { onlyIfAbsent: true })) return true
    const known = await this.#system.get(name, settingSizeMax)
    const { createdAtMs = 0 } = parseFacts(known && Buffer.from(known).toString('utf8'))
    if (this.#now() - createdAtMs < claimAgeMaxMs) return false
    await this.#system.deleteAll(folderOf(bucket))
    return this.#system.put(name, value, { onlyIfAbsent: true })
  }

  /** Errors: no-such-bucket. */
  get(bucket: string): Promise<Bucket> {
    return this.#buckets.get(bucket, () => this.#find(bucket))
  }

  /** As a request saw it that may have taken long since: its own admission was not earlier. Errors: no-such-bucket. */
  last(bucket: string): Promise<Bucket> {
    return this.#buckets.last(bucket, () => this.#find(bucket))
  }

  async #find(bucket: string): Promise<Bucket> {
    await this.require(bucket)
    const [facts, versioning] = await Promise.all([this.setting(bucket, factsName), this.#versioning(bucket)])
    return { name: bucket, createdAtMs: 0, ...parseFacts(facts), versioning }
  }

  /** Errors: no-such-bucket. */
  async require(bucket: string): Promise<void> {
    const possible = bucketPattern.test(bucket) && !this.#isOurs(bucket)
    if (!possible || !(await asBackend(() => this.#exists(bucket), 'no-such-bucket'))) {
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
      ...parseFacts(await this.setting(bucket.name, factsName)),
      ...bucket,
      versioning: 'unversioned' as const,
    }))
  }

  /** Errors: BackendError unavailable. */
  async reach(): Promise<void> {
    await asBackend(
      () => this.#upstream.fetch({ method: 'GET', repeatable: true }, listSizeMax),
      'unavailable',
    )
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
    if (name === lockSettingName && value !== undefined) await this.#enableLock(bucket)
    if (value === undefined) await this.#system.delete(settingName(bucket, name))
    else await this.#system.put(settingName(bucket, name), Buffer.from(value, 'utf8'))
    this.#settings.delete(settingName(bucket, name))
  }

  /** That the store takes locks; which one a new version gets, every write says. */
  async #enableLock(bucket: string): Promise<void> {
    const enabled = element('ObjectLockConfiguration', [element('ObjectLockEnabled', 'Enabled')])
    const body = Buffer.from(document(enabled), 'utf8')
    const request = {
      method: 'PUT',
      bucket,
      query: { 'object-lock': '' },
      body,
      md5: true,
      repeatable: true,
    } as const
    await asBackend(() => this.#upstream.fetch(request, answerSizeMax), 'no-such-bucket')
  }

  async setVersioning(bucket: string, state: Exclude<VersioningState, 'unversioned'>): Promise<void> {
    const status = state === 'enabled' ? 'Enabled' : 'Suspended'
    const body = Buffer.from(
      document(element('VersioningConfiguration', [element('Status', status)])),
      'utf8',
    )
    const request = {
      method: 'PUT',
      bucket,
      query: { versioning: '' },
      body,
      md5: true,
      repeatable: true,
    } as const
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
  // Written here, by `create`.
  return JSON.parse(text) as Facts
}
