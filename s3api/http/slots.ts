/** Who holds a slot: a user's id, or undefined for all together whom no signature names. */
export type Holder = string | undefined

export interface Slot {
  /** From now on it is that holder's; false where the holder has its share already, and then it is nobody's. */
  give(holder: Holder): boolean
  /** Gives the place back, once however often it is called. */
  leave(): void
}

/**
 * Places for the requests that are worked on at once. There is no queue: a request that finds no place is told so while its
 * client still waits, instead of growing old in memory.
 *
 * Of the places that no other holds, a holder gets a share at most. So one alone leaves some free, two leave a share of those,
 * and whoever holds none finds one: slow clients of one user do not keep others out. A place is nobody's until it is known
 * whose it is, for what a request says of itself before its signature is verified may be anybody's word.
 */
export class Slots {
  readonly count: number
  readonly #sharePercent: number
  readonly #held = new Map<Holder, number>()
  #taken = 0

  constructor(count: number, sharePercent: number) {
    this.count = count
    this.#sharePercent = sharePercent
  }

  get taken(): number {
    return this.#taken
  }

  /** Undefined when all are taken. */
  take(): Slot | undefined {
    if (this.#taken >= this.count) return undefined
    this.#taken++
    let held = true
    let holder: { readonly name: Holder } | undefined
    const drop = () => {
      if (holder !== undefined) this.#change(holder.name, -1)
      holder = undefined
    }
    return {
      give: (name) => {
        drop()
        if (!held || !this.#mayHoldMore(name)) return false
        this.#change(name, 1)
        holder = { name }
        return true
      },
      leave: () => {
        drop()
        if (held) this.#taken--
        held = false
      },
    }
  }

  /** One always, so that a share of few places is not none. */
  #mayHoldMore(holder: Holder): boolean {
    const held = this.#held.get(holder) ?? 0
    // The place that is asked for is taken by now, and nobody's.
    const free = this.count - this.#taken + 1
    return held === 0 || (held + 1) * 100 <= this.#sharePercent * (held + free)
  }

  #change(holder: Holder, by: 1 | -1): void {
    const held = (this.#held.get(holder) ?? 0) + by
    if (held === 0) this.#held.delete(holder)
    else this.#held.set(holder, held)
  }
}
