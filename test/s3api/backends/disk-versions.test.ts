import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDatabase } from '../../../s3api/backends/disk/database.ts'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { prepareSchema } from '../../../s3api/backends/disk/schema.ts'
import { versionsContract } from '../../contracts/versions.ts'
import { readStored } from '../../support/stored.ts'

const log = pino({ level: 'silent' })

versionsContract('disk', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-versions-'))
  const backend = await openDiskBackend({ directory, log })
  return {
    backend,
    ownIds: false,
    async close() {
      await backend.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
})

const test = suite('s3api/backends/disk: formats')

/** Format 1, as the first stores had it, with one object. */
const firstFormat = `
  CREATE TABLE buckets (name TEXT PRIMARY KEY, created_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE settings (
    bucket TEXT NOT NULL REFERENCES buckets (name) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL REFERENCES buckets (name), key TEXT NOT NULL,
    size INTEGER NOT NULL, etag TEXT NOT NULL, modified_at_ms INTEGER NOT NULL, storage_class TEXT NOT NULL,
    checksum TEXT, details TEXT NOT NULL, envelope BLOB, UNIQUE (bucket, key)
  ) STRICT;
  CREATE TABLE streams (
    object INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    file TEXT, body BLOB, PRIMARY KEY (object, position)
  ) STRICT;
  CREATE INDEX streams_by_file ON streams (file) WHERE file IS NOT NULL;
  CREATE TABLE uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES buckets (name), key TEXT NOT NULL,
    details TEXT NOT NULL, envelope BLOB
  ) STRICT;
  CREATE UNIQUE INDEX uploads_by_key ON uploads (bucket, key, id);
  CREATE TABLE parts (
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    generation TEXT NOT NULL, details TEXT NOT NULL, mac BLOB, file TEXT, body BLOB, PRIMARY KEY (upload, number)
  ) STRICT;
  CREATE INDEX parts_by_file ON parts (file) WHERE file IS NOT NULL;
  CREATE TABLE trash (file TEXT PRIMARY KEY, due_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO buckets VALUES ('old', 1);
  INSERT INTO objects VALUES (41, 'old', 'gone', 0, '', 1, 'STANDARD', NULL, '{"headers":{},"metadata":{}}', NULL);
  DELETE FROM objects;
  INSERT INTO objects VALUES (7, 'old', 'key', 5, 'e', 1, 'STANDARD', NULL, '{"headers":{},"metadata":{}}', NULL);
  INSERT INTO streams VALUES (7, 0, NULL, CAST('bytes' AS BLOB));
  PRAGMA user_version = 1;
`

test('a store of the first format keeps its objects, its streams and the ids that were used', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-formats-'))
  try {
    mkdirSync(join(directory, '.sealgate'))
    const path = join(directory, '.sealgate', 'meta.sqlite')
    const database = openDatabase(path, { readOnly: false })
    database.exec(firstFormat)
    database.close()
    const backend = await openDiskBackend({ directory, log })
    try {
      const object = await backend.getObject('old', 'key')
      const [bytes] = await readStored(backend, object, [{ index: 0, offset: 0, size: 5 }])
      assert.is(String(bytes), 'bytes')
      await backend.setVersioning('old', 'enabled')
      const written = await backend.putObject({
        bucket: 'old',
        key: 'key',
        record: object.record,
        data: { kind: 'bytes', bytes: new Uint8Array(5) },
        newVersionId: () => 'new',
      })
      assert.equal(written, { versionId: 'new' })
      const { entries } = await backend.listVersions('old', {
        prefix: '',
        delimiter: '',
        keyMarker: '',
        versionIdMarker: '',
        limit: 10,
      })
      assert.equal(
        entries.map((entry) => entry.kind === 'version' && [entry.versionId, entry.latest]),
        [
          ['new', true],
          ['null', false],
        ],
      )
    } finally {
      await backend.close()
    }
    const after = openDatabase(path, { readOnly: true })
    assert.is(after.prepare('SELECT max(id) AS id FROM objects').get()?.id, 42)
    // Files that are due are found without a look at all that are not.
    const due = 'SELECT file FROM trash WHERE due_at_ms <= 5 ORDER BY due_at_ms LIMIT 10'
    assert.match(String(after.prepare(`EXPLAIN QUERY PLAN ${due}`).get()?.detail), /SEARCH .*trash_by_due/)
    after.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('a store of a later format is not opened, and stays as it is', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-formats-'))
  try {
    const database = openDatabase(join(directory, 'meta.sqlite'), { readOnly: false })
    database.exec('PRAGMA user_version = 1000')
    assert.throws(() => prepareSchema(database), /format 1000/)
    assert.is(database.prepare('PRAGMA user_version').get()?.user_version, 1000)
    database.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test.run()
