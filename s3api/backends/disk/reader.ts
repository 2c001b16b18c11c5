import {
  BackendError,
  type Bucket,
  type ListedRecord,
  type ListQuery,
  type ObjectPage,
  type ObjectRecord,
  type PartRecord,
  type UploadPage,
  type UploadQuery,
  type UploadRecord,
} from '../backend.ts'
import type { StreamPlace } from './command.ts'
import { type Database, openDatabase, type Statement } from './database.ts'
import { type Cursor, cursorAfter, scanPage } from './listing.ts'
import { type Row, toListedRecord, toObjectRecord, toPartRecord, toUploadRecord } from './rows.ts'

/** An object's row and where its streams are, as one transaction saw them. */
export interface ObjectView {
  readonly id: number
  readonly record: ObjectRecord
  readonly places: readonly StreamPlace[]
}

type Value = string | number

/** Queries on a connection that cannot write; each is short enough for the event loop. */
export class Reader {
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()

  constructor(path: string) {
    this.#database = openDatabase(path, { readOnly: true })
  }

  /** Errors: no-such-bucket. */
  bucket(name: string): Bucket {
    const row = this.#get('SELECT * FROM buckets WHERE name = ?', name)
    if (row === undefined) throw new BackendError('no-such-bucket', `there is no bucket ${name}`)
    return toBucket(row)
  }

  buckets(): Bucket[] {
    return this.#all('SELECT * FROM buckets ORDER BY name').map(toBucket)
  }

  setting(bucket: string, name: string): string | undefined {
    this.bucket(bucket)
    const row = this.#get('SELECT value FROM settings WHERE bucket = ? AND name = ?', bucket, name)
    return row === undefined ? undefined : String(row.value)
  }

  /** Errors: no-such-bucket, no-such-key. */
  object(bucket: string, key: string): ObjectView {
    this.#database.exec('BEGIN')
    try {
      const row = this.#get('SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, key)
      if (row === undefined) {
        this.bucket(bucket)
        throw new BackendError('no-such-key', 'there is no such object')
      }
      const id = Number(row.id)
      const streams = this.#all('SELECT file, body FROM streams WHERE object = ? ORDER BY position', id)
      return { id, record: toObjectRecord(row), places: streams.map(toPlace) }
    } finally {
      this.#database.exec('COMMIT')
    }
  }

  hasObject(id: number): boolean {
    return this.#get('SELECT 1 FROM objects WHERE id = ?', id) !== undefined
  }

  /** Errors: no-such-bucket, no-such-upload. */
  upload(bucket: string, key: string, uploadId: string): UploadRecord {
    this.bucket(bucket)
    const row = this.#get(
      'SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?',
      uploadId,
      bucket,
      key,
    )
    if (row === undefined) throw new BackendError('no-such-upload', 'there is no such upload')
    return toUploadRecord(row)
  }

  parts({ uploadId }: UploadRecord, page: { readonly after: number; readonly limit: number }) {
    if (this.#get('SELECT 1 FROM uploads WHERE id = ?', uploadId) === undefined) {
      throw new BackendError('no-such-upload', 'there is no such upload')
    }
    const rows = this.#all(
      'SELECT number, generation, details, mac FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?',
      uploadId,
      page.after,
      page.limit + 1,
    )
    const parts: PartRecord[] = rows.slice(0, page.limit).map(toPartRecord)
    return { parts, truncated: page.limit > 0 && rows.length > page.limit }
  }

  /** Errors: no-such-bucket. */
  objects(bucket: string, query: ListQuery): ObjectPage {
    this.bucket(bucket)
    const columns = 'key, size, etag, modified_at_ms, storage_class, owner, checksum'
    const { entries, truncated } = scanPage({
      ...query,
      from: cursorAfter(query.startAfter, query),
      fetch: ({ key }, end, count) =>
        end === undefined
          ? this.#all(
              `SELECT ${columns} FROM objects WHERE bucket = ? AND key >= ? ORDER BY key LIMIT ?`,
              bucket,
              key,
              count,
            )
          : this.#all(
              `SELECT ${columns} FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
              bucket,
              key,
              end,
              count,
            ),
      keyOf,
      after: (row) => ({ key: `${keyOf(row)}\u0000`, id: '' }),
    })
    return {
      entries: entries.map((entry) =>
        entry.kind === 'prefix'
          ? entry
          : {
              kind: 'object',
              key: keyOf(entry.row),
              record: toListedRecord(entry.row) satisfies ListedRecord,
            },
      ),
      truncated,
    }
  }

  /** Errors: no-such-bucket. */
  uploads(bucket: string, query: UploadQuery): UploadPage {
    this.bucket(bucket)
    const { keyMarker, uploadIdMarker } = query
    const from: Cursor =
      uploadIdMarker === ''
        ? cursorAfter(keyMarker, query)
        : { key: keyMarker, id: `${uploadIdMarker}\u0000` }
    const { entries, truncated } = scanPage({
      ...query,
      from,
      fetch: ({ key, id }, end, count) => {
        const where = 'bucket = ? AND (key, id) >= (?, ?)'
        const order = 'ORDER BY key, id LIMIT ?'
        return end === undefined
          ? this.#all(`SELECT * FROM uploads WHERE ${where} ${order}`, bucket, key, id, count)
          : this.#all(
              `SELECT * FROM uploads WHERE ${where} AND key < ? ${order}`,
              bucket,
              key,
              id,
              end,
              count,
            )
      },
      keyOf,
      after: (row) => ({ key: keyOf(row), id: `${String(row.id)}\u0000` }),
    })
    return {
      entries: entries.map((entry) =>
        entry.kind === 'prefix' ? entry : { kind: 'upload', upload: toUploadRecord(entry.row) },
      ),
      truncated,
    }
  }

  systemRecord(name: string): Uint8Array | undefined {
    const row = this.#get('SELECT value FROM system_records WHERE name = ?', name)
    return row?.value instanceof Uint8Array ? row.value : undefined
  }

  systemRecords(
    prefix: string,
    { after, limit }: { readonly after: string; readonly limit: number },
  ): string[] {
    // Names are ASCII: the last one that begins so is below the prefix with a byte that none has.
    const rows = this.#all(
      'SELECT name FROM system_records WHERE name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?',
      prefix,
      `${prefix}~`,
      after,
      limit,
    )
    return rows.map((row) => String(row.name))
  }

  /** Files to be removed by now. */
  dueTrash(nowMs: number, limit: number): string[] {
    const rows = this.#all(
      'SELECT file FROM trash WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?',
      nowMs,
      limit,
    )
    return rows.map((row) => String(row.file))
  }

  /** Whether any row names the file. */
  knowsFile(id: string): boolean {
    const row = this.#get(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM streams WHERE file = ?1)
       OR EXISTS (SELECT 1 FROM parts WHERE file = ?1) OR EXISTS (SELECT 1 FROM trash WHERE file = ?1)`,
      id,
    )
    return row !== undefined
  }

  close(): void {
    this.#database.close()
  }

  #get(sql: string, ...values: Value[]): Row | undefined {
    return this.#statement(sql).get(...values)
  }

  #all(sql: string, ...values: Value[]): Row[] {
    return this.#statement(sql).all(...values)
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function keyOf(row: Row): string {
  return String(row.key)
}

function toBucket(row: Row): Bucket {
  return {
    name: String(row.name),
    createdAtMs: Number(row.created_at_ms),
    ...(row.owner !== null && { owner: String(row.owner) }),
  }
}

function toPlace(row: Row): StreamPlace {
  return row.body instanceof Uint8Array ? { body: row.body } : { file: String(row.file) }
}
