import { join } from 'node:path'
import { type Clock, connectKeyService, KeyRing, type SealedDataKey } from '../../control/client.ts'
import { testMasterKey } from './control.ts'
import { type KeySystem, type RunningControl, withKeySystem } from './key-system.ts'

export const { keyId } = testMasterKey
export const bucketContext = { bucket: 'bucket' }

interface Fixture {
  readonly system: KeySystem
  readonly ring: KeyRing
}

/** A ring over control services at those socket names; they may come later. */
export async function withRing(
  names: readonly string[],
  options: { readonly clock?: Clock; readonly entriesMax?: number },
  check: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  await withKeySystem(async (system) => {
    const addresses = names.map(
      (name) => ({ kind: 'unix', path: join(system.directory, `${name}.sock`) }) as const,
    )
    const service = connectKeyService(addresses, { deadlineMs: 2_000 })
    const ring = new KeyRing({ service, ...options })
    try {
      await check({ system, ring })
    } finally {
      await ring.close()
      await service.close()
    }
  })
}

/** A data key of its own, and its plaintext. */
export async function sealedKey(
  control: RunningControl,
): Promise<SealedDataKey & { readonly plaintext: Uint8Array }> {
  const key = await control.keys.generateDataKey({ context: bucketContext })
  return { keyId, sealed: key.sealed, context: bucketContext, plaintext: key.plaintext }
}
