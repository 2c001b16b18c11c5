/** How long the like of what was told is not told again. */
const quietMs = 5_000
/** Different ones that are told within that time: clients choose what they are refused, and are not to fill the log with it. */
const kindsMax = 100

interface Told {
  readonly atMs: number
  repeated: number
}

/** What was not told since: of the same kind, and of kinds for which there was no room. */
export interface Untold {
  readonly repeated?: number
  readonly untold?: number
}

/**
 * Decides which of many like events are told: of those that are alike within five seconds the first, and with the next one how many
 * there were. Of those that are not alike only so many are told at a time.
 */
export class Repetition {
  readonly #nowMs: () => number
  /** The oldest first. */
  readonly #told = new Map<string, Told>()
  #untold = 0

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** To be told with the event, or undefined where it is not to be told. */
  next(kind: string): Untold | undefined {
    const told = this.#told.get(kind)
    const nowMs = this.#nowMs()
    if (told !== undefined && nowMs - told.atMs < quietMs) {
      told.repeated++
      return undefined
    }
    this.#told.delete(kind)
    if (!this.#makeRoom(nowMs)) {
      this.#untold++
      return undefined
    }
    this.#told.set(kind, { atMs: nowMs, repeated: 0 })
    const repeated = told === undefined || told.repeated === 0 ? {} : { repeated: told.repeated }
    const untold = this.#untold === 0 ? {} : { untold: this.#untold }
    this.#untold = 0
    return { ...repeated, ...untold }
  }

  /** The oldest goes, unless it was told a moment ago as well. */
  #makeRoom(nowMs: number): boolean {
    if (this.#told.size < kindsMax) return true
    const [oldest] = this.#told
    if (oldest === undefined || nowMs - oldest[1].atMs < quietMs) return false
    return this.#told.delete(oldest[0])
  }
}
