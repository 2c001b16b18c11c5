import { status } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { codeOf, KmsError } from '../errors.ts'
import { statusOfCode } from '../wire-errors.ts'
import type { CallEnd } from './call-end.ts'
import { FailureLog } from './failure-log.ts'
import type { Gate, Notes } from './gate.ts'
import type { Caller, PeerCall } from './identity.ts'
import type { ControlMetrics } from './metrics.ts'
import type { Operation } from './operations.ts'

/** What a handler knows of its call, besides the request. */
export interface Call extends Notes {
  /** Aborts when the caller does not wait any more. Made when it is asked for: what is answered from memory needs none. */
  readonly signal: AbortSignal
  /** An item of a batch failed, and the others go on. */
  itemFailed(error: KmsError): void
}

export type Handler<Request, Response> = (request: Request, call: Call) => Promise<Response>

/** What every method works with. */
export interface MethodParts {
  readonly gate: Gate
  readonly metrics: ControlMetrics
  readonly log: Logger
}

/** Serves one request, that of a call or one of a stream's. Errors: those of the gate and of the handler. */
export type Method<Request, Response> = (peer: PeerCall, request: Request, end: CallEnd) => Promise<Response>

/** Makes a method of a handler: each request passes the gate and is counted; where it fails, or an item of it, that is logged. */
export function createMethod<Request, Response>(
  operation: Operation,
  { gate, log, metrics }: MethodParts,
  handler: Handler<Request, Response>,
): Method<Request, Response> {
  const failures = new FailureLog(operation, log)
  return async (peer, request, end) => {
    const startedAt = performance.now()
    metrics.begin()
    let client: Partial<Caller> | undefined
    const tell = (error: unknown) => {
      if (isOfClient(error)) client ??= gate.shown(peer)
      const code = codeOf(error)
      failures.tell(code, error, isOfClient(error) ? client : {})
      return code
    }
    const itemFailed = (error: KmsError) => metrics.itemFailed(operation, tell(error))
    const work = (passed: Request, notes: Notes) =>
      handler(passed, {
        get signal() {
          return end.signal
        },
        cached: notes.cached,
        itemFailed,
      })
    try {
      const response = await gate.pass(peer, operation, request, work, itemFailed)
      metrics.end(operation, 'ok', performance.now() - startedAt)
      log.debug({ operation }, 'key operation')
      return response
    } catch (error) {
      metrics.end(operation, tell(error), performance.now() - startedAt)
      throw error
    } finally {
      end.forget()
    }
  }
}

/** A refusal is; that the KMS is away everybody hears, and whose call was the first says nothing. */
export function isOfClient(error: unknown): boolean {
  if (!(error instanceof KmsError) || error.code === 'internal') return false
  return error.code !== 'unavailable' || error.retryAfterMs !== undefined
}

/** What a client is told of an error. */
export interface Refusal {
  readonly code: status
  readonly message: string
  /** Where a limit of the client's was reached. */
  readonly retryAfterMs: number | undefined
}

/** A KmsError as its status; anything else, and what went wrong inside, as "internal error". */
export function toRefusal(error: unknown): Refusal {
  if (!(error instanceof KmsError) || error.code === 'internal') {
    return { code: status.INTERNAL, message: 'internal error', retryAfterMs: undefined }
  }
  const { code, message, retryAfterMs } = error
  if (retryAfterMs === undefined) return { code: statusOfCode[code], message, retryAfterMs }
  return { code: status.RESOURCE_EXHAUSTED, message, retryAfterMs: Math.ceil(retryAfterMs) }
}
