import { RecentlyUsed } from '../../recently-used.ts'
import type { ListedRecord } from '../backend.ts'

/** What listings need of objects, by the store's ETag of one generation; the least recently used goes first. */
export class ListedCache {
  readonly #entries: RecentlyUsed<string, ListedRecord>

  constructor(countMax: number) {
    this.#entries = new RecentlyUsed(countMax)
  }

  get size(): number {
    return this.#entries.size
  }

  get(name: Generation): ListedRecord | undefined {
    return this.#entries.get(idOf(name))
  }

  set(name: Generation, { size, etag, modifiedAtMs, storageClass, owner, checksum }: ListedRecord): void {
    const listed = {
      size,
      etag,
      modifiedAtMs,
      storageClass,
      ...(owner !== undefined && { owner }),
      ...(checksum !== undefined && { checksum }),
    }
    this.#entries.set(idOf(name), listed, 1)
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
