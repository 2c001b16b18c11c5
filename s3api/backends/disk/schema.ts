import type { Database } from './database.ts'

/**
 * Keys are TEXT in the default BINARY collation: SQLite compares their UTF-8 bytes, which is S3's order.
 * An object's stored bytes are its streams, one or one a part, each in a file or, when small, in the row.
 */
const objectsAndUploads = `
  CREATE TABLE buckets (
    name TEXT PRIMARY KEY,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE settings (
    bucket TEXT NOT NULL REFERENCES buckets (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
  ) STRICT, WITHOUT ROWID;

  -- AUTOINCREMENT: an id is never used again, so it names one generation of an object.
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_at_ms INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    checksum TEXT,
    details TEXT NOT NULL,
    envelope BLOB,
    UNIQUE (bucket, key)
  ) STRICT;

  CREATE TABLE streams (
    object INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    file TEXT,
    body BLOB,
    PRIMARY KEY (object, position)
  ) STRICT;
  CREATE INDEX streams_by_file ON streams (file) WHERE file IS NOT NULL;

  CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key TEXT NOT NULL,
    details TEXT NOT NULL,
    envelope BLOB
  ) STRICT;
  CREATE UNIQUE INDEX uploads_by_key ON uploads (bucket, key, id);

  CREATE TABLE parts (
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    generation TEXT NOT NULL,
    details TEXT NOT NULL,
    mac BLOB,
    file TEXT,
    body BLOB,
    PRIMARY KEY (upload, number)
  ) STRICT;
  CREATE INDEX parts_by_file ON parts (file) WHERE file IS NOT NULL;

  -- Files that no object has any more, to be removed from that time on.
  CREATE TABLE trash (
    file TEXT PRIMARY KEY,
    due_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** Sealgate's own records, outside of all buckets. */
const systemRecords = `
  CREATE TABLE system_records (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** To whom buckets and objects belong: the root user, and the bucket's owner, where there is nobody. */
const owners = `
  ALTER TABLE buckets ADD COLUMN owner TEXT;
  ALTER TABLE objects ADD COLUMN owner TEXT;
`

/**
 * Versions. `live` is the version that a read without an id gives: the newest, unless that is a delete marker. Ids grow, so
 * they are the order of versions, too. The bucket without versioning has live rows only, under one index as before.
 * A version without an id is the null version. That the bucket exists is checked by the writer: an index for the reference
 * would cost every write.
 */
const versions = `
  ALTER TABLE buckets ADD COLUMN versioning TEXT NOT NULL DEFAULT 'unversioned'
    CHECK (versioning IN ('unversioned', 'enabled', 'suspended'));

  CREATE TABLE new_objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    marker INTEGER NOT NULL CHECK (marker IN (0, 1)),
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_at_ms INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    owner TEXT,
    checksum TEXT,
    details TEXT NOT NULL,
    envelope BLOB,
    attributes TEXT
  ) STRICT;
  INSERT INTO new_objects
    SELECT id, bucket, key, NULL, 1, 0, size, etag, modified_at_ms, storage_class, owner, checksum, details,
           envelope, NULL
    FROM objects;
  UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'objects') WHERE name = 'new_objects';
  DROP TABLE objects;
  ALTER TABLE new_objects RENAME TO objects;
  CREATE UNIQUE INDEX objects_live ON objects (bucket, key) WHERE live = 1;
  CREATE INDEX objects_behind ON objects (bucket, key, id DESC) WHERE live = 0;
  CREATE UNIQUE INDEX objects_by_version ON objects (version) WHERE version IS NOT NULL;
  CREATE UNIQUE INDEX objects_null_behind ON objects (bucket, key) WHERE live = 0 AND version IS NULL;
`

/** What is due is looked for several times a second, and may be few of very many files. */
const trashByDue = `
  CREATE INDEX trash_by_due ON trash (due_at_ms);
`

/** What each format added to the one before: a store of format n has gone through the first n. Never changed, only added to. */
const steps: readonly string[] = [objectsAndUploads, systemRecords, owners, versions, trashByDue]

/** Makes the tables of a new store, and what an older one lacks. Errors: a store that a later version of the program has written. */
export function prepareSchema(database: Database): void {
  // A step may drop a table that others refer to, and make it anew (sqlite.org/lang_altertable.html, section 7).
  database.exec('PRAGMA foreign_keys = OFF')
  database.exec('BEGIN IMMEDIATE')
  try {
    const row = database.prepare('PRAGMA user_version').get()
    const version = Number(row?.user_version ?? 0)
    if (version > steps.length) {
      throw new Error(`the store has format ${version}; this version of the program knows ${steps.length}`)
    }
    if (version < steps.length) takeSteps(database, version)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  } finally {
    database.exec('PRAGMA foreign_keys = ON')
  }
}

function takeSteps(database: Database, version: number): void {
  for (const step of steps.slice(version)) database.exec(step)
  if (database.prepare('PRAGMA foreign_key_check').get() !== undefined) {
    throw new Error('the store has rows that belong to nothing')
  }
  database.exec(`PRAGMA user_version = ${steps.length}`)
}
