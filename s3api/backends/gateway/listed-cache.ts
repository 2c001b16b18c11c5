import type { ListedRecord } from '../backend.ts'

/** What listings need of objects, by the store's ETag of one generation; the least recently used goes first. */
export class ListedCache {
  readonly #entries = new Map<string, ListedRecord>()
  readonly #countMax: number

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get size(): number {
    return this.#entries.size
  }

  get(name: Generation): ListedRecord | undefined {
    const id = idOf(name)
    const known = this.#entries.get(id)
    if (known === undefined) return undefined
    this.#entries.delete(id)
    this.#entries.set(id, known)
    return known
  }

  set(name: Generation, { size, etag, modifiedAtMs, storageClass, owner, checksum }: ListedRecord): void {
    const id = idOf(name)
    this.#entries.delete(id)
    // A Map keeps the order of insertion.
    if (this.#entries.size >= this.#countMax) this.#entries.delete(this.#entries.keys().next().value ?? '')
    this.#entries.set(id, {
      size,
      etag,
      modifiedAtMs,
      storageClass,
      ...(owner !== undefined && { owner }),
      ...(checksum !== undefined && { checksum }),
    })
  }
}

interface Generation {
  readonly bucket: string
  readonly key: string
  /** The store's. */
  readonly etag: string
}

function idOf({ bucket, key, etag }: Generation): string {
  return `${bucket}/${etag}/${key}`
}
