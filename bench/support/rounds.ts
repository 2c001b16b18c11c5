/** Measuring on a machine that others use too: variants take turns, and medians of several rounds count. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** Runs every variant once a round, in turn; the first round, which warms up, is not counted. */
export async function inRounds<Name extends string, Result>(
  rounds: number,
  variants: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  // fromEntries loses the names, which are those of `variants`.
  const names = Object.keys(variants) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>
  for (let round = 0; round <= rounds; round++) {
    // Every other round the other way around, so that no variant always follows the same one.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const result = await variants[name]()
      if (round > 0) results[name].push(result)
    }
  }
  return results
}

/** The median of the rounds' own ratios: what slows a whole round down does not count. */
export function ratioOf(values: readonly number[], baseline: readonly number[]): number {
  return median(values.map((value, round) => value / (baseline[round] ?? Number.NaN)))
}
