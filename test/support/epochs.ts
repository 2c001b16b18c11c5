import type { SystemRecords } from '../../s3api/backends/backend.ts'
import { epochRecord } from '../../s3api/sse/system-messages.ts'
import { testMasterKey } from './control.ts'
import type { KeySystem } from './key-system.ts'

/** A store with the epochs of many buckets: that of a front-end unless given. */
export async function makeEpochs(
  system: KeySystem,
  count: number,
  given?: SystemRecords,
): Promise<SystemRecords> {
  const control = await system.startControl()
  const records = given ?? (await system.startFrontEnd()).backend.system
  for (let index = 0; index < count; index++) {
    const context = { [`bucket-${index}`]: `bucket-${index}` }
    const key = await control.keys.generateDataKey({ context })
    const record = {
      keyId: testMasterKey.keyId,
      sealedDataKey: Buffer.from(key.sealed),
      context,
      createdAtMs: 1,
      rewrappedAtMs: 0,
    }
    await records.put(`epochs/${String(index).padStart(6, '0')}`, epochRecord.encode(record))
  }
  await control.stop()
  return records
}
