import { BackendError, type WrittenVersion } from '../backend.ts'
import type { Command, CommandResult, StreamPlace } from './command.ts'
import type { Database } from './database.ts'
import { ObjectRows } from './object-rows.ts'
import { Statements } from './statements.ts'

/** Executes commands on a database inside the caller's transaction. Errors: BackendError by the interface's table. */
export class CommandExecutor {
  readonly #statements: Statements
  readonly #objects: ObjectRows

  constructor(database: Database) {
    this.#statements = new Statements(database)
    this.#objects = new ObjectRows(this.#statements)
  }

  execute(command: Command): CommandResult {
    switch (command.type) {
      case 'create-bucket':
        this.#createBucket(command)
        return
      case 'delete-bucket':
        this.#deleteBucket(command)
        return
      case 'set-setting':
        this.#setSetting(command)
        return
      case 'set-versioning':
        this.#requireBucket(command.bucket)
        this.#statements.run(
          'UPDATE buckets SET versioning = ? WHERE name = ?',
          command.state,
          command.bucket,
        )
        return
      case 'put-object':
        return this.#putObject(command)
      case 'delete-object':
        return this.#objects.delete(command)
      case 'change-attributes':
        return this.#objects.changeAttributes(command)
      case 'create-upload':
        this.#requireBucket(command.bucket)
        this.#statements.run(
          'INSERT INTO uploads (id, bucket, key, details, envelope) VALUES (?, ?, ?, ?, ?)',
          command.uploadId,
          command.bucket,
          command.key,
          command.details,
          command.envelope,
        )
        return
      case 'put-part':
        this.#putPart(command)
        return
      case 'complete-upload':
        return this.#completeUpload(command)
      case 'abort-upload':
        this.#requireUpload(command)
        this.#trashParts('upload = ?', command.uploadId, command.atMs)
        this.#statements.run('DELETE FROM uploads WHERE id = ?', command.uploadId)
        return
      case 'put-system-record':
        this.#putSystemRecord(command)
        return
      case 'delete-system-record':
        this.#statements.run('DELETE FROM system_records WHERE name = ?', command.name)
        return
      case 'forget-trash':
        for (const file of command.files) this.#statements.run('DELETE FROM trash WHERE file = ?', file)
        return
      case 'check':
        // Writes a page: an empty transaction succeeds on a disk that takes nothing. The number is not ours to read.
        this.#statements.run('PRAGMA application_id = 0')
        return
    }
  }

  #createBucket(command: Extract<Command, { type: 'create-bucket' }>): void {
    const { bucket, owner, versioning, settings, atMs } = command
    if (this.#bucketExists(bucket)) throw new BackendError('bucket-exists', `bucket ${bucket} exists`)
    this.#statements.run(
      'INSERT INTO buckets (name, created_at_ms, owner, versioning) VALUES (?, ?, ?, ?)',
      bucket,
      atMs,
      owner,
      versioning,
    )
    for (const [name, value] of Object.entries(settings)) {
      this.#statements.run('INSERT INTO settings VALUES (?, ?, ?)', bucket, name, value)
    }
  }

  #deleteBucket({ bucket, atMs }: Extract<Command, { type: 'delete-bucket' }>): void {
    this.#requireBucket(bucket)
    for (const live of [0, 1]) {
      const sql = `SELECT 1 FROM objects WHERE live = ${live} AND bucket = ? LIMIT 1`
      if (this.#statements.get(sql, bucket) === undefined) continue
      throw new BackendError(
        'bucket-not-empty',
        `bucket ${bucket} has ${live === 1 ? 'objects' : 'versions'}`,
      )
    }
    this.#trashParts('upload IN (SELECT id FROM uploads WHERE bucket = ?)', bucket, atMs)
    this.#statements.run('DELETE FROM uploads WHERE bucket = ?', bucket)
    this.#statements.run('DELETE FROM buckets WHERE name = ?', bucket)
  }

  #setSetting({ bucket, name, value }: Extract<Command, { type: 'set-setting' }>): void {
    this.#requireBucket(bucket)
    if (value === null)
      this.#statements.run('DELETE FROM settings WHERE bucket = ? AND name = ?', bucket, name)
    else this.#statements.run('INSERT OR REPLACE INTO settings VALUES (?, ?, ?)', bucket, name, value)
  }

  #putSystemRecord(command: Extract<Command, { type: 'put-system-record' }>): void {
    const { name, value, onlyIfAbsent } = command
    const { changes } = this.#statements.run(
      `INSERT OR ${onlyIfAbsent ? 'IGNORE' : 'REPLACE'} INTO system_records VALUES (?, ?)`,
      name,
      value,
    )
    if (changes === 0) throw new BackendError('precondition-failed', `there is a record ${name}`)
  }

  #putObject(command: Extract<Command, { type: 'put-object' }>): WrittenVersion {
    const { id, ...written } = this.#objects.put(command)
    for (const [position, place] of command.streams.entries()) {
      const [file, body] = columnsOf(place)
      this.#statements.run('INSERT INTO streams VALUES (?, ?, ?, ?)', id, position, file, body)
    }
    return written
  }

  #putPart(command: Extract<Command, { type: 'put-part' }>): void {
    const { uploadId, number, generation, details, mac, place, atMs } = command
    if (this.#statements.get('SELECT 1 FROM uploads WHERE id = ?', uploadId) === undefined)
      throw noSuchUpload()
    this.#trashParts('upload = ? AND number = ?', [uploadId, number], atMs)
    const [file, body] = columnsOf(place)
    this.#statements.run(
      'INSERT OR REPLACE INTO parts (upload, number, generation, details, mac, file, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
      uploadId,
      number,
      generation,
      details,
      mac,
      file,
      body,
    )
  }

  #completeUpload(command: Extract<Command, { type: 'complete-upload' }>): WrittenVersion {
    const { uploadId, parts, atMs } = command
    this.#requireUpload(command)
    const { id, ...written } = this.#objects.put(command)
    for (const [position, { number, generation }] of parts.entries()) {
      const { changes } = this.#statements.run(
        'INSERT INTO streams SELECT ?, ?, file, body FROM parts WHERE upload = ? AND number = ? AND generation = ?',
        id,
        position,
        uploadId,
        number,
        generation,
      )
      if (changes !== 1)
        throw new BackendError('invalid-part', `part ${number} is not the one that was named`)
      this.#statements.run('DELETE FROM parts WHERE upload = ? AND number = ?', uploadId, number)
    }
    this.#trashParts('upload = ?', uploadId, atMs)
    this.#statements.run('DELETE FROM uploads WHERE id = ?', uploadId)
    return written
  }

  #trashParts(where: string, values: string | readonly (string | number)[], atMs: number): void {
    const bound = typeof values === 'string' ? [values] : values
    this.#statements.run(
      `INSERT OR IGNORE INTO trash SELECT file, ? FROM parts WHERE file IS NOT NULL AND ${where}`,
      atMs,
      ...bound,
    )
  }

  #bucketExists(bucket: string): boolean {
    return this.#statements.get('SELECT 1 FROM buckets WHERE name = ?', bucket) !== undefined
  }

  #requireBucket(bucket: string): void {
    if (!this.#bucketExists(bucket)) throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
  }

  #requireUpload({ uploadId, bucket, key }: { uploadId: string; bucket: string; key: string }): void {
    const row = this.#statements.get(
      'SELECT 1 FROM uploads WHERE id = ? AND bucket = ? AND key = ?',
      uploadId,
      bucket,
      key,
    )
    if (row === undefined) throw noSuchUpload()
  }
}

function columnsOf(place: StreamPlace): [file: string | null, body: Uint8Array | null] {
  return 'file' in place ? [place.file, null] : [null, place.body]
}

function noSuchUpload(): BackendError {
  return new BackendError('no-such-upload', 'there is no such upload')
}
