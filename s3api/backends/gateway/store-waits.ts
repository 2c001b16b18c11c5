/** How long the store is waited for, in milliseconds. */
export interface StoreWaits {
  /** A body may stand still, whichever way it goes. */
  readonly stallMs: number
  /** Until an answer begins, when the store has the whole request. */
  readonly answerMs: number
  /** The same where it moves the bytes of an object before it answers: a copy, a completion. */
  readonly movedMs: number
}

export const storeWaits: StoreWaits = { stallMs: 30_000, answerMs: 60_000, movedMs: 15 * 60_000 }
