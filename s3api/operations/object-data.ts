import {
  type HashName,
  type PlainBatch,
  partKey,
  sealedSizeOf,
  storedRange,
  type WriteResult,
} from '../../engine/index.ts'
import type {
  LookupHint,
  NewData,
  StagedData,
  StagePlan,
  StoredObject,
  WrittenBytes,
} from '../backends/backend.ts'
import { whileReplaced } from '../backends/while-replaced.ts'
import { S3Error } from '../errors.ts'
import type { ObjectVersionName } from '../object-name.ts'
import type { ReadServices, RequestContext } from '../operation.ts'
import type { CustomerKey } from '../sse/headers.ts'
import { type OpenedObject, openRecord } from '../sse/records.ts'
import { verifyVersionId } from '../sse/version-ids.ts'
import { watched } from '../watched.ts'
import { begun } from './begun-batches.ts'
import type { ByteRange } from './range.ts'

/** Bodies up to this many bytes are sealed where they arrive and stored beside their record. */
const inlineSizeMax = 64 * 1024

/** New bytes, written but not yet an object. */
export interface WrittenData {
  readonly data: WrittenBytes
  /** Plaintext bytes. */
  readonly size: number
  readonly digests: WriteResult['digests']
  /** Where they are sealed: their stream's. */
  readonly nonce: WriteResult['nonce']
}

/** What the bytes are for; their stored size follows from the plaintext's. */
export type WritePlan = Omit<StagePlan, 'storedSize'>

/** Writes plaintext from anywhere to the backend, sealed where there is a key. Leaves nothing behind when it throws. */
export async function writeData(
  { services: { pool, backend }, signal }: Pick<RequestContext, 'services' | 'signal'>,
  options: {
    readonly source: AsyncIterable<Uint8Array>
    /** Plaintext bytes, as announced. */
    readonly size: number
    readonly key: Uint8Array | undefined
    readonly hashes: ReadonlySet<HashName>
    readonly sizeMax: number
    /** Asked for only where the bytes need a place before all of them are there. */
    readonly plan: () => WritePlan
  },
): Promise<WrittenData> {
  let staged: StagedData | undefined
  try {
    const result = await pool.write({
      source: limited(options.source, options.sizeMax),
      hashes: [...options.hashes],
      openTarget: async () => {
        const storedSize = options.key === undefined ? options.size : sealedSizeOf(options.size)
        staged = await backend.stage({ ...options.plan(), storedSize })
        return staged.target
      },
      inlineSizeMax,
      signal,
      ...(options.key !== undefined && { key: options.key }),
    })
    const { size, digests, nonce, bytes } = result
    if (bytes !== undefined) return { data: { kind: 'bytes', bytes }, size, digests, nonce }
    if (staged === undefined) throw new Error('the pool neither opened a target nor returned bytes')
    return { data: { kind: 'staged', staged }, size, digests, nonce }
  } catch (error) {
    await staged?.discard()
    throw error
  }
}

/** Writes the request's body and verifies its digests. Errors: besides the body's own, EntityTooLarge, MissingContentLength. */
export async function writeBody(
  context: RequestContext,
  options: {
    readonly key: Uint8Array | undefined
    /** Besides those that the body is verified with. */
    readonly hashes: readonly HashName[]
    readonly sizeMax: number
    /** Given the announced size. */
    readonly plan: (size: number) => WritePlan
  },
): Promise<WrittenData> {
  const { body } = context
  const { size } = body
  if (size === undefined) throw new S3Error('MissingContentLength')
  if (size > options.sizeMax) throw tooLarge(options.sizeMax)
  const hashes = new Set([...body.hashes, ...options.hashes])
  const written = await writeData(context, {
    source: body.stream,
    size,
    key: options.key,
    hashes,
    sizeMax: options.sizeMax,
    plan: () => options.plan(size),
  })
  return settle(written, async () => {
    body.verify(written.digests)
    return written
  })
}

/** Goes on with written data; discards it when that fails. What belongs to another object stays. */
export async function settle<Result>(
  written: { readonly data: NewData },
  next: () => Promise<Result>,
): Promise<Result> {
  try {
    return await next()
  } catch (error) {
    if (written.data.kind === 'staged') await written.data.staged.discard()
    throw error
  }
}

function limited(source: AsyncIterable<Uint8Array>, sizeMax: number): AsyncIterable<Uint8Array> {
  let size = 0
  return watched(source, {
    piece(pieceSize) {
      size += pieceSize
      if (size > sizeMax) throw tooLarge(sizeMax)
    },
  })
}

function tooLarge(sizeMax: number): S3Error {
  return new S3Error('EntityTooLarge', undefined, { elements: { MaxSizeAllowed: String(sizeMax) } })
}

/** Who reads: a request, or whoever looks after the store. */
interface Reader {
  readonly services: ReadServices
  readonly signal: AbortSignal
}

/** The object with its metadata found authentic; without `recordOnly` its data will be read. Errors: BackendError, and those of openRecord. */
export async function openObject(
  { services, signal }: Reader,
  { bucket, key, versionId }: ObjectVersionName,
  customerKey: CustomerKey | undefined,
  { recordOnly = true, partNumber }: Pick<LookupHint, 'recordOnly' | 'partNumber'> = {},
): Promise<OpenedObject> {
  const stored = await services.backend.getObject(bucket, key, versionId, {
    recordOnly,
    signal,
    ...(partNumber !== undefined && { partNumber }),
    ...(customerKey !== undefined && { customerKey: customerKey.key }),
  })
  const found = versionId ?? stored.versionId
  if (found !== undefined) verifyVersionId(found, stored.record)
  return openRecord(services, stored, customerKey)
}

/** The result of a look at an opened object, whose key is zeroed when that throws. */
export function orZeroed<Result>({ encryption }: OpenedObject, look: () => Result): Result {
  try {
    return look()
  } catch (error) {
    encryption?.objectKey.fill(0)
    throw error
  }
}

/** Plaintext: all that was asked for, or batch by batch. */
export type ObjectData = Uint8Array | AsyncGenerator<PlainBatch, void, undefined>

/**
 * Looks the object up and begins to read it: `plan` sees the opened object and names the range to read, or undefined to read
 * nothing. The first batch has been read, and so authenticated, when this resolves; where the object is replaced between
 * look-up and read, the new one is planned again.
 */
export async function readObject<Plan extends { readonly range: ByteRange | undefined }>(
  { services, signal }: Reader,
  name: ObjectVersionName,
  customerKey: CustomerKey | undefined,
  plan: (opened: OpenedObject) => Plan,
  hint: Pick<LookupHint, 'partNumber'> = {},
): Promise<{
  readonly opened: OpenedObject
  readonly plan: Plan
  readonly data: ObjectData
}> {
  return whileReplaced(async () => {
    const opened = await openObject({ services, signal }, name, customerKey, { ...hint, recordOnly: false })
    const planned = orZeroed(opened, () => plan(opened))
    const range = planned.range ?? { offset: 0, size: 0 }
    const { body } = opened.stored
    if (body !== undefined) return { opened, plan: planned, data: readBody(services, opened, body, range) }
    return { opened, plan: planned, data: await begun(readRange(services, opened, range, signal)) }
  })
}

/** The plaintext of a range of what the look-up has brought. Takes over the object key: it is zeroed. */
function readBody(
  { pool }: ReadServices,
  opened: OpenedObject,
  body: Uint8Array,
  { offset, size }: ByteRange,
): Uint8Array {
  const key = opened.encryption?.objectKey
  try {
    return pool.readBytes({
      source: { kind: 'bytes', bytes: body },
      acceptsVersion1: mayBeVersion1(opened),
      offset,
      size,
      plaintextSize: opened.record.size,
      ...(key !== undefined && { key }),
    })
  } finally {
    key?.fill(0)
  }
}

/** The plaintext of a range, stream by stream. Takes over the object key: it is zeroed at the end. */
async function* readRange(
  { backend, pool }: ReadServices,
  opened: OpenedObject,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<PlainBatch, void, undefined> {
  const { stored, record, encryption } = opened
  const streams = [...streamsOf(stored, range)]
  const encrypted = encryption !== undefined
  const sources = backend.openData(
    stored,
    streams.map(({ index, ...stream }) => ({ index, ...storedRange({ encrypted, ...stream }) })),
    signal,
  )
  try {
    for (const stream of streams) {
      const next = await sources.next()
      if (next.done === true) throw new Error('the backend opened fewer streams than were asked for')
      const key =
        encryption === undefined || record.parts === undefined
          ? encryption?.objectKey
          : partKey(encryption.objectKey, stream.number)
      const nonce = encryption?.envelope.parts[stream.index]?.nonce
      try {
        yield* pool.read({
          source: next.value,
          acceptsVersion1: mayBeVersion1(opened),
          offset: stream.offset,
          size: stream.size,
          plaintextSize: stream.plaintextSize,
          signal,
          ...(key !== undefined && { key }),
          ...(nonce !== undefined && { nonce }),
        })
      } finally {
        if (record.parts !== undefined) key?.fill(0)
      }
    }
  } finally {
    encryption?.objectKey.fill(0)
    await sources.return()
  }
}

/** MinIO encrypted for nobody but SSE-C when it wrote DARE 1.0. To seal such a key anew left the data as they were. */
export function mayBeVersion1({ record, encryption }: OpenedObject): boolean {
  return record.minio !== undefined && encryption?.envelope.mode === 'SSE-C'
}

/** The streams that a range of the object lies in, each with its own part of the range. */
function* streamsOf({ record }: StoredObject, range: ByteRange) {
  const parts = record.parts ?? [{ number: 0, size: record.size }]
  const end = range.offset + range.size
  let start = 0
  for (const [index, { number, size: plaintextSize }] of parts.entries()) {
    const from = Math.max(range.offset, start)
    const to = Math.min(end, start + plaintextSize)
    if (from < to) yield { index, number, plaintextSize, offset: from - start, size: to - from }
    start += plaintextSize
  }
}
