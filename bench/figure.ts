/** One measured figure beside what it is compared with and what it should be. */
export interface Figure {
  readonly what: string
  /** `rate`: more is better; `limit`: less is. */
  readonly kind: 'rate' | 'limit'
  readonly value: number
  readonly unit: string
  /** What was measured beside it in the same rounds. */
  readonly baseline?: { readonly what: string; readonly value: number }
  /** Of the value to the baseline, as the median of the rounds' ratios. */
  readonly ratio?: number
  /** For `ratio` where there is one, else for `value`. */
  readonly must?: number
  readonly moonshot?: number
  /** CPU seconds a GB, or microseconds a request, of all server processes: ours and the baseline's. */
  readonly cpu?: { readonly unit: 's/GB' | 'µs/request'; readonly own: number; readonly baseline?: number }
  /** In place of what could not be measured. */
  readonly note?: string
}

/** What is compared with the targets. */
export function scoreOf({ ratio, value }: Figure): number {
  return ratio ?? value
}

export function meets(figure: Figure, target: number): boolean {
  return figure.kind === 'rate' ? scoreOf(figure) >= target : scoreOf(figure) <= target
}
