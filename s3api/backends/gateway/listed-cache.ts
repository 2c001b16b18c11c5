import { RecentlyUsed } from '../../recently-used.ts'
import type { ListedRecord } from '../backend.ts'
import { nullVersionId } from '../versions.ts'
import type { Found } from './lookup.ts'
import { parseTime } from './native-headers.ts'

/** What listings need of objects, by what the store says of one generation; the least recently used goes first. */
export class ListedCache {
  readonly #entries: RecentlyUsed<string, ListedRecord>

  constructor(countMax: number) {
    this.#entries = new RecentlyUsed(countMax)
  }

  get size(): number {
    return this.#entries.size
  }

  get(generation: Generation): ListedRecord | undefined {
    return this.#entries.get(idOf(generation))
  }

  set(
    { bucket, key, etag, versionId, headers }: Found,
    { size, etag: shownEtag, modifiedAtMs, storageClass, owner, checksum }: ListedRecord,
  ): void {
    const add = (id: string) => {
      const listed = {
        size,
        etag: shownEtag,
        modifiedAtMs,
        storageClass,
        ...(owner !== undefined && { owner }),
        ...(checksum !== undefined && { checksum }),
      }
      this.#entries.set(id, listed, 1)
    }
    const generation = { bucket, key, etag, modified: headers['last-modified'] }
    const id = idOf(generation)
    // Of most that are read it is known already.
    if (this.#entries.get(id) === undefined && isSettled(headers)) add(id)
    // Only one of the two kinds of listings tells of versions.
    if (isNamed(versionId)) add(idOf({ ...generation, versionId }))
  }
}

/** As the store tells of it. What is written again as it was, or copied to itself, differs in its time alone. */
interface Generation {
  readonly bucket: string
  readonly key: string
  readonly etag: string
  readonly modified: string | undefined
  readonly versionId?: string | undefined
}

function idOf({ bucket, key, etag, modified, versionId }: Generation): string {
  // Headers tell no parts of seconds, listings do.
  const modifiedAtSeconds = Math.floor(parseTime(modified) / 1000)
  return `${bucket}/${etag}/${modifiedAtSeconds}/${isNamed(versionId) ? versionId : ''}/${key}`
}

/** While its second lasts, an object can become another that the store tells of in the same way. */
function isSettled({ date, 'last-modified': modified }: Found['headers']): boolean {
  return date === undefined || parseTime(date) >= parseTime(modified) + 1000
}

/** The null version stores name in listings only. */
function isNamed(versionId: string | undefined): boolean {
  return versionId !== undefined && versionId !== nullVersionId
}
