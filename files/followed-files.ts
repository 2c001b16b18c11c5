import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** What stands in files that may change while we run. */
export interface Followed<Value> {
  current(): Value
  close(): void
}

/**
 * Parses the files' contents now, and again whenever they have changed. What is compared is contents, so that no change
 * between two looks is missed. Files that cannot be read, and contents that `parse` refuses, half-written ones most likely,
 * leave the value as it was and are told to `refused` once; `changed` is told when all is well again. Errors, for the first reading: of the file system, of `parse`.
 */
export function followFiles<Value>(
  paths: readonly string[],
  parse: (contents: readonly Buffer[]) => Value,
  options: {
    readonly intervalMs: number
    readonly changed: (value: Value) => void
    readonly refused: (error: unknown) => void
  },
): Followed<Value> {
  let seen: readonly Buffer[] = paths.map((path) => readFileSync(path))
  let value = parse(seen)
  let readable = true
  let looking = false

  async function read(): Promise<readonly Buffer[] | undefined> {
    try {
      return await Promise.all(paths.map((path) => readFile(path)))
    } catch (error) {
      if (readable) options.refused(error)
      readable = false
      return undefined
    }
  }

  async function look(): Promise<void> {
    const contents = await read()
    if (contents === undefined) return
    const same = contents.every((bytes, index) => seen[index]?.equals(bytes) === true)
    if (same && readable) return
    readable = true
    seen = contents
    try {
      value = parse(contents)
      options.changed(value)
    } catch (error) {
      options.refused(error)
    }
  }

  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look().finally(() => {
      looking = false
    })
  }, options.intervalMs).unref()
  return { current: () => value, close: () => clearInterval(timer) }
}
