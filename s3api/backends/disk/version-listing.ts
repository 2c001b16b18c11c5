import { type Cursor, cursorAfter, scanPage } from '../name-pages.ts'
import type { VersionEntry, VersionPage, VersionQuery } from '../versions.ts'
import { findVersion } from './object-rows.ts'
import { type Row, toListedRecord, toTime, versionIdOf } from './rows.ts'
import type { Statements } from './statements.ts'

/** Versions come newest first: behind the id of a {@link Cursor}, a row id, are those below it. */

/** One page of a bucket's versions: its live rows and those behind them, merged. */
export async function versionPage(
  statements: Statements,
  bucket: string,
  query: VersionQuery,
): Promise<VersionPage> {
  const { entries, truncated } = await scanPage<Row>({
    ...query,
    from: cursorOf(statements, bucket, query),
    fetch: (from, end, count) => fetchRows(statements, { bucket, from, end, count }),
    keyOf: (row) => String(row.key),
    after: (row) => ({ key: String(row.key), past: true, id: String(row.id) }),
  })
  return {
    entries: entries.map((entry) => (entry.kind === 'prefix' ? entry : toEntry(entry.row))),
    truncated,
  }
}

function cursorOf(statements: Statements, bucket: string, query: VersionQuery): Cursor {
  const { keyMarker, versionIdMarker } = query
  if (versionIdMarker === '') return cursorAfter(keyMarker, query)
  const row = findVersion(statements, { bucket, key: keyMarker, versionId: versionIdMarker })
  if (row === undefined) return { key: keyMarker, past: false }
  return { key: keyMarker, past: true, id: String(row.id) }
}

/** Both halves come in order from their indexes; whether a row is its key's newest is looked up there, too. */
function fetchRows(
  statements: Statements,
  options: {
    readonly bucket: string
    readonly from: Cursor
    readonly end: string | undefined
    readonly count: number
  },
): Row[] {
  const { bucket, from, end, count } = options
  const columns = 'id, key, version, live, marker, size, etag, modified_at_ms, storage_class, owner, checksum'
  const half = (live: 0 | 1) =>
    `SELECT ${columns} FROM objects WHERE live = ${live} AND bucket = ?1 AND key >= ?2
     AND (key > ?2 OR id < ?3) ${end === undefined ? '' : 'AND key < ?5'}`
  const sql = `SELECT *, NOT EXISTS (
      SELECT 1 FROM objects AS newer WHERE newer.live = 1 AND newer.bucket = ?1 AND newer.key = found.key AND newer.id > found.id
    ) AND NOT EXISTS (
      SELECT 1 FROM objects AS newer WHERE newer.live = 0 AND newer.bucket = ?1 AND newer.key = found.key AND newer.id > found.id
    ) AS latest
    FROM (${half(1)} UNION ALL ${half(0)} ORDER BY key, id DESC LIMIT ?4) AS found`
  const id = from.id !== undefined ? Number(from.id) : from.past ? 0 : Number.MAX_SAFE_INTEGER
  return statements.all(sql, bucket, from.key, id, count, ...(end === undefined ? [] : [end]))
}

function toEntry(row: Row): VersionEntry {
  const shared = { key: String(row.key), versionId: versionIdOf(row), latest: row.latest === 1 }
  return row.marker === 1
    ? {
        kind: 'marker',
        ...shared,
        modifiedAtMs: toTime(row.modified_at_ms),
        ...(row.owner !== null && { owner: String(row.owner) }),
      }
    : { kind: 'version', ...shared, record: toListedRecord(row) }
}
