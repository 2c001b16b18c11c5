import type { Logger } from 'pino'
import type { KmsErrorCode } from '../errors.ts'
import type { Caller } from './identity.ts'
import type { Operation } from './operations.ts'

/** How long the like of a failure is not told again. */
const quietMs = 5_000
/** Different ones that are told within that time: a client chooses what it is refused, and is not to fill the log with it. */
const kindsMax = 100

interface Told {
  readonly atMs: number
  repeated: number
}

/**
 * Logs failures of one operation. An outage fails every call in the same way: of those that are alike within five seconds
 * the first is told, and with the next one how many there were; `sealgate_kms_requests_total` counts them all. Of those that are not
 * alike only so many are told at a time.
 */
export class FailureLog {
  readonly #operation: Operation
  readonly #log: Pick<Logger, 'warn' | 'error'>
  readonly #nowMs: () => number
  /** The oldest first. */
  readonly #told = new Map<string, Told>()
  #untold = 0

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
    this.#told.delete(kind)
    if (!this.#makeRoom(nowMs)) {
      this.#untold++
      return
    }
    this.#told.set(kind, { atMs: nowMs, repeated: 0 })
    const repeated = told === undefined || told.repeated === 0 ? {} : { repeated: told.repeated }
    const untold = this.#untold === 0 ? {} : { untold: this.#untold }
    this.#untold = 0
    this.#log.warn({ operation, code, reason, ...client, ...repeated, ...untold }, 'key operation failed')
  }

  /** The oldest goes, unless it was told a moment ago as well. */
  #makeRoom(nowMs: number): boolean {
    if (this.#told.size < kindsMax) return true
    const [oldest] = this.#told
    if (oldest === undefined || nowMs - oldest[1].atMs < quietMs) return false
    return this.#told.delete(oldest[0])
  }
}
