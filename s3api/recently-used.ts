interface Entry<Value> {
  readonly value: Value
  readonly cost: number
}

/** Remembers values while all of them cost no more than `costMax`; the one whose last use is longest ago goes first. */
export class RecentlyUsed<Key, Value> {
  readonly #costMax: number
  readonly #dropped: (value: Value) => void
  /** In the order of their last use. */
  readonly #entries = new Map<Key, Entry<Value>>()
  #newest: Key | undefined
  #cost = 0

  /** `dropped` is told of every value that goes. */
  constructor(costMax: number, dropped: (value: Value) => void = () => {}) {
    this.#costMax = costMax
    this.#dropped = dropped
  }

  get size(): number {
    return this.#entries.size
  }

  /** Counts as a use. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (key !== this.#newest) {
      this.#entries.delete(key)
      this.#put(key, entry)
    }
    return entry.value
  }

  set(key: Key, value: Value, cost: number): void {
    this.delete(key)
    this.#cost += cost
    this.#put(key, { value, cost })
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#costMax) break
      this.delete(oldest)
    }
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    if (key === this.#newest) this.#newest = undefined
    this.#cost -= entry.cost
    this.#dropped(entry.value)
  }

  #put(key: Key, entry: Entry<Value>): void {
    this.#entries.set(key, entry)
    this.#newest = key
  }
}
