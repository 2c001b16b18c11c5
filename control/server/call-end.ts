import type { EventEmitter } from 'node:events'
import { KmsError } from '../errors.ts'

/** A request without a deadline of its own gets this one. */
const deadlineMaxMs = 60_000

type EndingCall = Pick<EventEmitter, 'on' | 'off'> & {
  readonly cancelled: boolean
  getDeadline(): Date | number
}

/**
 * The caller's deadline and cancellation as a signal. Signal and timer cost as much as a whole answer from the cache, so
 * they are made for those who wait for something.
 */
export class CallEnd {
  readonly #call: EndingCall
  readonly #deadline: Date | number
  readonly #abort = () => this.#controller?.abort(new KmsError('unavailable', 'the call was given up'))
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined

  /** `deadline`, milliseconds since 1970: of one request of a call that has many. */
  constructor(call: EndingCall, deadline: Date | number = call.getDeadline()) {
    this.#call = call
    this.#deadline = deadline
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      this.#call.on('cancelled', this.#abort)
      this.#timer = setTimeout(this.#abort, remainingMs(this.#deadline))
      if (this.#call.cancelled) this.#abort()
    }
    return this.#controller.signal
  }

  /** The answer is there. grpc-js tells the end of every call as its cancellation, which then is none. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#call.off('cancelled', this.#abort)
  }
}

function remainingMs(deadline: Date | number): number {
  const remaining = Number(deadline) - Date.now()
  return Math.max(0, Math.min(Number.isFinite(remaining) ? remaining : deadlineMaxMs, deadlineMaxMs))
}
