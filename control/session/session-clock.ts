/** The time, and chance, as a session sees them: a parameter, so that a test can be their master. */
export interface Clock {
  /** Milliseconds since 1970, for people to read. It may jump. */
  wallMs(): number
  /** Milliseconds since some moment, for measuring. It never goes back. */
  steadyMs(): number
  /** From 0 to below 1, for jitter. */
  random(): number
  /** Calls once after the delay, or earlier where the delay is more than a timer can hold. Returns how to cancel. */
  after(delayMs: number, call: () => void): () => void
}

/** What Node's timers can hold, nearly 25 days. A lease may be longer. */
const timerMsMax = 2 ** 31 - 1

/** The machine's own. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
  random: () => Math.random(),
  after(delayMs, call) {
    const timer = setTimeout(call, Math.min(Math.max(0, delayMs), timerMsMax)).unref()
    return () => clearTimeout(timer)
  },
}
