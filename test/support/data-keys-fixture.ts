import { pino } from 'pino'
import * as assert from 'uvu/assert'
import { DataKeys } from '../../control/keys/data-keys.ts'
import { defaultKeyLimits, type KeyLimits } from '../../control/keys/key-limits.ts'
import { type CountingProvider, countCalls } from './counting-provider.ts'
import { ManualClock } from './vault/manual-clock.ts'

/** Control's data keys over a KMS whose calls are counted. */

export const keyId = 'my-minio-key'
export const minuteMs = 60_000
export const bucket = (name = 'bucket') => ({ keyId, context: { [name]: name } })
export const signal = () => AbortSignal.timeout(10_000)
export const log = pino({ level: 'silent' })

export interface Fixture {
  readonly keys: DataKeys
  readonly kms: CountingProvider
  readonly clock: ManualClock
  /** Evictions of opened keys, by their reasons. */
  readonly evicted: string[]
  lease(name?: string): Promise<Uint8Array>
  /** A sealed key of its own, that control does not know. */
  seal(): Promise<Uint8Array>
  open(sealed: Uint8Array): Promise<Uint8Array>
}

export async function withDataKeys(
  limits: Partial<KeyLimits> & { readonly disabledKeysFile?: string; readonly chance?: number },
  check: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const { disabledKeysFile, chance, ...changed } = limits
  const kms = countCalls()
  const clock = new ManualClock(chance)
  const evicted: string[] = []
  const ignore = () => {}
  const keys = new DataKeys({
    provider: kms,
    limits: { ...defaultKeyLimits, ...changed },
    log,
    clock,
    openedEvents: { hit: ignore, miss: ignore, stale: ignore, evicted: (reason) => evicted.push(reason) },
    ...(disabledKeysFile !== undefined && { disabledKeysFile }),
  })
  try {
    await check({
      keys,
      kms,
      clock,
      evicted,
      lease: async (name) => {
        const key = await keys.lease(bucket(name), { signal: signal() })
        assert.ok(key)
        return key.plaintext
      },
      seal: async () => (await keys.generate(bucket(), signal())).sealed,
      open: async (sealed) =>
        (await keys.open({ ...bucket(), sealed, leased: false }, { signal: signal() })).plaintext,
    })
  } finally {
    keys.close()
    await kms.close()
  }
}
