import type { Logger } from 'pino'
import type { KmsErrorCode } from '../errors.ts'
import type { Caller } from './identity.ts'
import type { Operation } from './operations.ts'

/** How long the like of a failure is not told again. */
const quietMs = 5_000
/** Different ones that are remembered; the oldest go. */
const kindsMax = 100

interface Told {
  readonly atMs: number
  repeated: number
}

/**
 * Logs failures of one operation. An outage fails every call in the same way: of those that are alike within five seconds
 * the first is told, and with the next one how many there were; `sealgate_kms_requests_total` counts them all.
 */
export class FailureLog {
  readonly #operation: Operation
  readonly #log: Pick<Logger, 'warn' | 'error'>
  readonly #nowMs: () => number
  readonly #told = new Map<string, Told>()

  constructor(
    operation: Operation,
    log: Pick<Logger, 'warn' | 'error'>,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#operation = operation
    this.#log = log
    this.#nowMs = nowMs
  }

  /** `client` is told where the failure is that client's own. */
  tell(code: KmsErrorCode, error: unknown, client: Partial<Caller> = {}): void {
    const operation = this.#operation
    if (code === 'internal') {
      this.#log.error({ operation, code, err: error }, 'key operation failed')
      return
    }
    const reason = error instanceof Error ? error.message : String(error)
    const kind = `${code} ${client.identity} ${reason}`
    const told = this.#told.get(kind)
    const nowMs = this.#nowMs()
    if (told !== undefined && nowMs - told.atMs < quietMs) {
      told.repeated++
      return
    }
    this.#remember(kind, nowMs)
    const repeated = told === undefined || told.repeated === 0 ? {} : { repeated: told.repeated }
    this.#log.warn({ operation, code, reason, ...client, ...repeated }, 'key operation failed')
  }

  #remember(kind: string, atMs: number): void {
    this.#told.delete(kind)
    this.#told.set(kind, { atMs, repeated: 0 })
    const [oldest] = this.#told.keys()
    if (this.#told.size > kindsMax && oldest !== undefined) this.#told.delete(oldest)
  }
}
