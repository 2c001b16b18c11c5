/** Remembers what was looked up for a while; one look-up at a time for each key, and no failure is remembered. */
export class AgedMap<Key, Value> {
  readonly #entries = new Map<Key, { readonly value: Promise<Value>; readonly madeAtMs: number }>()
  readonly #countMax: number
  readonly #ageMaxMs: number

  constructor(countMax: number, ageMaxMs: number) {
    this.#countMax = countMax
    this.#ageMaxMs = ageMaxMs
  }

  get(key: Key, lookUp: () => Promise<Value>): Promise<Value> {
    const now = performance.now()
    const known = this.#entries.get(key)
    if (known !== undefined && now - known.madeAtMs < this.#ageMaxMs) return known.value
    const entry = { value: lookUp(), madeAtMs: now }
    // The oldest goes first: a Map keeps the order of insertion.
    this.#entries.delete(key)
    if (this.#entries.size >= this.#countMax) this.#entries.delete(this.#entries.keys().next().value as Key)
    this.#entries.set(key, entry)
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    return entry.value
  }

  /** As it was found last, however long ago. */
  async last(key: Key, lookUp: () => Promise<Value>): Promise<Value> {
    return this.#entries.get(key)?.value ?? this.get(key, lookUp)
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }
}
