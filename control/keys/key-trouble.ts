import { KmsError } from '../errors.ts'
import type { Clock } from '../session/session-clock.ts'

type Use = 'generate' | 'open' | 'encrypt'

interface Refusal {
  readonly message: string
  readonly wallMs: number
  readonly steadyMs: number
}

/** What was refused may be asked for so rarely that nothing would ever end it. */
const refusalAgeMaxMs = 600_000

/**
 * What the KMS has lately refused to do with the default key. A refusal is an answer, so that session and circuit are well; but
 * whoever asks how control is ought to hear that nothing can be sealed, or opened. It is told until the KMS does the same again,
 * and for ten minutes at most.
 */
export class KeyTrouble {
  readonly #keyId: string
  readonly #clock: Clock
  /** The last of each use, in the order of time. */
  readonly #refusals = new Map<Use, Refusal>()

  constructor(keyId: string, clock: Clock) {
    this.#keyId = keyId
    this.#clock = clock
  }

  /** Of the last refusal that stands; empty when there is none. */
  get reason(): string {
    const last = [...this.#refusals.values()].at(-1)
    if (last === undefined || this.#clock.steadyMs() - last.steadyMs > refusalAgeMaxMs) return ''
    return `the KMS refuses the default key: ${last.message} (${new Date(last.wallMs).toISOString()})`
  }

  /** The call, one to the KMS. */
  async observe<T>(use: Use, keyId: string, call: Promise<T>): Promise<T> {
    if (keyId !== this.#keyId) return call
    try {
      const result = await call
      this.#refusals.delete(use)
      return result
    } catch (error) {
      const refused =
        error instanceof KmsError && (error.code === 'access-denied' || error.code === 'key-not-found')
      if (refused) this.#refused(use, error.message)
      throw error
    }
  }

  #refused(use: Use, message: string): void {
    this.#refusals.delete(use)
    this.#refusals.set(use, {
      message,
      wallMs: this.#clock.wallMs(),
      steadyMs: this.#clock.steadyMs(),
    })
  }
}
