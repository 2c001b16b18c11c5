import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../../control/session/session-clock.ts'

interface Timer {
  readonly atMs: number
  readonly call: () => void
}

const wallAtZeroMs = 1_700_000_000_000

/** A clock that moves when it is told to, and whose chance is always the same. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>()
  readonly #chance: number
  #nowMs = 0
  #wallOffsetMs = wallAtZeroMs

  constructor(chance = 0) {
    this.#chance = chance
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs
  }

  steadyMs(): number {
    return this.#nowMs
  }

  random(): number {
    return this.#chance
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, call }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Sets the time of day, as an operator or NTP would. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** Lets the time pass, every timer in its turn, and what they set off come to rest. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settle()
    for (let timer = this.#due(untilMs); timer !== undefined; timer = this.#due(untilMs)) {
      this.#timers.delete(timer)
      this.#nowMs = Math.max(this.#nowMs, timer.atMs)
      timer.call()
      await settle()
    }
    this.#nowMs = untilMs
  }

  #due(untilMs: number): Timer | undefined {
    return [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
  }
}

/** Promises that need nothing from outside have settled after a few turns. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate()
}
