import { join } from 'node:path'
import type { Cursor } from '../name-pages.ts'
import { entriesOf, type FolderEntry, FolderWindows } from './folder-windows.ts'

/** The keys of a bucket that is a folder, in UTF-8 byte order: a file is an object, and so is an empty folder, with a slash behind. */

/** How keys are folded, and before which name they end: folders from there on are not looked into. */
export interface Folding {
  readonly prefix: string
  readonly delimiter: string
  readonly end?: string | undefined
}

/** A cursor as seen from a folder: the rest of its key. */
interface Position {
  readonly rest: Buffer
  readonly past: boolean
}

const slash = 0x2f

export class FolderNames {
  readonly #windows = new FolderWindows()

  /**
   * The first key from the cursor on, undefined behind the last. Where a folder's keys are all folded into one prefix, any of
   * them stands for the first.
   */
  async first(folder: string, { key, past }: Cursor, folding: Folding): Promise<string | undefined> {
    const found = await this.#first(folder, '', { rest: Buffer.from(key), past }, folding)
    // The bucket itself is no object.
    return found === '' ? undefined : found
  }

  async #first(
    folder: string,
    above: string,
    from: Position | undefined,
    folding: Folding,
  ): Promise<string | undefined> {
    let at = elementOf(from)
    for (;;) {
      const { window, index } = await this.#windows.at(folder, at)
      if (window.empty) return isBehind(from) ? undefined : above
      for (let next = index; next < window.entries.length; next++) {
        const entry = window.entries[next] as FolderEntry
        if (isFrom(above, entry, folding.end)) return undefined
        const key = await this.#firstOf(entry, { folder, above, from, folding })
        if (key !== undefined) return key
      }
      const end = window.entries.at(-1)
      if (window.last || end === undefined) return undefined
      at = Buffer.concat([end.order, Buffer.of(0)])
    }
  }

  #firstOf(
    entry: FolderEntry,
    place: {
      readonly folder: string
      readonly above: string
      readonly from: Position | undefined
      readonly folding: Folding
    },
  ): Promise<string | undefined> | string | undefined {
    const { folder, from, folding } = place
    const path = join(folder, entry.name)
    if (!entry.isFolder) {
      const passed = from?.past === true && from.rest.equals(entry.order)
      return passed ? undefined : place.above + entry.name
    }
    const above = `${place.above}${entry.name}/`
    if (from?.rest.subarray(0, entry.order.length).equals(entry.order)) {
      const rest = from.rest.subarray(entry.order.length)
      return this.#first(path, above, { rest, past: from.past }, folding)
    }
    return isFolded(above, folding) ? any(path, above) : this.#first(path, above, undefined, folding)
  }
}

/** The cursor's first element, with its slash: entries below it have no key from the cursor on. */
function elementOf(from: Position | undefined): Buffer {
  if (from === undefined) return Buffer.alloc(0)
  const end = from.rest.indexOf(slash)
  return end < 0 ? from.rest : from.rest.subarray(0, end + 1)
}

/** Whether the key of the folder itself is before the cursor. */
function isBehind(from: Position | undefined): boolean {
  return from !== undefined && (from.rest.length > 0 || from.past)
}

function isFrom(above: string, { order }: FolderEntry, end: string | undefined): boolean {
  if (end === undefined) return false
  return Buffer.compare(Buffer.concat([Buffer.from(above), order]), Buffer.from(end)) >= 0
}

function isFolded(key: string, { prefix, delimiter }: Folding): boolean {
  return delimiter === '/' && key.startsWith(prefix) && key.includes(delimiter, prefix.length)
}

/** Some key of the folder. */
async function any(folder: string, above: string): Promise<string | undefined> {
  let empty = true
  for await (const entry of entriesOf(folder)) {
    empty = false
    if (entry === undefined) continue
    const key = entry.isFolder
      ? await any(join(folder, entry.name), `${above}${entry.name}/`)
      : above + entry.name
    if (key !== undefined) return key
  }
  return empty ? above : undefined
}
