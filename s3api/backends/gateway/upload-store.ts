import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { parseBase64, toBase64 } from '../../text.ts'
import { BackendError, type UploadRecord } from '../backend.ts'
import { numberPrefix, type PlacedPart, parsePartName, toPartName } from './part-names.ts'
import type { SystemBucket } from './system-records.ts'
import type { Asking } from './upstream.ts'

/** What Sealgate itself remembers of running uploads, in the system bucket. */

const prefix = 'uploads/'
const recordSizeMax = 256 * 1024
const namesPerPage = 1000
/** How long a record is believed without a look; it never changes, but may be gone. */
const recordAgeMaxMs = 5_000
const recordsMax = 1_000

interface UploadName {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
}

export class UploadStore {
  readonly #system: SystemBucket
  readonly #log: Logger
  readonly #known = new Map<string, { readonly upload: UploadRecord; readonly readAtMs: number }>()
  readonly #cleaning = new Set<Promise<void>>()

  constructor(system: SystemBucket, log: Logger) {
    this.#system = system
    this.#log = log
  }

  async add(upload: UploadRecord): Promise<void> {
    const { envelope, ...rest } = upload
    const text = JSON.stringify({ ...rest, ...(envelope && { envelope: toBase64(envelope) }) })
    await this.#system.put(`${folderOf(upload)}upload`, Buffer.from(text, 'utf8'))
  }

  /** Errors: no-such-upload. */
  async get(name: UploadName): Promise<UploadRecord> {
    const folder = folderOf(name)
    const now = performance.now()
    const known = this.#known.get(folder)
    if (known !== undefined && now - known.readAtMs < recordAgeMaxMs) return known.upload
    const upload = await this.#look(name)
    if (this.#known.size >= recordsMax) this.#known.clear()
    this.#known.set(folder, { upload, readAtMs: now })
    return upload
  }

  /** Looks, whatever is believed: another front-end may have ended it. Errors: no-such-upload. */
  async requireRunning(name: UploadName): Promise<void> {
    await this.#look(name)
  }

  async #look(name: UploadName): Promise<UploadRecord> {
    const upload = await this.find(name)
    if (upload !== undefined) return upload
    this.#known.delete(folderOf(name))
    throw new BackendError('no-such-upload', 'there is no such upload')
  }

  find(name: UploadName, asking?: Asking): Promise<UploadRecord | undefined> {
    return this.findIn(folderOf(name), asking)
  }

  /** The upload whose traces have names that begin so. */
  async findIn(folder: string, asking?: Asking): Promise<UploadRecord | undefined> {
    const bytes = await this.#system.get(`${folder}upload`, recordSizeMax, asking)
    return bytes && parseUpload(bytes)
  }

  async addPart(upload: UploadName, placed: PlacedPart): Promise<void> {
    await this.#system.put(`${folderOf(upload)}parts/${toPartName(placed)}`, new Uint8Array(0))
  }

  /** Where the bytes of a small part wait for the end of the upload. */
  parkedKey(upload: UploadName, number: number, parkedAs: string): string {
    return `${folderOf(upload)}parked/${numberPrefix(number)}${parkedAs}`
  }

  /**
   * Parts in order of number, those above `after`, each as often as it was sent, the newest last; more than `limit` numbers where it
   * is convenient.
   */
  async parts(
    upload: UploadName,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly (readonly PlacedPart[])[]> {
    const folder = `${folderOf(upload)}parts/`
    const sent = new Map<number, PlacedPart[]>()
    let from = `${folder}${numberPrefix(after)}~`
    for (;;) {
      const { keys, truncated } = await this.#system.list(folder, { after: from, limit: namesPerPage })
      for (const key of keys) {
        const placed = parsePartName(key.slice(folder.length))
        if (placed === undefined) continue
        const known = sent.get(placed.part.number)
        if (known === undefined) sent.set(placed.part.number, [placed])
        else known.push(placed)
      }
      // The last number of a page may go on in the next.
      if (!truncated || sent.size > limit + 1) return [...sent.values()].map(inOrderOfTime)
      from = keys.at(-1) ?? from
    }
  }

  /** Forgets an upload that has ended: it is gone when this resolves, its parts' traces soon after. */
  async forget(upload: UploadName): Promise<void> {
    const folder = folderOf(upload)
    this.#known.delete(folder)
    await this.#system.delete(`${folder}upload`)
    const cleaning = this.#system
      .deleteAll(folder)
      .catch((error: unknown) =>
        this.#log.warn({ err: error }, 'traces of an upload are left in the system bucket'),
      )
      .finally(() => this.#cleaning.delete(cleaning))
    this.#cleaning.add(cleaning)
  }

  /** As `forget`, for whoever has an answer that must not wait for it: what fails is left to the sweeper. */
  async forgetEnded(upload: UploadName): Promise<void> {
    await this.forget(upload).catch((error: unknown) =>
      this.#log.warn({ err: error }, 'an upload that has ended is left in the system bucket'),
    )
  }

  /** Forgets all uploads of a bucket. */
  async forgetAll(bucket: string): Promise<void> {
    this.#known.clear()
    await this.#system.deleteAll(`${prefix}${bucket}/`)
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#cleaning)
  }
}

function inOrderOfTime(parts: PlacedPart[]): PlacedPart[] {
  return parts.sort((a, b) => a.part.modifiedAtMs - b.part.modifiedAtMs)
}

/** A digest, because ids and keys are too long for a name. */
function folderOf({ bucket, key, uploadId }: UploadName): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([bucket, key, uploadId]))
    .digest('hex')
  return `${prefix}${bucket}/${digest}/`
}

function parseUpload(bytes: Uint8Array): UploadRecord {
  // Written by `add`; what the envelope covers is verified with its MAC.
  const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Omit<UploadRecord, 'envelope'> & {
    readonly envelope?: string
  }
  const { envelope: text, ...upload } = value
  const envelope = text === undefined ? undefined : parseBase64(text)
  return { ...upload, ...(envelope !== undefined && { envelope }) }
}
