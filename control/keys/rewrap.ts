import { timingSafeEqual } from 'node:crypto'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { RewrapRequest } from '../../proto/gen/sealgate/kms/v1/RewrapRequest.ts'
import type { RewrapResult } from '../../proto/gen/sealgate/kms/v1/RewrapResult.ts'
import { KmsError } from '../errors.ts'
import type { Provider } from '../providers/provider.ts'
import { parseSealed } from '../server/key-requests.ts'
import type { MethodParts } from '../server/unary.ts'
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
export function createRewrap(keys: DataKeys, { gate, metrics, log }: MethodParts) {
  return (call: ServerDuplexStream<RewrapRequest, RewrapResult>): void => {
    const gone = new AbortController()
    call.on('cancelled', () => gone.abort(new KmsError('unavailable', 'the call was given up')))
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

    async function rewrapItem(request: RewrapRequest): Promise<RewrapResult> {
      const startedAt = performance.now()
      metrics.begin()
      let code = 'ok'
      try {
        const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(itemDeadlineMs)])
        const sealed = await gate.pass(call, 'Rewrap', request, () =>
          keys.rewrap(parseSealed(request), signal),
        )
        return { sealed: Buffer.from(sealed), result: 'sealed' }
      } catch (error) {
        code = error instanceof KmsError ? error.code : 'internal'
        log[code === 'internal' ? 'error' : 'warn'](
          { operation: 'Rewrap', code, err: error },
          'key operation failed',
        )
        return { error: code, result: 'error' }
      } finally {
        metrics.end('Rewrap', code, performance.now() - startedAt)
      }
    }
  }
}
