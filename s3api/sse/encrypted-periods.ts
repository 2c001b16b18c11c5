import { DareError } from '../../engine/index.ts'
import type { ObjectRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import type { Services } from '../operation.ts'

/**
 * Since when all objects of a bucket are encrypted, by its default encryption or by auto-encryption. Where they are, an object
 * without an envelope is one that somebody stripped or planted, and is refused. FORMAT.md §7.
 */

/** Until then, milliseconds since 1970, from then on; absent end: still. */
interface Period {
  readonly fromMs: number
  readonly toMs?: number
}

const settingName = 'encrypted-periods'
/** A write that began before a period did may be dated into it by another front-end's clock. */
const marginMs = 60_000
/** Of a bucket whose encryption is switched on and off; the oldest ones go. */
const periodsMax = 100

/** The first settings of a bucket that never has a plain object. */
export const bornEncrypted: Readonly<Record<string, string>> = {
  [settingName]: JSON.stringify([{ fromMs: 0 } satisfies Period]),
}

/** Notes, before a write goes on, whether what names no encryption is encrypted now. */
export async function noteDefault(
  { backend, now }: Services,
  bucket: string,
  { encrypted }: { readonly encrypted: boolean },
): Promise<void> {
  const periods = await readPeriods(backend, bucket)
  const last = periods.at(-1)
  if (isOpen(last) === encrypted) return
  const changed: readonly Period[] =
    encrypted || last === undefined
      ? [...periods, { fromMs: now() + marginMs }]
      : [...periods.slice(0, -1), { ...last, toMs: now() - marginMs }]
  await backend.setBucketSetting(bucket, settingName, JSON.stringify(changed.slice(-periodsMax)))
}

/**
 * Throws DareError `tag-mismatch` where nothing could have been stored in plaintext at that time: of an object, its last
 * modification; of an upload, its beginning.
 */
export async function requirePlainAllowed(
  { backend }: Pick<Services, 'backend'>,
  bucket: string,
  atMs: number,
): Promise<void> {
  if (!isWithin(await readPeriods(backend, bucket), atMs)) return
  throw new DareError('tag-mismatch', 'there is no envelope in a bucket whose objects are all encrypted')
}

/**
 * To be called right before a record is stored: a bucket that became encrypted meanwhile takes no plain ones. Errors: OperationAborted;
 * ServiceUnavailable as of {@link confirmTime}.
 */
export async function confirmRecord(
  { backend }: Services,
  bucket: string,
  record: ObjectRecord,
): Promise<void> {
  if (record.envelope !== undefined) return
  const periods = await readPeriods(backend, bucket)
  if (isOpen(periods.at(-1))) {
    throw new S3Error('OperationAborted', 'The bucket’s default encryption was switched on meanwhile.')
  }
  requireOutside(periods, record.modifiedAtMs)
}

/**
 * To be called before something plain is stored with that time, by which it could be taken for planted when it is read: after
 * the end of a period the clock was set back. Errors: ServiceUnavailable.
 */
export async function confirmTime({ backend }: Services, bucket: string, atMs: number): Promise<void> {
  requireOutside(await readPeriods(backend, bucket), atMs)
}

function requireOutside(periods: readonly Period[], atMs: number): void {
  if (!isWithin(periods, atMs)) return
  throw new S3Error(
    'ServiceUnavailable',
    'The server’s clock is behind the time until which all objects of the bucket were encrypted.',
  )
}

function isWithin(periods: readonly Period[], atMs: number): boolean {
  return periods.some(({ fromMs, toMs = Infinity }) => fromMs <= atMs && atMs < toMs)
}

function isOpen(period: Period | undefined): boolean {
  return period !== undefined && period.toMs === undefined
}

/** What cannot be read is an error, never "not encrypted". */
async function readPeriods(backend: Services['backend'], bucket: string): Promise<readonly Period[]> {
  const setting = await backend.getBucketSetting(bucket, settingName)
  if (setting === undefined) return []
  const value: unknown = JSON.parse(setting)
  if (!Array.isArray(value)) throw new Error('the encrypted periods of the bucket cannot be read')
  return value.map(toPeriod)
}

function toPeriod(value: unknown): Period {
  if (typeof value === 'object' && value !== null && 'fromMs' in value && typeof value.fromMs === 'number') {
    if (!('toMs' in value)) return { fromMs: value.fromMs }
    if (typeof value.toMs === 'number') return { fromMs: value.fromMs, toMs: value.toMs }
  }
  throw new Error('the encrypted periods of the bucket cannot be read')
}
