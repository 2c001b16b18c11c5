import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { RewrapRequest } from '../../proto/gen/sealgate/kms/v1/RewrapRequest.ts'
import type { RewrapResult } from '../../proto/gen/sealgate/kms/v1/RewrapResult.ts'
import { codeOf } from '../errors.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { CallEnd } from './call-end.ts'
import { parseSealed } from './key-requests.ts'
import { createMethod, type MethodParts } from './method.ts'

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
        (error: unknown) => ({ error: codeOf(error), result: 'error' }),
      )
    }
  }
}
