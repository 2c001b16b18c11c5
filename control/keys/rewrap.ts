import { timingSafeEqual } from 'node:crypto'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { RewrapRequest } from '../../proto/gen/sealgate/kms/v1/RewrapRequest.ts'
import type { RewrapResult } from '../../proto/gen/sealgate/kms/v1/RewrapResult.ts'
import { KmsError } from '../errors.ts'
import type { Provider } from '../providers/provider.ts'
import { CallEnd } from '../server/call-end.ts'
import { parseSealed } from '../server/key-requests.ts'
import { createMethod, type MethodParts } from '../server/method.ts'
import type { EncryptionContext } from '../service.ts'
import type { DataKeys } from './data-keys.ts'

interface Request {
  readonly keyId: string
  readonly sealed: Uint8Array
  readonly context: EncryptionContext
  readonly signal: AbortSignal
}

/**
 * A data key sealed by the newest version of its master key: by the KMS itself where it may, else opened and sealed again
 * here. What comes of it is opened and compared before anybody relies on it. Errors: those of the provider; internal where
 * the KMS made another key of it.
 */
export async function rewrap(provider: Provider, request: Request): Promise<Uint8Array> {
  const plaintext = await provider.decrypt(request)
  try {
    const { keyId, context, signal } = request
    const sealed =
      (await provider.rewrap?.(request)) ?? (await provider.encrypt({ keyId, plaintext, context, signal }))
    const reopened = await provider.decrypt({ ...request, sealed })
    try {
      if (reopened.length === plaintext.length && timingSafeEqual(reopened, plaintext)) return sealed
      throw new KmsError('internal', `key ${keyId}: what was sealed anew opens as another key`)
    } finally {
      reopened.fill(0)
    }
  } finally {
    plaintext.fill(0)
  }
}

/** Items of one stream with the KMS at once. */
const itemsInFlight = 8
/** Of one item of a stream. */
const itemDeadlineMs = 30_000

/** The Rewrap method: several items at once, each with its own outcome, answered in their order. */
export function createRewrap(keys: DataKeys, parts: MethodParts) {
  const rewrapOne = createMethod('Rewrap', parts, (request: RewrapRequest, { signal }) =>
    keys.rewrap(parseSealed(request), signal),
  )
  return (call: ServerDuplexStream<RewrapRequest, RewrapResult>): void => {
    void serve().catch((error: unknown) => call.destroy(error instanceof Error ? error : undefined))

    async function serve(): Promise<void> {
      // The iterator would destroy both directions, and with them the end of the answer.
      const requests: AsyncIterable<RewrapRequest> = call.iterator({ destroyOnReturn: false })
      const inFlight: Promise<RewrapResult>[] = []
      for await (const request of requests) {
        inFlight.push(rewrapItem(request))
        const oldest = inFlight.length === itemsInFlight ? inFlight.shift() : undefined
        if (oldest !== undefined) call.write(await oldest)
      }
      for (const result of inFlight) call.write(await result)
      call.end()
    }

    function rewrapItem(request: RewrapRequest): Promise<RewrapResult> {
      return rewrapOne(call, request, new CallEnd(call, Date.now() + itemDeadlineMs)).then(
        (sealed) => ({ sealed: Buffer.from(sealed), result: 'sealed' }),
        (error: unknown) => ({ error: error instanceof KmsError ? error.code : 'internal', result: 'error' }),
      )
    }
  }
}
