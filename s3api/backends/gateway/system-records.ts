import { BackendError, requireSystemRecord, type SystemRecords, systemRecordSizeMax } from '../backend.ts'
import { inParallel } from '../parallel.ts'
import type { UpstreamBody } from './body.ts'
import { answerSizeMax } from './store-limits.ts'
import type { Asking, Upstream } from './upstream.ts'
import { asBackend, toBackendError } from './upstream-error.ts'
import { XmlList } from './xml-list.ts'

/** Sealgate's own bucket in the store. Nothing of it is secret, and nothing of it is needed to read an object. */
export class SystemBucket {
  readonly name: string
  readonly #upstream: Upstream
  readonly #optional: boolean

  /** `optional`: nobody has to have made it, and then there is nothing in it. */
  constructor(upstream: Upstream, name: string, { optional = false } = {}) {
    this.#upstream = upstream
    this.#optional = optional
    this.name = name
  }

  /** Makes it where there is none. Errors: BackendError unavailable. */
  async prepare(): Promise<void> {
    try {
      await this.#upstream.fetch({ method: 'HEAD', bucket: this.name, repeatable: true }, 0)
    } catch (error) {
      const known = toBackendError(error, 'no-such-bucket')
      if (!(known instanceof BackendError) || known.code !== 'no-such-bucket') throw this.#unusable(known)
      await this.#create()
    }
  }

  /** Undefined: there is none. Errors: BackendError unavailable. */
  async get(key: string, sizeMax: number, asking: Asking = {}): Promise<Uint8Array | undefined> {
    try {
      const request = { method: 'GET', bucket: this.name, key, ...asking, repeatable: true } as const
      return (await this.#upstream.fetch(request, sizeMax)).bytes
    } catch (error) {
      if (this.#isMissing(error)) return undefined
      throw this.#failed(error)
    }
  }

  /** For a large one. Errors: no-such-key. */
  async open(key: string): Promise<UpstreamBody> {
    return asBackend(async () => {
      const request = { method: 'GET', bucket: this.name, key, use: 'reading', repeatable: true } as const
      const { body } = await this.#upstream.send(request)
      return body
    })
  }

  /** Removes all keys that begin so. */
  async deleteAll(prefix: string): Promise<void> {
    for (;;) {
      const { keys, truncated } = await this.list(prefix, { after: '', limit: keysPerDelete })
      await inParallel(keys, deletesAtOnce, (key) => this.delete(key))
      if (!truncated) return
    }
  }

  /** False: there is one, and the put was only for where there is none. */
  async put(key: string, value: Uint8Array, { onlyIfAbsent = false } = {}): Promise<boolean> {
    try {
      await this.#upstream.fetch(
        {
          method: 'PUT',
          bucket: this.name,
          key,
          headers: onlyIfAbsent ? { 'if-none-match': '*' } : {},
          body: value,
          repeatable: !onlyIfAbsent,
        },
        answerSizeMax,
      )
      return true
    } catch (error) {
      const known = toBackendError(error, 'unavailable')
      if (onlyIfAbsent && known instanceof BackendError && known.code === 'precondition-failed') return false
      throw this.#failed(error)
    }
  }

  /** Keys in byte order. */
  async list(prefix: string, { after, limit }: { readonly after: string; readonly limit: number }) {
    const nothing = { keys: [], truncated: false }
    if (limit === 0) return nothing
    return asBackend(async () => {
      const { bytes } = await this.#upstream.fetch(
        {
          method: 'GET',
          bucket: this.name,
          query: {
            'list-type': '2',
            prefix,
            ...(after !== '' && { 'start-after': after }),
            'max-keys': String(limit),
            'encoding-type': 'url',
          },
          repeatable: true,
        },
        listSizeMax,
      )
      const list = new XmlList(bytes, 'ListBucketResult')
      return {
        keys: list.entries('Contents').map((entry) => entry.key('Key')),
        truncated: list.flag('IsTruncated'),
      }
    }, 'unavailable').catch((error: unknown) => {
      if (this.#isMissing(error)) return nothing
      throw this.#failed(error)
    })
  }

  async delete(key: string): Promise<void> {
    try {
      const request = { method: 'DELETE', bucket: this.name, key, repeatable: true } as const
      await this.#upstream.fetch(request, answerSizeMax)
    } catch (error) {
      if (!this.#isMissing(error)) throw this.#failed(error)
    }
  }

  #isMissing(error: unknown): boolean {
    const known = toBackendError(error)
    if (!(known instanceof BackendError)) return false
    return known.code === 'no-such-key' || (known.code === 'no-such-bucket' && this.#optional)
  }

  /** That the system bucket is gone says nothing of a client's bucket. */
  #failed(error: unknown): Error {
    const known = toBackendError(error, 'unavailable')
    const gone = known instanceof BackendError && known.code === 'no-such-bucket'
    return gone ? this.#unusable(known) : known
  }

  async #create(): Promise<void> {
    try {
      await this.#upstream.fetch({ method: 'PUT', bucket: this.name, repeatable: true }, answerSizeMax)
    } catch (error) {
      const known = toBackendError(error)
      // Another front-end was first.
      if (known instanceof BackendError && known.code === 'bucket-exists') {
        await this.#upstream.fetch({ method: 'HEAD', bucket: this.name, repeatable: true }, 0)
        return
      }
      throw this.#unusable(known)
    }
  }

  #unusable(error: Error): Error {
    return new BackendError(
      'unavailable',
      `the system bucket ${this.name} cannot be used: ${error.message}`,
      {
        cause: error,
      },
    )
  }
}

const keysPerDelete = 1000
const deletesAtOnce = 8
/** 1,000 keys of 1,024 bytes, each of which takes three when it is encoded. */
export const listSizeMax = 8 * 1024 * 1024

const recordsPrefix = 'records/'

export function createSystemRecords(system: SystemBucket): SystemRecords {
  return {
    async get(name) {
      requireSystemRecord(name)
      return system.get(recordsPrefix + name, systemRecordSizeMax)
    },
    async put(name, value, options) {
      requireSystemRecord(name, value)
      return system.put(recordsPrefix + name, value, options)
    },
    async list(prefix, { after, limit }) {
      const from = after === '' ? '' : recordsPrefix + after
      const { keys } = await system.list(recordsPrefix + prefix, { after: from, limit })
      return keys.map((key) => key.slice(recordsPrefix.length))
    },
    async delete(name) {
      requireSystemRecord(name)
      return system.delete(recordsPrefix + name)
    },
  }
}
