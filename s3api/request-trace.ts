import { AsyncLocalStorage } from 'node:async_hooks'

/** Which requests to the store behind a gateway one of ours has led to: ids of both sides belong into one line of the log. */
export interface RequestTrace {
  readonly requestId: string
  /** By the store's own ids; grows. */
  readonly storeRequestIds: string[]
}

/** Followed only where debug lines are written: each promise of a request would cost more. */
export const requestTrace = new AsyncLocalStorage<RequestTrace>()

/** The store's id of the request whose failure the error came of. */
export function storeRequestIdOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('storeRequestId' in cause && typeof cause.storeRequestId === 'string' && cause.storeRequestId !== '')
      return cause.storeRequestId
  }
  return undefined
}
