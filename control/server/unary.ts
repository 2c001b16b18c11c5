import { Metadata, type ServerErrorResponse, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { KmsError } from '../errors.ts'
import { answeredName, byControlName, retryAfterName } from '../wire-errors.ts'
import { CallEnd } from './call-end.ts'
import { createMethod, type Handler, type MethodParts, toRefusal } from './method.ts'
import type { Operation } from './operations.ts'

/**
 * Makes a gRPC method of an async function: it passes the gate, the caller's deadline and cancellation become a signal, a
 * thrown KmsError becomes its status, and anything else is told as "internal error" and logged.
 */
export function unary<Request, Response>(
  operation: Operation,
  parts: MethodParts,
  handler: Handler<Request, Response>,
) {
  const serve = createMethod(operation, parts, handler)
  return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    serve(call, call.request, new CallEnd(call)).then(
      (response) => done(null, response),
      (error: unknown) => done(toStatus(error)),
    )
  }
}

/** The error as gRPC sends it. */
export function toStatus(error: unknown): ServerErrorResponse {
  const { code, message, retryAfterMs } = toRefusal(error)
  const metadata = new Metadata()
  metadata.set(answeredName, '1')
  if (error instanceof KmsError && error.byControl) metadata.set(byControlName, '1')
  if (retryAfterMs !== undefined) metadata.set(retryAfterName, String(retryAfterMs))
  return Object.assign(new Error(message), { code, details: message, metadata })
}
