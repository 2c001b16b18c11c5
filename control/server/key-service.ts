import type { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { DecryptBatchResult } from '../../proto/gen/sealgate/kms/v1/DecryptBatchResult.ts'
import type { DecryptRequest } from '../../proto/gen/sealgate/kms/v1/DecryptRequest.ts'
import type { DecryptResponse } from '../../proto/gen/sealgate/kms/v1/DecryptResponse.ts'
import type { KeysHandlers } from '../../proto/gen/sealgate/kms/v1/Keys.ts'
import type { Lease } from '../../proto/gen/sealgate/kms/v1/Lease.ts'
import type { AuditState } from '../audit/audit.ts'
import { KmsError } from '../errors.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Terms } from '../keys/held-key.ts'
import type { Provider } from '../providers/provider.ts'
import { createDecryptStream } from './decrypt-stream.ts'
import type { PeerCall } from './identity.ts'
import { parseContext, parseKeyId, parseSealed, requirePayload } from './key-requests.ts'
import { type Call, createMethod, type MethodParts } from './method.ts'
import type { OpenStreams } from './open-streams.ts'
import { createRewrap } from './rewrap-stream.ts'
import { statusOf } from './status.ts'
import { toStatus, unary } from './unary.ts'

/** Items of one batch with the provider at once. */
const batchItemsInFlight = 16

interface Dependencies extends MethodParts {
  readonly provider: Provider
  readonly keys: DataKeys
  readonly streams: OpenStreams
  readonly version: string
  readonly startedAtMs: number
  readonly audit: () => AuditState | undefined
}

/** The key service's methods. */
export function createKeyService(dependencies: Dependencies): KeysHandlers {
  const { provider, keys, streams, gate } = dependencies

  return {
    GenerateDataKey: unary('GenerateDataKey', dependencies, async (request, { signal }) => {
      const keyId = parseKeyId(request.keyId, provider.defaultKeyId)
      const { plaintext, sealed } = await keys.generate(
        { keyId, context: parseContext(request.context) },
        signal,
      )
      return { keyId, plaintext: toBuffer(plaintext), sealed: toBuffer(sealed) }
    }),
    LeaseDataKey: unary('LeaseDataKey', dependencies, async (request, call) => {
      const keyId = parseKeyId(request.keyId, provider.defaultKeyId)
      const key = await keys.lease({ keyId, context: parseContext(request.context) }, call)
      if (key === undefined) return { reused: false }
      if (key.cached) call.cached()
      return {
        reused: true,
        keyId,
        plaintext: toBuffer(key.plaintext),
        sealed: toBuffer(key.sealed),
        lease: toLease(key.terms),
      }
    }),
    Decrypt: unary('Decrypt', dependencies, decrypt),
    DecryptStream: createDecryptStream(createMethod('DecryptStream', dependencies, decrypt), streams),
    DecryptBatch: unary('DecryptBatch', dependencies, async ({ items }, call) => ({
      results: await inTurns(items, (item, index) => decryptItem(item, call, index)),
    })),
    Encrypt: unary('Encrypt', dependencies, async (request, { signal }) => {
      const keyId = parseKeyId(request.keyId, provider.defaultKeyId)
      const context = parseContext(request.context)
      const { plaintext } = request
      requirePayload(plaintext)
      const sealed = await keys.encrypt({ keyId, plaintext, context }, signal)
      plaintext.fill(0)
      return { keyId, sealed: toBuffer(sealed) }
    }),
    Rewrap: createRewrap(keys, dependencies),
    Watch: (call) => keys.hub.add(call, () => stillAllowed(call)),
    // What there is to do, the gate does: it writes the audit.
    ReportUses: unary('ReportUses', dependencies, async ({ items }) => ({
      results: items.map(() => ({ error: '' })),
    })),
    Status: unary('Status', dependencies, async () => statusOf(dependencies)),
  }

  /** Of a Watch; ends one that is not. */
  function stillAllowed(call: PeerCall & EventEmitter): boolean {
    try {
      gate.requireAllowed(call, 'Watch')
      return true
    } catch (error) {
      call.emit('error', toStatus(error))
      return false
    }
  }

  async function decrypt(request: DecryptRequest, call: Call): Promise<DecryptResponse> {
    const key = { ...parseSealed(request), leased: request.lease }
    const { plaintext, terms, cached } = await keys.open(key, call)
    if (cached) call.cached()
    return { plaintext: toBuffer(plaintext), lease: terms === undefined ? null : toLease(terms) }
  }

  async function decryptItem(item: DecryptRequest, call: Call, index: number): Promise<DecryptBatchResult> {
    try {
      const { plaintext, cached } = await keys.open({ ...parseSealed(item), leased: false }, call)
      if (cached) call.cached(index)
      return { plaintext: toBuffer(plaintext), result: 'plaintext' }
    } catch (error) {
      if (!(error instanceof KmsError)) throw error
      call.itemFailed(error)
      return { error: error.code, result: 'error' }
    }
  }
}

function toLease({ ageMs, uses, idleMs, offlineGraceMs }: Terms): Lease {
  return { maxAgeMs: ageMs, maxUses: uses, idleMs, offlineGraceMs }
}

/** Between two turns others get their answers: keys that are held are opened without waiting for anything. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < items.length; start += batchItemsInFlight) {
    if (start > 0) await setImmediate()
    const turn = items.slice(start, start + batchItemsInFlight)
    results.push(...(await Promise.all(turn.map((item, index) => work(item, start + index)))))
  }
  return results
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
