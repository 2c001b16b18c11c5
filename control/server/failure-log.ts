import type { Logger } from 'pino'
import type { KmsErrorCode } from '../errors.ts'
import type { Caller } from './identity.ts'
import type { Operation } from './operations.ts'
import { Repetition } from './repetition.ts'

/**
 * Logs failures of one operation. An outage fails every call in the same way: of those that are alike one is told
 * ({@link Repetition}); `sealgate_kms_requests_total` counts them all.
 */
export class FailureLog {
  readonly #operation: Operation
  readonly #log: Pick<Logger, 'warn' | 'error'>
  readonly #repetition: Repetition

  constructor(operation: Operation, log: Pick<Logger, 'warn' | 'error'>, nowMs?: () => number) {
    this.#operation = operation
    this.#log = log
    this.#repetition = new Repetition(nowMs)
  }

  /** `client` is told where the failure is that client's own. */
  tell(code: KmsErrorCode, error: unknown, client: Partial<Caller> = {}): void {
    const operation = this.#operation
    if (code === 'internal') {
      this.#log.error({ operation, code, err: error }, 'key operation failed')
      return
    }
    const reason = error instanceof Error ? error.message : String(error)
    const untold = this.#repetition.next(`${code} ${client.identity} ${reason}`)
    if (untold === undefined) return
    this.#log.warn({ operation, code, reason, ...client, ...untold }, 'key operation failed')
  }
}
