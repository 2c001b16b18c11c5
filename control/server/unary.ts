import {
  Metadata,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { answeredName, KmsError, type KmsErrorCode, retryAfterName, statusOfCode } from '../errors.ts'
import { FailureLog } from '../session/failure-log.ts'
import { CallEnd } from './call-end.ts'
import type { Gate, Notes } from './gate.ts'
import type { ControlMetrics } from './metrics.ts'
import type { Operation } from './operations.ts'

/** What a handler knows of its call, besides the request. */
export interface Call extends Notes {
  /** Aborts when the caller does not wait any more. Made when it is asked for: what is answered from memory needs none. */
  readonly signal: AbortSignal
}

type Handler<Request, Response> = (request: Request, call: Call) => Promise<Response>

/** What every method works with. */
export interface MethodParts {
  readonly gate: Gate
  readonly metrics: ControlMetrics
  readonly log: Logger
}

/**
 * Makes a gRPC method of an async function: it passes the gate, the caller's deadline and cancellation become a signal, a
 * thrown KmsError becomes its status, and anything else is told as "internal error" and logged.
 */
export function unary<Request, Response>(
  operation: Operation,
  { gate, log, metrics }: MethodParts,
  handler: Handler<Request, Response>,
) {
  const failures = new FailureLog(operation, log)
  return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    const end = new CallEnd(call)
    const startedAt = performance.now()
    metrics.begin()
    gate
      .pass(call, operation, call.request, (request, notes) => {
        const of = {
          get signal() {
            return end.signal
          },
          cached: notes.cached,
        }
        return handler(request, of)
      })
      .then(
        (response) => {
          metrics.end(operation, 'ok', performance.now() - startedAt)
          log.debug({ operation }, 'key operation')
          done(null, response)
        },
        (error: unknown) => {
          const code = error instanceof KmsError ? error.code : 'internal'
          metrics.end(operation, code, performance.now() - startedAt)
          failures.tell(code, error)
          done(toStatus(error))
        },
      )
      .finally(() => end.forget())
  }
}

/** The error as gRPC sends it. */
export function toStatus(error: unknown): ServerErrorResponse {
  const code: KmsErrorCode = error instanceof KmsError ? error.code : 'internal'
  const known = error instanceof KmsError && code !== 'internal'
  const details = known ? error.message : 'internal error'
  const metadata = new Metadata()
  const retryAfterMs = known ? error.retryAfterMs : undefined
  metadata.set(answeredName, '1')
  if (retryAfterMs !== undefined) metadata.set(retryAfterName, String(Math.ceil(retryAfterMs)))
  const value = retryAfterMs === undefined ? statusOfCode[code] : status.RESOURCE_EXHAUSTED
  return Object.assign(new Error(details), { code: value, details, metadata })
}
