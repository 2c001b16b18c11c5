import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, toReadError } from './plain-files.ts'

/**
 * The names in a folder, in the order of the keys that begin with them. Of a folder with more than a window's names only a run
 * of them is in memory at a time, so that a listing needs the same little for any folder; the next run costs reading it again.
 */

const windowNamesMax = 4_096
/** Remembered for the pages that follow. */
const windowsMax = 32
const windowAgeMaxMs = 10_000

export interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
  /** The name in UTF-8, a folder's with its slash: what keys are ordered by. */
  readonly order: Buffer
}

export interface FolderWindow {
  /** In order. */
  readonly entries: readonly FolderEntry[]
  /** Nothing follows. */
  readonly last: boolean
  /** There is nothing in the folder, not even what is no object. */
  readonly empty: boolean
}

interface RememberedWindow extends FolderWindow {
  readonly from: Buffer
  readonly readAtMs: number
}

export class FolderWindows {
  readonly #windows = new Map<string, RememberedWindow>()

  /** A window with the entries from that one on, and the index of the first of them. */
  async at(folder: string, from: Buffer): Promise<{ readonly window: FolderWindow; readonly index: number }> {
    const known = this.#windows.get(folder)
    const window = known !== undefined && covers(known, from) ? known : await readWindow(folder, from)
    // The one that was used longest ago goes first: a Map keeps the order of insertion.
    this.#windows.delete(folder)
    if (this.#windows.size >= windowsMax) this.#windows.delete(this.#windows.keys().next().value ?? '')
    this.#windows.set(folder, window)
    return { window, index: firstFrom(window.entries, from) }
  }
}

/** Objects and folders, in no order. A folder that is gone has none. Errors: BackendError unreadable. */
export async function* entriesOf(folder: string): AsyncGenerator<FolderEntry | undefined, void, undefined> {
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      const { name } = entry
      const isFolder = entry.isDirectory()
      // Neither links nor devices are objects.
      const counts = (isFolder || entry.isFile()) && (await isText(folder, name))
      yield counts ? { name, isFolder, order: Buffer.from(isFolder ? `${name}/` : name) } : undefined
    }
  } catch (error) {
    if (!isMissing(error)) throw toReadError(error, folder)
  }
}

/** Names that are no UTF-8 come with another character in place of what is none, and are nobody's keys. */
async function isText(folder: string, name: string): Promise<boolean> {
  if (!name.includes('\ufffd')) return true
  return lstat(join(folder, name)).then(
    () => true,
    () => false,
  )
}

async function readWindow(folder: string, from: Buffer): Promise<RememberedWindow> {
  const readAtMs = performance.now()
  let entries: FolderEntry[] = []
  let empty = true
  let last = true
  const cut = () => {
    entries.sort((a, b) => Buffer.compare(a.order, b.order))
    if (entries.length <= windowNamesMax) return
    entries = entries.slice(0, windowNamesMax)
    last = false
  }
  for await (const entry of entriesOf(folder)) {
    empty = false
    if (entry === undefined || Buffer.compare(entry.order, from) < 0) continue
    entries.push(entry)
    if (entries.length === 2 * windowNamesMax) cut()
  }
  cut()
  return { from, readAtMs, entries, last, empty }
}

function covers({ from, readAtMs, entries, last }: RememberedWindow, wanted: Buffer): boolean {
  if (performance.now() - readAtMs > windowAgeMaxMs || Buffer.compare(wanted, from) < 0) return false
  const end = entries.at(-1)
  return last || (end !== undefined && Buffer.compare(wanted, end.order) <= 0)
}

function firstFrom(entries: readonly FolderEntry[], from: Buffer): number {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = entries[middle]
    if (entry !== undefined && Buffer.compare(entry.order, from) < 0) low = middle + 1
    else high = middle
  }
  return low
}
