import type { Clock } from '../control/client.ts'
import { messageOf } from './errors.ts'
import type { Services } from './operation.ts'

/** Whoever asks how we are does not wait as long as the store may take, and the answer has metrics with it. */
const storeCheckMs = 3_000
/** Anybody may ask, and the store is written for it: so long an answer stands. */
const answerAgeMs = 1_000

export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** Whether requests can be served now, and why not: looked at once for all who ask while it is looked at, or within a second from then. */
export class ReadinessCheck {
  readonly #backend: Services['backend']
  readonly #keys: Services['keys']
  readonly #clock: Pick<Clock, 'steadyMs'>
  #looking: Promise<Readiness> | undefined
  #last: { readonly answer: Readiness; readonly atMs: number } | undefined

  constructor({ backend, keys }: Pick<Services, 'backend' | 'keys'>, clock: Pick<Clock, 'steadyMs'>) {
    this.#backend = backend
    this.#keys = keys
    this.#clock = clock
  }

  /** Takes a few seconds at most. */
  async ask(): Promise<Readiness> {
    if (this.#last !== undefined && this.#clock.steadyMs() - this.#last.atMs < answerAgeMs)
      return this.#last.answer
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<Readiness> {
    const atMs = this.#clock.steadyMs()
    const failed = (name: string) => (error: unknown) => `${name}: ${messageOf(error)}`
    const keys = this.#keys
    const [store, kms] = await Promise.all([
      inTime(this.#backend.check()).then(() => undefined, failed('store')),
      keys?.status().then(({ ready, reason }) => (ready ? undefined : `KMS: ${reason}`), failed('control')),
    ])
    const written = keys?.reason === undefined ? undefined : `store: ${keys.reason}`
    const reasons = [store, kms, written].filter((reason) => reason !== undefined)
    const answer = { ready: reasons.length === 0, reasons }
    this.#last = { answer, atMs }
    return answer
  }
}

/** The check goes on for as long as it takes: what is late is not waited for. */
async function inTime(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${storeCheckMs / 1000} s`)
    timer = setTimeout(reject, storeCheckMs, error)
  })
  try {
    await Promise.race([check, late])
  } finally {
    clearTimeout(timer)
  }
}
