import type { Logger } from 'pino'
import { BackendError } from '../backend.ts'
import { answerSizeMax } from './store-limits.ts'
import type { SystemBucket } from './system-records.ts'
import type { UploadStore } from './upload-store.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'

const everyMs = 24 * 60 * 60 * 1000
const firstAfterMs = 60_000
const keysPerPage = 1000
const folderName = /^(uploads\/[^/]+\/[0-9a-f]{64}\/)/

/** Clears traces of uploads that have ended from the system bucket, where whoever ended them could not. */
export class Sweeper {
  readonly #upstream: Upstream
  readonly #system: SystemBucket
  readonly #store: UploadStore
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #sweeping: Promise<void> | undefined

  constructor(parts: {
    readonly upstream: Upstream
    readonly system: SystemBucket
    readonly store: UploadStore
    readonly log: Logger
  }) {
    this.#upstream = parts.upstream
    this.#system = parts.system
    this.#store = parts.store
    this.#log = parts.log
  }

  /** Sweeps soon, and once a day; not at the minute at which others do. */
  start(): void {
    this.#wait(firstAfterMs)
  }

  /** Errors: BackendError unavailable. */
  async sweep(): Promise<void> {
    let after = 'uploads/'
    let folder = ''
    const end = async () => {
      if (folder !== '' && !(await this.#isRunning(folder))) await this.#system.deleteAll(folder)
    }
    for (;;) {
      const { keys, truncated } = await this.#system.list('uploads/', { after, limit: keysPerPage })
      for (const key of keys) {
        if (this.#closed) return
        const [, next] = folderName.exec(key) ?? []
        if (next === undefined || next === folder) continue
        await end()
        folder = next
      }
      if (!truncated) break
      after = keys.at(-1) ?? after
    }
    if (!this.#closed) await end()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#sweeping
  }

  #wait(ms: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(
      () => {
        this.#sweeping = this.sweep()
          .catch((error: unknown) => this.#log.warn({ err: error }, 'the system bucket could not be swept'))
          .finally(() => this.#wait(everyMs))
      },
      ms * (1 + Math.random()),
    ).unref()
  }

  /** Whether the upload is remembered here, and the store still has it, which its own rules may have ended. */
  async #isRunning(folder: string): Promise<boolean> {
    const upload = await this.#store.findIn(folder)
    if (upload === undefined) return false
    const { bucket, key, uploadId } = upload
    const query = { uploadId, 'max-parts': '1' }
    try {
      await asBackend(
        () => this.#upstream.fetch({ method: 'GET', bucket, key, query, repeatable: true }, answerSizeMax),
        'no-such-upload',
      )
      return true
    } catch (error) {
      if (!(error instanceof BackendError) || error.code === 'unavailable') throw error
      return error.code !== 'no-such-upload' && error.code !== 'no-such-bucket'
    }
  }
}
