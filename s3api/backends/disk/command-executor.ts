import type { WriteCondition } from '../backend.ts'
import { BackendError } from '../backend.ts'
import type { Command, StreamPlace } from './command.ts'
import type { Database, Statement } from './database.ts'
import type { ObjectColumns } from './rows.ts'

/** A reader that began before an overwrite may still want the files of a multipart object for so long. */
export const multipartGraceMs = 15 * 60 * 1000

/** Executes commands on a database inside the caller's transaction. Errors: BackendError by the interface's table. */
export class CommandExecutor {
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
  }

  execute(command: Command): void {
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
      case 'put-object':
        this.#putObject(command)
        return
      case 'delete-object':
        this.#requireBucket(command.bucket)
        this.#requireCondition(command)
        this.#removeObject(command)
        return
      case 'create-upload':
        this.#requireBucket(command.bucket)
        this.#run(
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
        this.#completeUpload(command)
        return
      case 'abort-upload':
        this.#requireUpload(command)
        this.#trashParts('upload = ?', command.uploadId, command.atMs)
        this.#run('DELETE FROM uploads WHERE id = ?', command.uploadId)
        return
      case 'put-system-record':
        this.#putSystemRecord(command)
        return
      case 'delete-system-record':
        this.#run('DELETE FROM system_records WHERE name = ?', command.name)
        return
      case 'forget-trash':
        for (const file of command.files) this.#run('DELETE FROM trash WHERE file = ?', file)
        return
      case 'check':
        return
    }
  }

  #createBucket({ bucket, owner, settings, atMs }: Extract<Command, { type: 'create-bucket' }>): void {
    if (this.#bucketExists(bucket)) throw new BackendError('bucket-exists', `bucket ${bucket} exists`)
    this.#run('INSERT INTO buckets (name, created_at_ms, owner) VALUES (?, ?, ?)', bucket, atMs, owner)
    for (const [name, value] of Object.entries(settings)) {
      this.#run('INSERT INTO settings VALUES (?, ?, ?)', bucket, name, value)
    }
  }

  #deleteBucket({ bucket, atMs }: Extract<Command, { type: 'delete-bucket' }>): void {
    this.#requireBucket(bucket)
    if (this.#get('SELECT 1 FROM objects WHERE bucket = ? LIMIT 1', bucket) !== undefined) {
      throw new BackendError('bucket-not-empty', `bucket ${bucket} has objects`)
    }
    this.#trashParts('upload IN (SELECT id FROM uploads WHERE bucket = ?)', bucket, atMs)
    this.#run('DELETE FROM uploads WHERE bucket = ?', bucket)
    this.#run('DELETE FROM buckets WHERE name = ?', bucket)
  }

  #setSetting({ bucket, name, value }: Extract<Command, { type: 'set-setting' }>): void {
    this.#requireBucket(bucket)
    if (value === null) this.#run('DELETE FROM settings WHERE bucket = ? AND name = ?', bucket, name)
    else this.#run('INSERT OR REPLACE INTO settings VALUES (?, ?, ?)', bucket, name, value)
  }

  #putSystemRecord(command: Extract<Command, { type: 'put-system-record' }>): void {
    const { name, value, onlyIfAbsent } = command
    const { changes } = this.#run(
      `INSERT OR ${onlyIfAbsent ? 'IGNORE' : 'REPLACE'} INTO system_records VALUES (?, ?)`,
      name,
      value,
    )
    if (changes === 0) throw new BackendError('precondition-failed', `there is a record ${name}`)
  }

  #putObject(command: Extract<Command, { type: 'put-object' }>): void {
    this.#requireBucket(command.bucket)
    this.#requireCondition(command)
    this.#removeObject(command)
    const id = this.#insertObject(command)
    for (const [position, place] of command.streams.entries()) {
      const [file, body] = columnsOf(place)
      this.#run('INSERT INTO streams VALUES (?, ?, ?, ?)', id, position, file, body)
    }
  }

  #putPart(command: Extract<Command, { type: 'put-part' }>): void {
    const { uploadId, number, generation, details, mac, place, atMs } = command
    if (this.#get('SELECT 1 FROM uploads WHERE id = ?', uploadId) === undefined) throw noSuchUpload()
    this.#trashParts('upload = ? AND number = ?', [uploadId, number], atMs)
    const [file, body] = columnsOf(place)
    this.#run(
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

  #completeUpload(command: Extract<Command, { type: 'complete-upload' }>): void {
    const { uploadId, parts, atMs } = command
    this.#requireUpload(command)
    this.#requireCondition(command)
    this.#removeObject(command)
    const id = this.#insertObject(command)
    for (const [position, { number, generation }] of parts.entries()) {
      const { changes } = this.#run(
        'INSERT INTO streams SELECT ?, ?, file, body FROM parts WHERE upload = ? AND number = ? AND generation = ?',
        id,
        position,
        uploadId,
        number,
        generation,
      )
      if (changes !== 1)
        throw new BackendError('invalid-part', `part ${number} is not the one that was named`)
      this.#run('DELETE FROM parts WHERE upload = ? AND number = ?', uploadId, number)
    }
    this.#trashParts('upload = ?', uploadId, atMs)
    this.#run('DELETE FROM uploads WHERE id = ?', uploadId)
  }

  #insertObject({ bucket, key, columns }: { bucket: string; key: string; columns: ObjectColumns }): number {
    const { lastInsertRowid } = this.#run(
      `INSERT INTO objects (bucket, key, size, etag, modified_at_ms, storage_class, owner, checksum, details, envelope)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      bucket,
      key,
      columns.size,
      columns.etag,
      columns.modifiedAtMs,
      columns.storageClass,
      columns.owner,
      columns.checksum,
      columns.details,
      columns.envelope,
    )
    return Number(lastInsertRowid)
  }

  /** Removes what is there; its files go to the trash in the same transaction, so that no crash leaves them behind. */
  #removeObject({ bucket, key, atMs }: { bucket: string; key: string; atMs: number }): void {
    const row = this.#get('SELECT id FROM objects WHERE bucket = ? AND key = ?', bucket, key)
    if (row === undefined) return
    const id = Number(row.id)
    const count = Number(this.#get('SELECT count(*) AS count FROM streams WHERE object = ?', id)?.count)
    // One open file survives its removal; of several, a reader has yet to open the rest.
    const dueAtMs = count > 1 ? atMs + multipartGraceMs : atMs
    this.#run(
      'INSERT INTO trash SELECT file, ? FROM streams WHERE object = ? AND file IS NOT NULL',
      dueAtMs,
      id,
    )
    this.#run('DELETE FROM objects WHERE id = ?', id)
  }

  #trashParts(where: string, values: string | readonly (string | number)[], atMs: number): void {
    const bound = typeof values === 'string' ? [values] : values
    this.#run(
      `INSERT INTO trash SELECT file, ? FROM parts WHERE file IS NOT NULL AND ${where}`,
      atMs,
      ...bound,
    )
  }

  #requireCondition(command: { bucket: string; key: string; condition: WriteCondition | undefined }): void {
    const { bucket, key, condition } = command
    if (condition === undefined) return
    const etag = this.#get('SELECT etag FROM objects WHERE bucket = ? AND key = ?', bucket, key)?.etag
    if (condition.ifNoneMatch !== undefined && etag !== undefined) {
      if (condition.ifNoneMatch === '*' || condition.ifNoneMatch === etag) throw preconditionFailed()
    }
    if (condition.ifMatch === undefined) return
    if (etag === undefined) throw new BackendError('no-such-key', 'there is no object to match')
    if (condition.ifMatch !== '*' && condition.ifMatch !== etag) throw preconditionFailed()
  }

  #bucketExists(bucket: string): boolean {
    return this.#get('SELECT 1 FROM buckets WHERE name = ?', bucket) !== undefined
  }

  #requireBucket(bucket: string): void {
    if (!this.#bucketExists(bucket)) throw new BackendError('no-such-bucket', `there is no bucket ${bucket}`)
  }

  #requireUpload({ uploadId, bucket, key }: { uploadId: string; bucket: string; key: string }): void {
    const row = this.#get(
      'SELECT 1 FROM uploads WHERE id = ? AND bucket = ? AND key = ?',
      uploadId,
      bucket,
      key,
    )
    if (row === undefined) throw noSuchUpload()
  }

  #get(sql: string, ...values: (string | number)[]) {
    return this.#statement(sql).get(...values)
  }

  #run(sql: string, ...values: (string | number | Uint8Array | null)[]) {
    return this.#statement(sql).run(...values)
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function columnsOf(place: StreamPlace): [file: string | null, body: Uint8Array | null] {
  return 'file' in place ? [place.file, null] : [null, place.body]
}

function noSuchUpload(): BackendError {
  return new BackendError('no-such-upload', 'there is no such upload')
}

function preconditionFailed(): BackendError {
  return new BackendError('precondition-failed', 'the condition of the write does not hold')
}
