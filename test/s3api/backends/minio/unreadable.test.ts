import { chmodSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openMinioFolder } from '../../../../s3api/backends/minio/open-folder.ts'
import { toS3Error } from '../../../../s3api/http/error-reply.ts'
import { patternBytes } from '../../../support/bytes.ts'
import {
  fsJsonOf,
  type MinioFolder,
  sealedForCustomer,
  withMinioFolder,
} from '../../../support/minio-folder.ts'

const test = suite('s3api/backends/minio/unreadable')
const bucket = 'bucket'
const query = { prefix: '', delimiter: '', limit: 10 }
const start = { key: '', past: false }
const nobody = 65_534

/** Root may read everything. */
async function withoutPrivileges(folder: MinioFolder, work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work()
  for (const path of [folder.path, dirname(folder.path)]) chmodSync(path, statSync(path).mode | 0o111)
  process.seteuid?.(nobody)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
  }
}

/** What a client is told, and what the log. */
async function refusalOf(promise: Promise<unknown>) {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => lines.push(line) })
  const { code, message } = await promise.then(
    () => {
      throw new Error('it was read')
    },
    (error: unknown) => toS3Error(error, log),
  )
  return { code, message, logged: lines.join('') }
}

test('a file or fs.json that may not be read is listed as its file is, and refused with its path in the log', () =>
  withMinioFolder(async (folder) => {
    const { data, fsJson } = sealedForCustomer({ bucket, key: 'sealed' }, patternBytes(32), [
      { bytes: patternBytes(9) },
    ])
    folder.put(bucket, 'fine', 'x', fsJsonOf({ etag: 'a'.repeat(32) }))
    folder.put(bucket, 'sealed', data, fsJson)
    folder.put(bucket, 'unknown', 'xyz')
    chmodSync(folder.fsJsonPath(bucket, 'sealed'), 0)
    chmodSync(folder.dataPath(bucket, 'unknown'), 0)
    const opened = await openMinioFolder(folder.path, pino({ level: 'silent' }))
    await withoutPrivileges(folder, async () => {
      const { entries } = await opened.page(bucket, query, start)
      assert.equal(
        entries.map((entry) => entry.kind === 'object' && [entry.key, entry.record.size]),
        [
          ['fine', 1],
          ['sealed', data.length],
          ['unknown', 3],
        ],
      )
      for (const [key, path] of [
        ['sealed', folder.fsJsonPath(bucket, 'sealed')],
        ['unknown', folder.dataPath(bucket, 'unknown')],
      ] as const) {
        const { code, message, logged } = await refusalOf(opened.object(bucket, key))
        assert.is(code, 'AccessDenied')
        assert.not.match(message, folder.path)
        assert.match(logged, path)
      }
    })
  }))

for (const [what, mode] of [
  ['read', 0o111],
  ['searched', 0o444],
] as const) {
  test(`a folder that may not be ${what} makes no list that lacks its objects`, () =>
    withMinioFolder(async (folder) => {
      folder.put(bucket, 'a', 'x')
      folder.put(bucket, 'closed/b', 'x')
      const closed = folder.dataPath(bucket, 'closed')
      const opened = await openMinioFolder(folder.path, pino({ level: 'silent' }))
      const before = statSync(closed).mode
      chmodSync(closed, mode)
      try {
        await withoutPrivileges(folder, async () => {
          const { code, logged } = await refusalOf(opened.page(bucket, query, start))
          assert.is(code, 'AccessDenied')
          assert.match(logged, closed)
          const { entries } = await opened.page(bucket, { ...query, prefix: 'a' }, start)
          assert.is(entries.length, 1, 'the objects of other prefixes are to be found')
        })
      } finally {
        chmodSync(closed, before)
      }
    }))
}

test.run()
