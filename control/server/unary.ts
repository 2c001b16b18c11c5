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
import type { Gate, Notes } from './gate.ts'
import type { ControlMetrics } from './metrics.ts'
import type { Operation } from './operations.ts'

/** A call without a deadline of its own gets this one. */
const deadlineMaxMs = 60_000

type Handler<Request, Response> = (request: Request, signal: AbortSignal, notes: Notes) => Promise<Response>

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
    const controller = new AbortController()
    const abort = () => controller.abort(new KmsError('unavailable', 'the call was given up'))
    call.on('cancelled', abort)
    const timer = setTimeout(abort, remainingMs(call.getDeadline()))
    const startedAt = performance.now()
    metrics.begin()
    gate
      .pass(call, operation, call.request, (request, notes) => handler(request, controller.signal, notes))
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
      .finally(() => {
        clearTimeout(timer)
        // grpc-js tells the end of every call as its cancellation.
        call.off('cancelled', abort)
      })
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

function remainingMs(deadline: Date | number): number {
  const remaining = Number(deadline) - Date.now()
  return Math.max(0, Math.min(Number.isFinite(remaining) ? remaining : deadlineMaxMs, deadlineMaxMs))
}
