/** What waits on a thread, and what of it comes next. */

export interface Waiting {
  /** Of one stream, one after the other. */
  readonly stream: number
  /** Costs less together with others that do. */
  readonly joins: boolean
}

/** First come, first served; but what comes next takes along what it can join of the other streams. */
export class Turns<Work extends Waiting> {
  readonly #togetherMax: number
  #waiting: Work[] = []

  constructor(togetherMax: number) {
    this.#togetherMax = togetherMax
  }

  add(work: Work): void {
    this.#waiting.push(work)
  }

  /** What is to be done now, of each stream at most one; the oldest first. Nothing where nothing waits. */
  next(): Work[] {
    const [first, ...others] = this.#waiting
    if (first === undefined) return []
    const turn = [first]
    const passed = new Set([first.stream])
    this.#waiting = others.filter((work) => {
      const joins = first.joins && work.joins && turn.length < this.#togetherMax && !passed.has(work.stream)
      // What a stream has behind work that stays must stay, too.
      passed.add(work.stream)
      if (joins) turn.push(work)
      return !joins
    })
    return turn
  }
}
