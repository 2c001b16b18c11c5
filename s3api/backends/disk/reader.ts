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
import { type Cursor, cursorAfter, scanPage } from '../name-pages.ts'
import type { ObjectAttributes, VersionPage, VersionQuery } from '../versions.ts'
import { BucketRows } from './bucket-rows.ts'
import type { StreamPlace } from './command.ts'
import { type Database, openDatabase } from './database.ts'
import { ObjectRecords } from './object-records.ts'
import { findVersion } from './object-rows.ts'
import {
  type Row,
  toAttributes,
  toBucket,
  toListedRecord,
  toListedUpload,
  toMarker,
  toPartRecord,
  toUploadRecord,
  versionIdOf,
} from './rows.ts'
import { Statements } from './statements.ts'
import { versionPage } from './version-listing.ts'

/** An object's row and where its streams are, as one transaction saw them. */
export interface ObjectView {
  readonly id: number
  readonly record: ObjectRecord
  readonly attributes: ObjectAttributes
  readonly versionId?: string
  readonly places: readonly StreamPlace[]
}

/** Queries on a connection that cannot write; each is short enough for the event loop. */
export class Reader {
  readonly #database: Database
  readonly #statements: Statements
  readonly #bucketRows: BucketRows
  readonly #records = new ObjectRecords()

  constructor(path: string) {
    this.#database = openDatabase(path, { readOnly: true })
    this.#statements = new Statements(this.#database)
    this.#bucketRows = new BucketRows(this.#statements)
  }

  /** Errors: no-such-bucket. */
  bucket(name: string): Bucket {
    return this.#bucketRows.bucket(name)
  }

  buckets(): Bucket[] {
    return this.#statements.all('SELECT * FROM buckets ORDER BY name').map(toBucket)
  }

  /** Errors: no-such-bucket. */
  setting(bucket: string, name: string): string | undefined {
    return this.#bucketRows.setting(bucket, name)
  }

  /** Errors: as Backend's getObject. */
  object(bucket: string, key: string, versionId: string | undefined): ObjectView {
    if (versionId === undefined) {
      const row = this.#statements.get(
        `SELECT objects.*, file, body FROM objects JOIN streams ON object = id AND position = 0
         WHERE live = 1 AND bucket = ? AND key = ?`,
        bucket,
        key,
      )
      // Most objects have one stream and need no transaction.
      const view = row && this.#view(row, [toPlace(row)])
      if (view !== undefined && view.record.parts === undefined) return view
    }
    this.#database.exec('BEGIN')
    try {
      this.bucket(bucket)
      const row =
        versionId === undefined ? this.#current(bucket, key) : this.#version({ bucket, key, versionId })
      const streams = this.#statements.all(
        'SELECT file, body FROM streams WHERE object = ? ORDER BY position',
        Number(row.id),
      )
      return this.#view(row, streams.map(toPlace))
    } finally {
      this.#database.exec('COMMIT')
    }
  }

  #view(row: Row, places: readonly StreamPlace[]): ObjectView {
    const { versioning } = this.bucket(String(row.bucket))
    return {
      id: Number(row.id),
      record: this.#records.of(row),
      attributes: toAttributes(row),
      places,
      ...(versioning !== 'unversioned' && { versionId: versionIdOf(row) }),
    }
  }

  #current(bucket: string, key: string): Row {
    const row = this.#statements.get(
      'SELECT * FROM objects WHERE live = 1 AND bucket = ? AND key = ?',
      bucket,
      key,
    )
    if (row !== undefined) return row
    const newest = this.#statements.get(
      'SELECT * FROM objects WHERE live = 0 AND bucket = ? AND key = ? ORDER BY id DESC LIMIT 1',
      bucket,
      key,
    )
    throw new BackendError('no-such-key', 'there is no such object', {
      ...(newest !== undefined && { marker: toMarker(newest) }),
    })
  }

  #version(name: { readonly bucket: string; readonly key: string; readonly versionId: string }): Row {
    const row = findVersion(this.#statements, name)
    if (row === undefined) throw new BackendError('no-such-version', 'there is no such version of the object')
    if (row.marker === 0) return row
    throw new BackendError('delete-marker', 'the version is a delete marker', { marker: toMarker(row) })
  }

  hasObject(id: number): boolean {
    return this.#statements.get('SELECT 1 FROM objects WHERE id = ?', id) !== undefined
  }

  /** Errors: no-such-bucket, no-such-upload. */
  upload(bucket: string, key: string, uploadId: string): UploadRecord {
    this.bucket(bucket)
    const row = this.#statements.get(
      'SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?',
      uploadId,
      bucket,
      key,
    )
    if (row === undefined) throw new BackendError('no-such-upload', 'there is no such upload')
    return toUploadRecord(row)
  }

  parts({ uploadId }: UploadRecord, page: { readonly after: number; readonly limit: number }) {
    const rows = this.#statements.all(
      'SELECT number, generation, details, mac FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?',
      uploadId,
      page.after,
      page.limit + 1,
    )
    // After the parts: those of an upload that another process ends in between are no empty list.
    if (this.#statements.get('SELECT 1 FROM uploads WHERE id = ?', uploadId) === undefined) {
      throw new BackendError('no-such-upload', 'there is no such upload')
    }
    const parts: PartRecord[] = rows.slice(0, page.limit).map(toPartRecord)
    return { parts, truncated: page.limit > 0 && rows.length > page.limit }
  }

  /** Errors: no-such-bucket. */
  async objects(bucket: string, query: ListQuery): Promise<ObjectPage> {
    this.bucket(bucket)
    const columns = 'key, size, etag, modified_at_ms, storage_class, owner, checksum'
    const { entries, truncated } = await scanPage({
      ...query,
      from: cursorAfter(query.startAfter, query),
      fetch: ({ key, past }, end, count) => {
        const from = past ? 'key > ?' : 'key >= ?'
        const below = end === undefined ? '' : 'AND key < ?'
        return this.#statements.all(
          `SELECT ${columns} FROM objects WHERE live = 1 AND bucket = ? AND ${from} ${below} ORDER BY key LIMIT ?`,
          ...[bucket, key, ...(end === undefined ? [] : [end]), count],
        )
      },
      keyOf,
      after: (row) => ({ key: keyOf(row), past: true }),
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
  async versions(bucket: string, query: VersionQuery): Promise<VersionPage> {
    this.bucket(bucket)
    return versionPage(this.#statements, bucket, query)
  }

  /** Errors: no-such-bucket. */
  async uploads(bucket: string, query: UploadQuery): Promise<UploadPage> {
    this.bucket(bucket)
    const { keyMarker, uploadIdMarker } = query
    const from: Cursor =
      uploadIdMarker === ''
        ? cursorAfter(keyMarker, query)
        : { key: keyMarker, past: true, id: uploadIdMarker }
    const { entries, truncated } = await scanPage({
      ...query,
      from,
      fetch: ({ key, past, id }, end, count) => {
        const start = id !== undefined ? '(key, id) > (?, ?)' : past ? 'key > ?' : 'key >= ?'
        const below = end === undefined ? '' : 'AND key < ?'
        return this.#statements.all(
          `SELECT * FROM uploads WHERE bucket = ? AND ${start} ${below} ORDER BY key, id LIMIT ?`,
          ...[bucket, key, ...(id === undefined ? [] : [id]), ...(end === undefined ? [] : [end]), count],
        )
      },
      keyOf,
      after: (row) => ({ key: keyOf(row), past: true, id: String(row.id) }),
    })
    return {
      entries: entries.map((entry) =>
        entry.kind === 'prefix' ? entry : { kind: 'upload', upload: toListedUpload(entry.row) },
      ),
      truncated,
    }
  }

  systemRecord(name: string): Uint8Array | undefined {
    const row = this.#statements.get('SELECT value FROM system_records WHERE name = ?', name)
    return row?.value instanceof Uint8Array ? row.value : undefined
  }

  systemRecords(
    prefix: string,
    { after, limit }: { readonly after: string; readonly limit: number },
  ): string[] {
    // Names are ASCII: the last one that begins so is below the prefix with a byte that none has.
    const rows = this.#statements.all(
      'SELECT name FROM system_records WHERE name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?',
      prefix,
      `${prefix}~`,
      after,
      limit,
    )
    return rows.map((row) => String(row.name))
  }

  /** Files to be removed, but for those that are due in that time. */
  trashBut(
    { afterMs, untilMs }: { readonly afterMs: number; readonly untilMs: number },
    limit: number,
  ): string[] {
    const some = (which: string) =>
      `SELECT * FROM (SELECT file FROM trash WHERE due_at_ms ${which} ORDER BY due_at_ms LIMIT ?3)`
    const sql = `${some('<= ?1')} UNION ALL ${some('> ?2')} LIMIT ?3`
    const rows = this.#statements.all(sql, afterMs, untilMs, limit)
    return rows.map((row) => String(row.file))
  }

  /** Whether any row names the file. */
  knowsFile(id: string): boolean {
    const row = this.#statements.get(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM streams WHERE file = ?1)
       OR EXISTS (SELECT 1 FROM parts WHERE file = ?1) OR EXISTS (SELECT 1 FROM trash WHERE file = ?1)`,
      id,
    )
    return row !== undefined
  }

  /** Of the database's own pages, what is free for further rows. */
  spareBytes(): number {
    const row = this.#statements.get(
      'SELECT freelist_count * page_size AS size FROM pragma_freelist_count, pragma_page_size',
    )
    return Number(row?.size)
  }

  close(): void {
    this.#database.close()
  }
}

function keyOf(row: Row): string {
  return String(row.key)
}

function toPlace(row: Row): StreamPlace {
  return row.body instanceof Uint8Array ? { body: row.body } : { file: String(row.file) }
}
