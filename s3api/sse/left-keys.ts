import type { Logger } from 'pino'
import type { KeyService } from '../../control/client.ts'
import { isRefusal } from '../../control/errors.ts'
import type { SystemRecords } from '../backends/backend.ts'
import { epochPrefix } from './epoch-records.ts'
import { fingerprintContext, firstName, knownValue, nameOf, StoreFingerprint } from './fingerprint.ts'
import { moveKey } from './moved-keys.ts'
import { epochRecord, fingerprintRecord } from './system-messages.ts'

/** Master keys that a store is to leave, for another one. */
export interface Leaving {
  readonly keyIds: readonly string[]
  /** Under which all of it is sealed then. */
  readonly to: string
  readonly log: Logger
}

export interface LeftKey {
  readonly keyId: string
  readonly to: string
  /** No epoch is under it, and no value by which the store knows it: front-ends start without it. */
  readonly left: boolean
}

const recordsPerPage = 100

/** Throws StoreMismatch where the KMS does not open what the store holds: nothing is sealed under its keys then. Errors also: KmsError, BackendError. */
export async function requireOwnStore(
  system: SystemRecords,
  service: KeyService,
  log: Logger,
): Promise<void> {
  const fingerprint = new StoreFingerprint({ system, service, log })
  try {
    await fingerprint.check()
  } finally {
    fingerprint.close()
  }
}

/**
 * Takes away the values by which the store knows keys under which no epoch is any more, so that front-ends start without them. Another
 * key's is there before; at every moment there is one that this KMS opens. A front-end may write an epoch under such a key meanwhile: it
 * looks for the value after that ({@link StoreFingerprint.requireNamed}), and here it is looked for epochs after the value was taken
 * away, so that not both can miss the other. Errors: KmsError, BackendError.
 */
export async function leaveKeys(
  system: SystemRecords,
  service: KeyService,
  { keyIds, to, log }: Leaving,
): Promise<readonly LeftKey[]> {
  const needed = await keysOfEpochs(system)
  const taken = new Map<string, Uint8Array | undefined>()
  for (const keyId of keyIds) {
    if (needed(keyId)) continue
    try {
      taken.set(keyId, await takeFingerprint(system, service, { keyId, to }))
    } catch (error) {
      if (!isRefusal(error)) throw error
      log.error({ err: error, keyId }, 'the value by which the store knows the key is not sealed anew')
    }
  }
  const neededNow = await keysOfEpochs(system)
  for (const [keyId, record] of taken) {
    if (!neededNow(keyId)) continue
    if (record !== undefined) await system.put(nameOf(keyId), record, { onlyIfAbsent: true })
    taken.delete(keyId)
  }
  return keyIds.map((keyId) => ({ keyId, to, left: taken.has(keyId) }))
}

/** Tells whether an epoch is under a key; one that cannot be read may be under any. */
async function keysOfEpochs(system: SystemRecords): Promise<(keyId: string) => boolean> {
  const found = new Set<string>()
  let unreadable = false
  for (let after = ''; ; ) {
    const names = await system.list(epochPrefix, { after, limit: recordsPerPage })
    const records = await Promise.all(names.map((name) => system.get(name)))
    for (const record of records) {
      if (record === undefined) continue
      try {
        found.add(epochRecord.decode(record).keyId)
      } catch {
        // The objects' own copies of its data key are under a key that nobody knows here.
        unreadable = true
      }
    }
    const last = names.at(-1)
    if (last === undefined) return (keyId) => unreadable || found.has(keyId)
    after = last
  }
}

/** Returns what the store knew the key by; undefined: it did not know it. */
async function takeFingerprint(
  system: SystemRecords,
  service: KeyService,
  { keyId, to }: { readonly keyId: string; readonly to: string },
): Promise<Uint8Array | undefined> {
  const [first, own] = await Promise.all([firstName, nameOf(keyId)].map((name) => system.get(name)))
  const firstKeyId = first && fingerprintRecord.decode(first).keyId
  const record = firstKeyId === keyId ? first : own
  if (record === undefined) return undefined
  const { sealed } = fingerprintRecord.decode(record)
  const moved = await moveKey(
    service,
    { keyId, sealed, context: fingerprintContext },
    { to, expected: (value) => Buffer.compare(value, knownValue) === 0 },
  )
  const next = fingerprintRecord.encode({ keyId: to, sealed: Buffer.from(moved.sealed) })
  // One write: before it the old value is valid, after it the new one.
  if (firstKeyId === keyId) await system.put(firstName, next)
  else if (firstKeyId !== to) await system.put(nameOf(to), next, { onlyIfAbsent: true })
  await system.delete(nameOf(keyId))
  return record
}
