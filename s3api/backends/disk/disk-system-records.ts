import { BackendError, requireSystemRecord, type SystemRecords } from '../backend.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** Sealgate's own records, as rows of the metadata store. */
export class DiskSystemRecords implements SystemRecords {
  readonly #reader: Reader
  readonly #writer: Writer

  constructor({ reader, writer }: { readonly reader: Reader; readonly writer: Writer }) {
    this.#reader = reader
    this.#writer = writer
  }

  async get(name: string) {
    requireSystemRecord(name)
    return this.#reader.systemRecord(name)
  }

  async put(name: string, value: Uint8Array, { onlyIfAbsent = false } = {}) {
    requireSystemRecord(name, value)
    try {
      await this.#writer.execute({ type: 'put-system-record', name, value, onlyIfAbsent })
      return true
    } catch (error) {
      if (error instanceof BackendError && error.code === 'precondition-failed') return false
      throw error
    }
  }

  async list(prefix: string, page: { readonly after: string; readonly limit: number }) {
    return this.#reader.systemRecords(prefix, page)
  }

  async delete(name: string) {
    requireSystemRecord(name)
    await this.#writer.execute({ type: 'delete-system-record', name })
  }
}
