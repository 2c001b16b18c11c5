/**
 * Places for the requests that are worked on at once. There is no queue: a request that finds no place is told so while its
 * client still waits, instead of growing old in memory.
 */
export class Slots {
  readonly count: number
  #taken = 0

  constructor(count: number) {
    this.count = count
  }

  get taken(): number {
    return this.#taken
  }

  /** Undefined when all are taken; else gives the place back, once however often it is called. */
  take(): (() => void) | undefined {
    if (this.#taken >= this.count) return undefined
    this.#taken++
    let held = true
    return () => {
      if (held) this.#taken--
      held = false
    }
  }
}
