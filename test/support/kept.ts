/** Takes charge of what was opened. */
export type Keep = <Part extends { close(): unknown }>(part: Part) => Part

/** Closes what `work` keeps when it ends, however it ends; what was opened last first. */
export async function withKept<Result>(work: (keep: Keep) => Promise<Result>): Promise<Result> {
  const kept: { close(): unknown }[] = []
  try {
    return await work((part) => {
      kept.push(part)
      return part
    })
  } finally {
    for (const part of kept.reverse()) await part.close()
  }
}
