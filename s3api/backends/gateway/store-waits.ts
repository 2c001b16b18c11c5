/** How long the store is waited for, in milliseconds. */
export interface StoreWaits {
  /** A body may stand still, whichever way it goes. */
  readonly stallMs: number
  /** Until an answer begins, when the store has the whole request. */
  readonly answerMs: number
}

export const storeWaits: StoreWaits = { stallMs: 30_000, answerMs: 60_000 }
