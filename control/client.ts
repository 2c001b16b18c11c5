import { type ServiceError, status } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { DataKey as DataKeyMessage } from '../proto/gen/sealgate/kms/v1/DataKey.ts'
import type { DataKeyLease } from '../proto/gen/sealgate/kms/v1/DataKeyLease.ts'
import type { DecryptBatchResponse } from '../proto/gen/sealgate/kms/v1/DecryptBatchResponse.ts'
import type { DecryptResponse } from '../proto/gen/sealgate/kms/v1/DecryptResponse.ts'
import type { EncryptResponse } from '../proto/gen/sealgate/kms/v1/EncryptResponse.ts'
import type { KeysClient } from '../proto/gen/sealgate/kms/v1/Keys.ts'
import type { Lease as LeaseMessage } from '../proto/gen/sealgate/kms/v1/Lease.ts'
import type { ReportUsesResponse } from '../proto/gen/sealgate/kms/v1/ReportUsesResponse.ts'
import type { StatusResponse } from '../proto/gen/sealgate/kms/v1/StatusResponse.ts'
import type { ControlAddress } from './config.ts'
import { type Endpoint, Endpoints } from './connection/endpoints.ts'
import { rewrapOver } from './connection/rewrap-client.ts'
import { InstanceWatch } from './connection/watch-client.ts'
import { KmsError } from './errors.ts'
import type { KeyService, Lease } from './service.ts'
import {
  answeredName,
  byControlName,
  codeOfStatus,
  parseErrorCode,
  reasonOfFailure,
  retryAfterName,
} from './wire-errors.ts'

// What other rooms and services import: the key service, as they see it, and the ring that keeps its keys.
export {
  epochIdOf,
  type KeptSecret,
  KeyRing,
  type ResealedKey,
  type RingKey,
  type SealedDataKey,
} from './connection/key-ring.ts'
export { isKeyId } from './key-ids.ts'
export type {
  DataKey,
  EncryptionContext,
  InstanceState,
  KeyService,
  KeyServiceStatus,
  Lease,
  SealedKey,
} from './service.ts'
export { type Clock, systemClock } from './session/session-clock.ts'

/** Bytes. */
const dataKeySize = 32

/** A call that has not come back by then has failed, whatever number of attempts it took. */
const defaultDeadlineMs = 5_000
/** Nobody is asked for it, and whoever looks whether we are ready does not wait for long. */
const statusDeadlineMs = 2_500
/** An instance that does not answer leaves this part of the deadline to another one. */
const attemptShare = 0.5
/** Answers of `unavailable` that a call takes; an instance that cannot be reached is tried until the deadline. */
const answersMax = 3
/** Of a batch, besides what its keys take. */
const rewrapDeadlineMs = 30_000
const backoffMinMs = 50
const backoffMaxMs = 500

type Start<Response> = (
  client: KeysClient,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, response?: Response) => void,
) => void

/**
 * A client of the key service at `addresses`, one or several instances of it: calls go round the healthy ones, and one that
 * an instance did not answer goes to another. It connects when first used and again after a break; while all are away,
 * calls fail with `unavailable` by their deadline. Errors: KmsError `unavailable` for certificates that cannot be used.
 */
export function connectKeyService(
  addresses: ControlAddress | readonly ControlAddress[],
  { deadlineMs = defaultDeadlineMs, log }: { readonly deadlineMs?: number; readonly log?: Logger } = {},
): KeyService {
  const endpoints = new Endpoints('kind' in addresses ? [addresses] : addresses, {
    ...(log !== undefined && { log }),
  })

  /** One call: its deadline, its attempts, and the error that the service threw. Every method can be repeated. */
  async function call<Response>(start: Start<Response>, withinMs = deadlineMs): Promise<Response> {
    const deadline = Date.now() + withinMs
    const attemptMs = endpoints.all.length === 1 ? withinMs : withinMs * attemptShare
    const tried = new Set<Endpoint>()
    let answers = 0
    let silent = false
    for (let attempt = 1; ; attempt++) {
      const endpoint = endpoints.pick(tried)
      const attemptEnd = Date.now() + attemptMs
      const result = await once(start, endpoint.client, Math.min(deadline, attemptEnd))
      if (!(result instanceof Failure)) return result
      tried.add(endpoint)
      // What one that is silent has left to others may be less than a slow KMS takes, and says nothing against them.
      if (result.silent && !silent && attemptEnd <= deadline) endpoints.doubt(endpoint)
      silent ||= result.silent
      const allTried = tried.size === endpoints.all.length
      const waitMs = allTried ? backoffMs(attempt) : 0
      if (result.answered) answers++
      if (!result.repeatable || answers === answersMax || Date.now() + waitMs >= deadline) throw result.error
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }

  return {
    async generateDataKey({ keyId = '', context }) {
      const request = { keyId, context }
      const dataKey = await call<DataKeyMessage>((client, options, done) =>
        client.generateDataKey(request, options, done),
      )
      requireDataKey(dataKey.plaintext)
      return dataKey
    },
    async decrypt(request) {
      const { plaintext } = await call<DecryptResponse>((client, options, done) =>
        client.decrypt({ ...request, sealed: toBuffer(request.sealed) }, options, done),
      )
      return plaintext
    },
    async decryptLeased(request) {
      const { plaintext, lease } = await call<DecryptResponse>((client, options, done) =>
        client.decrypt({ ...request, sealed: toBuffer(request.sealed), lease: true }, options, done),
      )
      return { plaintext, lease: requireLease(lease) }
    },
    async leaseDataKey({ keyId = '', context }) {
      const { reused, lease, ...dataKey } = await call<DataKeyLease>((client, options, done) =>
        client.leaseDataKey({ keyId, context }, options, done),
      )
      if (!reused) return undefined
      requireDataKey(dataKey.plaintext)
      return { ...dataKey, lease: requireLease(lease) }
    },
    rewrap: (keys) =>
      rewrapOver(endpoints.pick(new Set()).client, keys, rewrapDeadlineMs + keys.length * deadlineMs),
    watch(onState) {
      const watches = endpoints.all.map(
        ({ client, target }) =>
          new InstanceWatch(client, {
            onState: (state) => onState(target, state),
            onRefused: (error) =>
              log?.error(
                { target, reason: error.details },
                'control does not tell us when keys are withdrawn',
              ),
          }),
      )
      return () => {
        for (const watch of watches) watch.close()
      }
    },
    async decryptBatch(items) {
      const request = { items: items.map((item) => ({ ...item, sealed: toBuffer(item.sealed) })) }
      const { results } = await call<DecryptBatchResponse>((client, options, done) =>
        client.decryptBatch(request, options, done),
      )
      return results.map(
        ({ plaintext, error }) =>
          plaintext ?? new KmsError(parseErrorCode(error), 'the key was not unsealed'),
      )
    },
    async encrypt({ keyId = '', plaintext, context }) {
      const request = { keyId, plaintext: toBuffer(plaintext), context }
      return call<EncryptResponse>((client, options, done) => client.encrypt(request, options, done))
    },
    async reportUses(items) {
      await call<ReportUsesResponse>((client, options, done) =>
        client.reportUses({ items: [...items] }, options, done),
      )
    },
    status: () =>
      call<StatusResponse>(
        (client, options, done) => client.status({}, options, done),
        Math.min(deadlineMs, statusDeadlineMs),
      ),
    async close() {
      endpoints.close()
    },
  }
}

class Failure {
  readonly error: KmsError
  /** Another attempt may succeed, with another instance above all. */
  readonly repeatable: boolean
  /** It is the service's own answer: it was reached. */
  readonly answered: boolean
  /** Nothing at all came in the time of the attempt. */
  readonly silent: boolean
  constructor(
    error: KmsError,
    { repeatable, answered, silent }: { repeatable: boolean; answered: boolean; silent: boolean },
  ) {
    this.error = error
    this.repeatable = repeatable
    this.answered = answered
    this.silent = silent
  }
}

function once<Response>(
  start: Start<Response>,
  client: KeysClient,
  deadline: number,
): Promise<Response | Failure> {
  return new Promise((resolve) => {
    start(client, { deadline }, (error, response) => {
      if (error !== null) resolve(toFailure(error))
      else if (response === undefined) resolve(toEmptyFailure())
      else resolve(response)
    })
  })
}

function toFailure(error: ServiceError): Failure {
  const retryAfterMs = Number(error.metadata.get(retryAfterName)[0])
  const known = new KmsError(codeOfStatus(error.code), reasonOfFailure(error), {
    cause: error,
    byControl: error.metadata.get(byControlName).length > 0,
    ...(retryAfterMs > 0 && { retryAfterMs }),
  })
  const repeatable = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED
  const answered = error.metadata.get(answeredName).length > 0
  const silent = error.code === status.DEADLINE_EXCEEDED && !answered
  return new Failure(known, { repeatable, answered, silent })
}

function toEmptyFailure(): Failure {
  const error = new KmsError('internal', 'control sent an empty answer')
  return new Failure(error, { repeatable: false, answered: true, silent: false })
}

/** Twice as long after each attempt, and never at the same moment as everybody else. */
function backoffMs(attempt: number): number {
  return Math.min(backoffMinMs * 2 ** attempt, backoffMaxMs) * (0.5 + Math.random() / 2)
}

function requireDataKey(plaintext: Uint8Array): void {
  if (plaintext.length !== dataKeySize) {
    throw new KmsError('internal', `control sent a data key of ${plaintext.length} bytes`)
  }
}

function requireLease(lease: LeaseMessage | null): Lease {
  if (lease === null) throw new KmsError('internal', 'control sent a key without its lease')
  return lease
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
