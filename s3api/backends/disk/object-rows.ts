import { randomBytes } from 'node:crypto'
import { BackendError, type WriteCondition, type WrittenVersion } from '../backend.ts'
import {
  applyChanges,
  type Deletion,
  isRemovable,
  isRetentionChangeable,
  nullVersionId,
  type ObjectAttributes,
  type VersioningState,
} from '../versions.ts'
import type { Command } from './command.ts'
import { fromAttributes, type ObjectColumns, type Row, toAttributes, versionIdOf } from './rows.ts'
import type { Statements } from './statements.ts'

/** A reader that began before an overwrite may still want the files of a multipart object for so long. */
export const trashGraceMs = 15 * 60 * 1000
const markerIdSize = 24

interface Name {
  readonly bucket: string
  readonly key: string
}

/** The versions of objects, as rows that change inside of the caller's transaction. Errors: BackendError by the interface's table. */
export class ObjectRows {
  readonly #statements: Statements

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Inserts the new current version, as the bucket's versioning asks; its streams are the caller's to insert. */
  put(
    command: Name & {
      readonly columns: ObjectColumns
      readonly attributes: ObjectAttributes
      readonly versionId: string
      readonly condition: WriteCondition | undefined
      readonly atMs: number
    },
  ): WrittenVersion & { readonly id: number } {
    const versioning = this.versioning(command.bucket)
    requireCondition(command.condition, this.#live(command))
    this.#makeRoom(command, versioning)
    const { bucket, key, columns } = command
    const { lastInsertRowid } = this.#statements.run(
      `INSERT INTO objects (bucket, key, version, live, marker, size, etag, modified_at_ms, storage_class, owner,
       checksum, details, envelope, attributes) VALUES (?, ?, ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      bucket,
      key,
      versioning === 'enabled' ? command.versionId : null,
      columns.size,
      columns.etag,
      columns.modifiedAtMs,
      columns.storageClass,
      columns.owner,
      columns.checksum,
      columns.details,
      columns.envelope,
      fromAttributes(command.attributes),
    )
    const versionId = versioning === 'enabled' ? command.versionId : nullVersionId
    return { id: lastInsertRowid, ...shownVersion(versioning, versionId) }
  }

  delete(command: Extract<Command, { type: 'delete-object' }>): Deletion {
    const versioning = this.versioning(command.bucket)
    if (command.versionId !== undefined) return this.#deleteVersion(command, command.versionId, versioning)
    const newest = this.#live(command) ?? this.#newestBehind(command)
    if (newest === undefined && command.condition !== undefined) return { deleteMarker: false }
    if (newest !== undefined) requireCondition(command.condition, newest)
    if (versioning === 'unversioned') {
      if (newest !== undefined) this.#remove(newest, command)
      return { deleteMarker: false }
    }
    const version = versioning === 'enabled' ? randomBytes(markerIdSize).toString('base64url') : null
    this.#makeRoom(command, versioning)
    this.#statements.run(
      `INSERT INTO objects (bucket, key, version, live, marker, size, etag, modified_at_ms, storage_class, owner, details)
       VALUES (?, ?, ?, 0, 1, 0, '', ?, '', ?, '{}')`,
      command.bucket,
      command.key,
      version,
      command.atMs,
      command.owner,
    )
    return { versionId: version ?? nullVersionId, deleteMarker: true }
  }

  changeAttributes(command: Extract<Command, { type: 'change-attributes' }>): WrittenVersion {
    const versioning = this.versioning(command.bucket)
    const { versionId, changes } = command
    const row = versionId === undefined ? this.#live(command) : this.#version(command, versionId)
    if (row === undefined || row.marker === 1) {
      throw new BackendError(
        row === undefined ? (versionId === undefined ? 'no-such-key' : 'no-such-version') : 'delete-marker',
        'there is no such version of the object',
      )
    }
    const before = toAttributes(row)
    const after = applyChanges(before, changes)
    if (
      changes.retention !== undefined &&
      !isRetentionChangeable(before.retention, after.retention, command)
    ) {
      throw new BackendError('locked', 'the retention of the version cannot be weakened')
    }
    this.#statements.run(
      'UPDATE objects SET attributes = ? WHERE id = ?',
      fromAttributes(after),
      Number(row.id),
    )
    return shownVersion(versioning, versionIdOf(row))
  }

  /** Errors: no-such-bucket. */
  versioning(bucket: string): VersioningState {
    const row = this.#statements.get('SELECT versioning FROM buckets WHERE name = ?', bucket)
    if (row === undefined) throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
    // The column's check allows nothing else.
    return row.versioning as VersioningState
  }

  #deleteVersion(
    command: Extract<Command, { type: 'delete-object' }>,
    versionId: string,
    versioning: VersioningState,
  ): Deletion {
    const row = this.#version(command, versionId)
    if (row !== undefined) {
      requireCondition(command.condition, row)
      this.#remove(row, command)
      this.#reviveNewest(command)
    }
    return { ...shownVersion(versioning, versionId), deleteMarker: row?.marker === 1 }
  }

  /** The current version steps back, or goes, for a new one. */
  #makeRoom(command: Name & { readonly atMs: number }, versioning: VersioningState): void {
    if (versioning !== 'enabled') {
      const replaced = this.#version(command, nullVersionId)
      if (replaced !== undefined) this.#remove(replaced, { ...command, bypassGovernance: false })
    }
    if (versioning === 'unversioned') return
    const { bucket, key } = command
    this.#statements.run('UPDATE objects SET live = 0 WHERE live = 1 AND bucket = ? AND key = ?', bucket, key)
  }

  /** After a removal: the newest version left is the current one, unless it is a marker or is so already. */
  #reviveNewest(name: Name): void {
    if (this.#live(name) !== undefined) return
    const newest = this.#newestBehind(name)
    if (newest === undefined || newest.marker === 1) return
    this.#statements.run('UPDATE objects SET live = 1 WHERE id = ?', Number(newest.id))
  }

  /** Where no version is live: the delete marker that hides the object. */
  #newestBehind({ bucket, key }: Name): Row | undefined {
    return this.#statements.get(
      'SELECT * FROM objects WHERE live = 0 AND bucket = ? AND key = ? ORDER BY id DESC LIMIT 1',
      bucket,
      key,
    )
  }

  #live({ bucket, key }: Name): Row | undefined {
    return this.#statements.get(
      'SELECT * FROM objects WHERE live = 1 AND bucket = ? AND key = ?',
      bucket,
      key,
    )
  }

  #version({ bucket, key }: Name, versionId: string): Row | undefined {
    return findVersion(this.#statements, { bucket, key, versionId })
  }

  /** Removes a version; its files go to the trash in the same transaction, so that no crash leaves them behind. */
  #remove(
    row: Row,
    { atMs, bypassGovernance }: { readonly atMs: number; readonly bypassGovernance: boolean },
  ): void {
    if (!isRemovable(toAttributes(row), { atMs, bypassGovernance })) {
      throw new BackendError('locked', 'the version is locked')
    }
    const id = Number(row.id)
    const count = Number(
      this.#statements.get('SELECT count(*) AS count FROM streams WHERE object = ?', id)?.count,
    )
    // One open file survives its removal; of several, a reader has yet to open the rest.
    const dueAtMs = count > 1 ? atMs + trashGraceMs : atMs
    this.#statements.run(
      'INSERT OR IGNORE INTO trash SELECT file, ? FROM streams WHERE object = ? AND file IS NOT NULL',
      dueAtMs,
      id,
    )
    this.#statements.run('DELETE FROM objects WHERE id = ?', id)
  }
}

/** The row of one version, delete markers included. */
export function findVersion(
  statements: Statements,
  { bucket, key, versionId }: Name & { readonly versionId: string },
): Row | undefined {
  if (versionId !== nullVersionId) {
    const sql = 'SELECT * FROM objects WHERE version = ? AND bucket = ? AND key = ?'
    return statements.get(sql, versionId, bucket, key)
  }
  return (
    statements.get(
      'SELECT * FROM objects WHERE live = 1 AND bucket = ? AND key = ? AND version IS NULL',
      bucket,
      key,
    ) ??
    statements.get(
      'SELECT * FROM objects WHERE live = 0 AND version IS NULL AND bucket = ? AND key = ?',
      bucket,
      key,
    )
  )
}

function shownVersion(versioning: VersioningState, versionId: string): WrittenVersion {
  return versioning === 'unversioned' ? {} : { versionId }
}

function preconditionFailed(): BackendError {
  return new BackendError('precondition-failed', 'the condition of the write does not hold')
}

/** The condition of a write on what is there now. A delete marker has no ETag. */
function requireCondition(condition: WriteCondition | undefined, row: Row | undefined): void {
  if (condition === undefined) return
  const { ifMatch, ifNoneMatch, ifSize, ifModifiedAt } = condition
  if (ifNoneMatch !== undefined && row !== undefined) {
    if (ifNoneMatch === '*' || ifNoneMatch === row.etag) throw preconditionFailed()
  }
  if (ifMatch === undefined && ifSize === undefined && ifModifiedAt === undefined) return
  if (row === undefined) throw new BackendError('no-such-key', 'there is no object to match')
  const differs =
    (ifMatch !== undefined && ifMatch !== '*' && (row.marker === 1 || ifMatch !== row.etag)) ||
    (ifSize !== undefined && ifSize !== row.size) ||
    (ifModifiedAt !== undefined && ifModifiedAt !== Math.floor(Number(row.modified_at_ms) / 1000))
  if (differs) throw preconditionFailed()
}
