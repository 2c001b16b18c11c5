import { setImmediate as immediate } from 'node:timers/promises'

/**
 * One page of names in UTF-8 byte order, those below a common prefix folded into one entry. Folded names are not walked
 * through: the scan goes on behind the prefix.
 */

/**
 * A place in the order: from this name on, or behind it. With an id, which comes with `past` only: behind that id of the name.
 * There is no least name behind another that could be bound instead: SQLite's binding ends a text at U+0000.
 */
export interface Cursor {
  readonly key: string
  readonly past: boolean
  readonly id?: string
}

export interface Scan<Row> {
  readonly prefix: string
  readonly delimiter: string
  /** Where the page begins. */
  readonly from: Cursor
  readonly limit: number
  /** Rows are asked for so many at a time; absent: {@link rowsPerFetchMax}. */
  readonly rowsPerFetch?: number
  /** Rows in order from the cursor on, below `end` where there is one, at most `count`. */
  fetch(from: Cursor, end: string | undefined, count: number): readonly Row[] | Promise<readonly Row[]>
  keyOf(row: Row): string
  /** Just behind the row. */
  after(row: Row): Cursor
}

export type ScanEntry<Row> =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'prefix'; readonly prefix: string }

const rowsPerFetchMax = 1_000
/** Of rows that are folded away, few are fetched at a time: there may be many below each prefix. */
const rowsPerFetchMin = 4
const rowsPerEntryMax = 4
/** So many rows, a fetch counted as some, and then it is the others' turn: a store in this process holds up all of them. */
const rowsPerTurn = 2_000
const rowsOfFetch = 20

export interface ScannedPage<Row> {
  readonly entries: ScanEntry<Row>[]
  readonly truncated: boolean
}

export async function scanPage<Row>(scan: Scan<Row>): Promise<ScannedPage<Row>> {
  const { prefix, limit, rowsPerFetch = rowsPerFetchMax } = scan
  const entries: ScanEntry<Row>[] = []
  if (limit === 0) return { entries, truncated: false }
  const end = successorOf(prefix)
  let from: Cursor | undefined = later(scan.from, { key: prefix, past: false })
  let rowsMax = rowsPerFetch
  let rowsOfTurn = 0
  while (from !== undefined && entries.length <= limit) {
    const count = Math.min(rowsMax, limit - entries.length + 1)
    const before = entries.length
    const rows = await scan.fetch(from, end, count)
    from = collect(scan, rows, entries)
    if (rows.length < count) break
    const gained = entries.length - before
    rowsMax = nextRowsMax(rowsMax, { rows: rows.length, gained }, rowsPerFetch)
    rowsOfTurn += rows.length + rowsOfFetch
    if (rowsOfTurn < rowsPerTurn) continue
    rowsOfTurn = 0
    await immediate()
  }
  const truncated = entries.length > limit
  return { entries: entries.slice(0, limit), truncated }
}

/** Twice as many while most of what is read is shown, no more than can be expected to be when it is not. */
function nextRowsMax(
  rowsMax: number,
  { rows, gained }: { readonly rows: number; readonly gained: number },
  rowsPerFetch: number,
): number {
  const wanted = gained * rowsPerEntryMax < rows ? gained * rowsPerEntryMax : rowsMax * 2
  return Math.min(Math.max(wanted, rowsPerFetchMin), rowsPerFetch)
}

/** Adds the rows to the page; says where to go on, or undefined when nothing can follow. */
function collect<Row>(scan: Scan<Row>, rows: readonly Row[], entries: ScanEntry<Row>[]): Cursor | undefined {
  let next: Cursor | undefined
  for (const row of rows) {
    const key = scan.keyOf(row)
    const common = commonPrefixOf(key, scan)
    if (common === undefined) {
      entries.push({ kind: 'row', row })
      next = scan.after(row)
      continue
    }
    const last = entries.at(-1)
    if (last?.kind !== 'prefix' || last.prefix !== common) entries.push({ kind: 'prefix', prefix: common })
    next = cursorAt(successorOf(common))
  }
  return next
}

/** Where a listing goes on that ended with `marker`: behind all names below it, where it is a common prefix. */
export function cursorAfter(
  marker: string,
  listing: { readonly prefix: string; readonly delimiter: string },
): Cursor {
  if (marker !== '' && commonPrefixOf(marker, listing) === marker) {
    return cursorAt(successorOf(marker)) ?? { key: marker, past: true }
  }
  return { key: marker, past: marker !== '' }
}

function commonPrefixOf(
  key: string,
  { prefix, delimiter }: { readonly prefix: string; readonly delimiter: string },
): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}

function cursorAt(key: string | undefined): Cursor | undefined {
  return key === undefined ? undefined : { key, past: false }
}

function later(left: Cursor, right: Cursor): Cursor {
  return Buffer.compare(Buffer.from(left.key), Buffer.from(right.key)) >= 0 ? left : right
}

/** The least name above all names with that prefix, in order of code points, which is that of UTF-8; undefined: none. */
function successorOf(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue
    // Surrogates are no characters.
    points.push(last === 0xd7ff ? 0xe000 : last + 1)
    return String.fromCodePoint(...points)
  }
  return undefined
}
