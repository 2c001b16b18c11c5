import type { DecryptBatchResult } from '../proto/gen/sealgate/kms/v1/DecryptBatchResult.ts'
import type { DecryptRequest } from '../proto/gen/sealgate/kms/v1/DecryptRequest.ts'
import type { KeysHandlers } from '../proto/gen/sealgate/kms/v1/Keys.ts'
import { KmsError } from './errors.ts'
import type { Provider } from './providers/provider.ts'
import { statusOf } from './status.ts'
import { type MethodParts, unary } from './unary.ts'

/** What a request may carry; more is refused before the provider sees it. */
const keyIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const contextEntriesMax = 64
/** Names and values together, bytes. */
const contextSizeMax = 16 * 1024
const sealedKeySizeMax = 128 * 1024
const payloadSizeMax = 64 * 1024
const batchItemsMax = 1000
/** Items of one batch with the provider at once. */
const batchItemsInFlight = 16

interface Dependencies extends MethodParts {
  readonly provider: Provider
  readonly version: string
  readonly startedAtMs: number
}

/** The key service's methods, over a provider. */
export function createKeyService(
  dependencies: Dependencies,
): Pick<KeysHandlers, 'GenerateDataKey' | 'Decrypt' | 'DecryptBatch' | 'Encrypt' | 'Status'> {
  const { provider } = dependencies

  const decrypt = async (request: DecryptRequest, signal: AbortSignal): Promise<Buffer> => {
    const keyId = parseKeyId(request.keyId, undefined)
    const context = parseContext(request.context)
    if (request.sealed.length === 0 || request.sealed.length > sealedKeySizeMax) {
      throw new KmsError('invalid-ciphertext', `a sealed key of ${request.sealed.length} bytes`)
    }
    return toBuffer(await provider.decrypt({ keyId, sealed: request.sealed, context, signal }))
  }

  return {
    GenerateDataKey: unary('GenerateDataKey', dependencies, async (request, signal) => {
      const keyId = parseKeyId(request.keyId, provider.defaultKeyId)
      const context = parseContext(request.context)
      const { plaintext, sealed } = await provider.generateDataKey({ keyId, context, signal })
      return { keyId, plaintext: toBuffer(plaintext), sealed: toBuffer(sealed) }
    }),
    Decrypt: unary('Decrypt', dependencies, async (request, signal) => ({
      plaintext: await decrypt(request, signal),
    })),
    DecryptBatch: unary('DecryptBatch', dependencies, async ({ items }, signal) => {
      if (items.length > batchItemsMax) {
        throw new KmsError('invalid-ciphertext', `a batch has at most ${batchItemsMax} items`)
      }
      return { results: await inTurns(items, (item) => decryptItem(item, signal)) }
    }),
    Encrypt: unary('Encrypt', dependencies, async (request, signal) => {
      const keyId = parseKeyId(request.keyId, provider.defaultKeyId)
      const context = parseContext(request.context)
      const { plaintext } = request
      if (plaintext.length === 0 || plaintext.length > payloadSizeMax) {
        throw new KmsError(
          'invalid-ciphertext',
          `a payload has 1..${payloadSizeMax} bytes, not ${plaintext.length}`,
        )
      }
      const sealed = await provider.encrypt({ keyId, plaintext, context, signal })
      plaintext.fill(0)
      return { keyId, sealed: toBuffer(sealed) }
    }),
    Status: unary('Status', dependencies, async () => statusOf(dependencies)),
  }

  async function decryptItem(item: DecryptRequest, signal: AbortSignal): Promise<DecryptBatchResult> {
    try {
      return { plaintext: await decrypt(item, signal), result: 'plaintext' }
    } catch (error) {
      if (error instanceof KmsError) return { error: error.code, result: 'error' }
      throw error
    }
  }
}

async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < items.length; start += batchItemsInFlight) {
    results.push(...(await Promise.all(items.slice(start, start + batchItemsInFlight).map(work))))
  }
  return results
}

function parseKeyId(text: string, fallback: string | undefined): string {
  if (text === '' && fallback !== undefined) return fallback
  if (!keyIdPattern.test(text)) throw new KmsError('key-not-found', 'the key id is not a valid name')
  return text
}

function parseContext(context: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(context)
  const size = entries.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  )
  if (entries.length > contextEntriesMax || size > contextSizeMax) {
    throw new KmsError(
      'invalid-ciphertext',
      `an encryption context of ${entries.length} entries, ${size} bytes`,
    )
  }
  return context
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
