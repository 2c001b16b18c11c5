import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import { DareError, type DareErrorCode, sealedSizeOf } from '../../engine/index.ts'
import { BackendError, type BackendErrorCode, type StoredObject } from '../backends/backend.ts'
import { whileReplaced } from '../backends/while-replaced.ts'
import { S3Error } from '../errors.ts'
import type { ObjectVersionName } from '../object-name.ts'
import type { ReadServices } from '../operation.ts'
import { readObject } from '../operations/object-data.ts'
import type { OpenedObject } from '../sse/records.ts'
import type { Pace } from './pace.ts'
import { PlainDigests } from './plain-digests.ts'

/** What became of reading one version: all that is known of it was found right, or what was not. */
export type Verdict =
  /** Every package was authenticated, and the metadata with them. */
  | { readonly kind: 'authentic' }
  /** Plain: its bytes have the digests that it was stored with. */
  | { readonly kind: 'equal' }
  /** Plain: nothing is known that its bytes could be compared with. */
  | { readonly kind: 'plain' }
  /** Only its client's key opens it. */
  | { readonly kind: 'customer-key' }
  /** Deleted or replaced since it was listed. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly reason: string }

export type FailureCode = DareErrorCode | KmsErrorCode | BackendErrorCode | 'digest-mismatch' | 'unreadable'

export interface VersionReader {
  readonly services: ReadServices
  readonly signal: AbortSignal
  /** Told of all bytes that are read. */
  readonly pace: Pace
  /** Of plain objects: `counted` are not read, for what guards them is not ours. */
  readonly plain: 'compared' | 'counted'
}

/** Reads all of a version. Errors: those that tell of the store or the KMS, and not of this object; the signal's reason. */
export async function verifyVersion(reader: VersionReader, name: ObjectVersionName): Promise<Verdict> {
  try {
    return await whileReplaced(() => read(reader, name))
  } catch (error) {
    reader.signal.throwIfAborted()
    if (error instanceof BackendError && gone.has(error.code)) return { kind: 'gone' }
    if (isOutage(error)) throw error
    return failed(error)
  }
}

/** Nobody can say whether it is of this object; another try may help. */
export function isOutage(error: unknown): boolean {
  if (error instanceof KmsError) return error.code === 'unavailable'
  return error instanceof BackendError && (error.code === 'unavailable' || error.code === 'busy')
}

export function failed(error: unknown): Extract<Verdict, { kind: 'failed' }> {
  const reason = error instanceof Error ? error.message : String(error)
  const known = error instanceof DareError || error instanceof KmsError || error instanceof BackendError
  return { kind: 'failed', code: known ? error.code : 'unreadable', reason }
}

const gone: ReadonlySet<BackendErrorCode> = new Set([
  'no-such-bucket',
  'no-such-key',
  'no-such-version',
  'replaced',
  'delete-marker',
])

async function read(reader: VersionReader, name: ObjectVersionName): Promise<Verdict> {
  const { services, signal, plain } = reader
  try {
    const { opened, data } = await readObject({ services, signal }, name, undefined, (found) => ({
      range: isCounted(found, plain) ? undefined : { offset: 0, size: found.record.size },
    }))
    if (isCounted(opened, plain)) return { kind: 'plain' }
    const digests = opened.encryption === undefined ? await PlainDigests.of(opened.record) : undefined
    await take(reader, data, digests)
    if (opened.encryption !== undefined) return { kind: 'authentic' }
    const mismatch = digests?.mismatch()
    if (mismatch !== undefined) return { kind: 'failed', code: 'digest-mismatch', reason: mismatch }
    return { kind: digests === undefined ? 'plain' : 'equal' }
  } catch (error) {
    // Of all that may be wrong with a request there is only this one.
    if (error instanceof S3Error) return readSealed(reader, name)
    throw error
  }
}

function isCounted({ encryption }: OpenedObject, plain: VersionReader['plain']): boolean {
  return encryption === undefined && plain === 'counted'
}

async function take(
  { pace }: VersionReader,
  data: Awaited<ReturnType<typeof readObject>>['data'],
  digests: PlainDigests | undefined,
): Promise<void> {
  if (data instanceof Uint8Array) {
    digests?.update(data)
    await pace.take(data.length)
    return
  }
  for await (const batch of data) {
    digests?.update(batch.data)
    const { length } = batch.data
    batch.release()
    await pace.take(length)
  }
}

/** An object that only its client's key opens: its bytes are there, and as many as there must be. */
async function readSealed(
  { services: { backend, pool }, signal, pace }: VersionReader,
  { bucket, key, versionId }: ObjectVersionName,
): Promise<Verdict> {
  const verdict = { kind: 'customer-key' } as const
  let stored: StoredObject
  try {
    stored = await backend.getObject(bucket, key, versionId, { recordOnly: true, signal })
  } catch (error) {
    // A store that encrypts as well does not even show it without the key.
    if (error instanceof S3Error) return verdict
    throw error
  }
  const { record } = stored
  const sizes = (record.parts ?? [record]).map(({ size }) => sealedSizeOf(size))
  const sources = backend.openData(
    stored,
    sizes.map((size, index) => ({ index, offset: 0, size })),
    signal,
  )
  try {
    for (const size of sizes) {
      const next = await sources.next()
      if (next.done === true) throw new Error('the backend opened fewer streams than were asked for')
      const batches = pool.read({ source: next.value, offset: 0, size, plaintextSize: size, signal })
      for await (const { data, release } of batches) {
        const { length } = data
        release()
        await pace.take(length)
      }
    }
  } finally {
    await sources.return()
  }
  return verdict
}
