import type { KeyService, SealedKey } from '../../control/client.ts'
import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import type { SystemRecords } from '../backends/backend.ts'
import { epochPrefix } from './epoch-records.ts'
import { fingerprintContext, fingerprintPrefix } from './fingerprint.ts'
import { type Leaving, type LeftKey, leaveKeys, requireOwnStore } from './left-keys.ts'
import { isOfEpoch, type MovedKey, moveKeys } from './moved-keys.ts'
import { epochRecord, fingerprintRecord } from './system-messages.ts'

/** What a run has done. */
export interface RewrapReport {
  readonly startedAtMs: number
  /** It began where an earlier one was interrupted. */
  readonly resumed: boolean
  readonly epochs: number
  readonly fingerprints: number
  readonly failed: number
  /** The first of those that failed. */
  readonly failures: readonly RewrapFailure[]
  /** Those that were to be left, and whether they are. */
  readonly leaving: readonly LeftKey[]
}

interface RewrapOptions {
  readonly now: () => number
  readonly restart?: boolean
  readonly leaving?: Leaving
}

export interface RewrapFailure {
  readonly name: string
  readonly keyId: string
  readonly code: KmsErrorCode | 'unreadable'
}

/** How far a run has come: behind which name it goes on. */
type Progress = Omit<RewrapReport, 'leaving'> & { readonly after: string }

const progressName = 'rewrap/progress'
const recordsPerBatch = 100
const failuresShownMax = 20

/**
 * Seals the data keys of all epochs, and the store's fingerprint, anew under the newest versions of their master keys. No
 * object is read or written. After an interruption the next run begins behind the last batch, unless it is to `restart`, and
 * does what is before it in the end: the master key may have a newer version by now. Errors: KmsError `unavailable` and
 * BackendError, which interrupt it.
 */
export async function rewrapStore(
  system: SystemRecords,
  service: KeyService,
  { now, restart = false, leaving }: RewrapOptions,
): Promise<RewrapReport> {
  if (leaving !== undefined) await requireOwnStore(system, service, leaving.log)
  const from = restart ? undefined : parseProgress(await system.get(progressName))
  let progress: Progress = {
    startedAtMs: now(),
    resumed: from !== undefined,
    epochs: 0,
    fingerprints: 0,
    failed: 0,
    failures: [],
    after: from ?? '',
  }
  const goOn = async (last?: string) => {
    for (const prefix of [epochPrefix, fingerprintPrefix]) {
      for (;;) {
        const listed = await system.list(prefix, { after: progress.after, limit: recordsPerBatch })
        const names = listed.filter((name) => last === undefined || name <= last)
        if (names.length === 0) break
        progress = await rewrapBatch(names, { system, service, now, leaving, progress })
        await system.put(progressName, new TextEncoder().encode(JSON.stringify({ after: progress.after })))
      }
    }
  }
  await goOn()
  if (from !== undefined) {
    progress = { ...progress, after: '' }
    await goOn(from)
  }
  const left = leaving === undefined ? [] : await leaveKeys(system, service, leaving)
  await system.delete(progressName)
  const { after: _, ...report } = progress
  return { ...report, leaving: left }
}

interface Kept {
  readonly name: string
  readonly key: SealedKey
  /** The record with the data key sealed anew. */
  readonly renewed: (next: MovedKey) => Uint8Array
}

interface Batch {
  readonly system: SystemRecords
  readonly service: KeyService
  readonly now: () => number
  readonly leaving: Leaving | undefined
  readonly progress: Progress
}

async function rewrapBatch(names: readonly string[], batch: Batch): Promise<Progress> {
  const { system, now, leaving, progress } = batch
  const kept: Kept[] = []
  const failures: RewrapFailure[] = []
  const records = await Promise.all(names.map((name) => system.get(name)))
  for (const [index, name] of names.entries()) {
    const record = records[index]
    if (record === undefined) continue
    const parsed = parseRecord(name, record, now)
    if (parsed === undefined) failures.push({ name, keyId: '', code: 'unreadable' })
    // The value of a key is the last that leaves it.
    else if (name.startsWith(epochPrefix) || !leaves(leaving, parsed)) kept.push(parsed)
  }
  const results = await sealAnew(kept, batch)
  const writes: { readonly name: string; readonly record: Uint8Array }[] = []
  for (const each of kept) {
    const { name, key, renewed } = each
    const result = results.get(each)
    if (result instanceof KmsError && result.code === 'unavailable') throw result
    if (result === undefined || result instanceof KmsError) {
      failures.push({ name, keyId: key.keyId, code: result?.code ?? 'internal' })
      continue
    }
    writes.push({ name, record: renewed(result) })
  }
  await Promise.all(writes.map(({ name, record }) => system.put(name, record)))
  const epochs = writes.filter(({ name }) => name.startsWith(epochPrefix)).length
  return {
    ...progress,
    epochs: progress.epochs + epochs,
    fingerprints: progress.fingerprints + writes.length - epochs,
    failed: progress.failed + failures.length,
    failures: [...progress.failures, ...failures].slice(0, failuresShownMax),
    // Names of the one prefix are before those of the other.
    after: names.at(-1) ?? progress.after,
  }
}

/** Of each key how it is sealed now, or why not. */
async function sealAnew(
  kept: readonly Kept[],
  { service, leaving }: Batch,
): Promise<ReadonlyMap<Kept, MovedKey | KmsError>> {
  const results = new Map<Kept, MovedKey | KmsError>()
  const staying = kept.filter((each) => !leaves(leaving, each))
  const rewrapped = staying.length === 0 ? [] : await service.rewrap(staying.map(({ key }) => key))
  for (const [index, each] of staying.entries()) {
    const result = rewrapped[index]
    if (result === undefined) continue
    results.set(each, result instanceof KmsError ? result : { keyId: each.key.keyId, sealed: result })
  }
  if (leaving === undefined) return results
  const going = kept.filter((each) => leaves(leaving, each))
  const wanted = going.map(({ name, key }) => ({
    ...key,
    expected: isOfEpoch(name.slice(epochPrefix.length)),
  }))
  const moved = await moveKeys(service, wanted, leaving.to)
  for (const [index, each] of going.entries()) {
    const result = moved[index]
    if (result !== undefined) results.set(each, result)
  }
  return results
}

function leaves(leaving: Leaving | undefined, { key }: Kept): boolean {
  return leaving?.keyIds.includes(key.keyId) === true
}

function parseRecord(name: string, bytes: Uint8Array, now: () => number): Kept | undefined {
  try {
    if (name.startsWith(epochPrefix)) {
      const record = epochRecord.decode(bytes)
      const { keyId, sealedDataKey: sealed, context } = record
      const renewed = (next: MovedKey) =>
        epochRecord.encode({
          ...record,
          keyId: next.keyId,
          sealedDataKey: Buffer.from(next.sealed),
          rewrappedAtMs: now(),
        })
      return { name, key: { keyId, sealed, context }, renewed }
    }
    const record = fingerprintRecord.decode(bytes)
    const { keyId, sealed } = record
    const renewed = (next: MovedKey) =>
      fingerprintRecord.encode({ ...record, sealed: Buffer.from(next.sealed) })
    return { name, key: { keyId, sealed, context: fingerprintContext }, renewed }
  } catch {
    // What is no record of ours cannot be sealed anew, and is reported.
    return undefined
  }
}

/** Behind which name the run that was interrupted would have gone on. */
function parseProgress(record: Uint8Array | undefined): string | undefined {
  if (record === undefined) return undefined
  // This file has written it.
  return (JSON.parse(Buffer.from(record).toString('utf8')) as { readonly after: string }).after
}
