/** How long the store is waited for, in milliseconds. */
export interface StoreWaits {
  /** For a connection, where all are in use. Less than a body may stand still, which begins to wait with it. */
  readonly connectionMs: number
  /** A body may stand still, whichever way it goes, or come with less than 1 KiB a second. */
  readonly stallMs: number
  /** Until an answer begins, when the store has the whole request. */
  readonly answerMs: number
  /** The same where it moves the bytes of an object before it answers, or while it does: a copy, a completion. */
  readonly movedMs: number
}

export const storeWaits: StoreWaits = {
  connectionMs: 15_000,
  stallMs: 30_000,
  answerMs: 60_000,
  movedMs: 15 * 60_000,
}
