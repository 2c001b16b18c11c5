import { readFileSync } from 'node:fs'

/** Test vectors, `test/vectors/<name>.json`. Tests run from `dist/`, the vectors stay where they are. */
export function readVectors<Vectors>(name: string): Vectors {
  const path = new URL(`../../../test/vectors/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as Vectors
}
