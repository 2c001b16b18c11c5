import type { Mode } from './modes.ts'

/** What a client knows of the objects that only it writes. */

export interface StoredObject {
  readonly seed: number
  readonly size: number
  readonly mode: Mode
}

/** What a key may hold: more than one thing after a request of which nobody knows whether it was done. */
export type Possible = readonly (StoredObject | undefined)[]

export class KnownObjects {
  readonly prefix: string
  readonly keys: readonly string[]
  readonly #possible = new Map<string, Possible>()

  constructor(prefix: string, count: number) {
    this.prefix = prefix
    this.keys = Array.from({ length: count }, (_, index) => `${prefix}${index}`)
  }

  at(key: string): Possible {
    return this.#possible.get(key) ?? [undefined]
  }

  /** It holds this now. */
  is(key: string, object: StoredObject | undefined): void {
    this.#possible.set(key, [object])
  }

  /** It may hold this now, or what it held before. */
  mayBe(key: string, object: StoredObject | undefined): void {
    this.#possible.set(key, [...this.at(key), object])
  }

  /** Keys that hold one known object. */
  certain(): readonly (readonly [key: string, object: StoredObject])[] {
    return this.keys.flatMap((key) => {
      const [object, ...others] = this.at(key)
      return object === undefined || others.length > 0 ? [] : [[key, object] as const]
    })
  }
}
