import { createHash, randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Backend,
  BackendError,
  type BackendErrorCode,
  type ObjectRecord,
  type PartRecord,
  type StoredObject,
  type UploadRecord,
  type WriteCondition,
  type WrittenBytes,
} from '../../../s3api/backends/backend.ts'
import { readStored, stageBytes } from '../../support/stored.ts'
import type { BackendUnderTest } from '../backend.ts'

/** What a fact of the contract works with. */
export type Bench = BackendUnderTest

export type Open = () => Promise<BackendUnderTest>

export const bucket = 'bucket'

/** A suite of facts; each has a store of its own, with one bucket in it. */
export function facts(name: string, part: string, open: Open) {
  const test = suite(`contract/backend: ${name}: ${part}`)
  const fact = (title: string, check: (bench: Bench) => Promise<void>) =>
    test(title, async () => {
      const under = await open()
      try {
        await under.backend.createBucket(bucket)
        await check(under)
      } catch (error) {
        // What went wrong first is what counts.
        await under.close().catch(() => {})
        throw error
      }
      await under.close()
    })
  return { fact, run: () => test.run() }
}

export async function rejectsWith(code: BackendErrorCode, promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.instance(error, BackendError, `expected ${code}, got ${String(error)}`)
  assert.is(error instanceof BackendError && error.code, code)
}

export function etagOf(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** A record for these bytes, with something in every member. */
export function recordOf(bytes: Uint8Array, members: Partial<ObjectRecord> = {}): ObjectRecord {
  return {
    size: bytes.length,
    etag: etagOf(bytes),
    modifiedAtMs: 1_700_000_000_123,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    metadata: { color: 'blue', 'with-umlaut': 'grün' },
    storageClass: 'STANDARD',
    ...members,
  }
}

/** The bytes at a place that putObject takes. */
export async function staged(
  backend: Backend,
  key: string,
  bytes: Uint8Array,
  { bucket: name = bucket, record = recordOf(bytes) } = {},
): Promise<Extract<WrittenBytes, { kind: 'staged' }>> {
  const becomes = { kind: 'object', record } as const
  return { kind: 'staged', staged: await stageBytes(backend, { bucket: name, key, becomes }, bytes) }
}

export async function put(
  bench: Bench,
  key: string,
  bytes: Uint8Array,
  options: {
    readonly backend?: Backend
    readonly bucket?: string
    readonly condition?: WriteCondition
    readonly record?: Partial<ObjectRecord>
    readonly inline?: boolean
  } = {},
): Promise<ObjectRecord> {
  const backend = options.backend ?? bench.backend
  const record = recordOf(bytes, options.record)
  await backend.putObject({
    bucket: options.bucket ?? bucket,
    key,
    record,
    newVersionId,
    data:
      options.inline === true
        ? { kind: 'bytes', bytes }
        : await staged(backend, key, bytes, { record, bucket: options.bucket ?? bucket }),
    ...(options.condition !== undefined && { condition: options.condition }),
  })
  return record
}

/** All stored bytes of the object, stream after stream. */
export async function dataOf(backend: Backend, object: StoredObject): Promise<Buffer> {
  const streams = object.record.parts ?? [object.record]
  const ranges = streams.flatMap(({ size }, index) => (size === 0 ? [] : [{ index, offset: 0, size }]))
  return Buffer.concat(await readStored(backend, object, ranges))
}

/** Asserts that the object is there with these bytes, and gives its record. */
export async function expectObject(
  bench: Bench,
  key: string,
  bytes: Uint8Array,
  { backend = bench.backend, bucket: name = bucket } = {},
): Promise<StoredObject> {
  const object = await backend.getObject(name, key)
  assert.is(object.record.size, bytes.length)
  assert.ok((await dataOf(backend, object)).equals(bytes), `${key}: the stored bytes differ`)
  return object
}

export function uploadOf(key: string, members: Partial<UploadRecord> = {}): Omit<UploadRecord, 'uploadId'> {
  return {
    bucket,
    key,
    initiatedAtMs: 1_700_000_000_456,
    headers: { 'content-type': 'image/png' },
    metadata: { color: 'red', 'with-umlaut': 'grün' },
    storageClass: 'STANDARD',
    ...members,
  }
}

export async function startUpload(
  { backend }: Pick<Bench, 'backend'>,
  key: string,
  members: Partial<UploadRecord> = {},
): Promise<UploadRecord> {
  const record = uploadOf(key, members)
  return backend.getUpload(record.bucket, key, await backend.createUpload(record))
}

export async function putPart(
  bench: Pick<Bench, 'backend'>,
  upload: UploadRecord,
  number: number,
  bytes: Uint8Array,
  {
    backend = bench.backend,
    inline = false,
    mac,
  }: { backend?: Backend; inline?: boolean; mac?: Uint8Array } = {},
): Promise<PartRecord> {
  const part: PartRecord = {
    number,
    size: bytes.length,
    etag: etagOf(bytes),
    modifiedAtMs: 1_700_000_001_000 + number,
    generation: randomBytes(16).toString('hex'),
    ...(mac !== undefined && { mac }),
  }
  const becomes = { kind: 'part', upload, number } as const
  const plan = { bucket: upload.bucket, key: upload.key, becomes }
  const data: WrittenBytes = inline
    ? { kind: 'bytes', bytes }
    : { kind: 'staged', staged: await stageBytes(backend, plan, bytes) }
  await backend.putPart(upload, part, data)
  return part
}

/** The record of the object that these parts make. */
export function completedRecord(parts: readonly PartRecord[]): ObjectRecord {
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  return {
    ...recordOf(new Uint8Array(0)),
    size,
    etag: `${etagOf(Buffer.from(parts.map(({ etag }) => etag).join('')))}-${parts.length}`,
    parts: parts.map(({ number, size: partSize }) => ({ number, size: partSize })),
  }
}

/** Bytes of S3's least part size and a little more, which no backend may refuse as a part before the last one. */
export function partBytes(seed: number, extra = 0): Buffer {
  return Buffer.alloc(5 * 1024 * 1024 + extra, `part ${seed} `)
}

/** For stores that do not choose the ids of versions themselves. */
export function newVersionId(): string {
  return randomBytes(16).toString('hex')
}
