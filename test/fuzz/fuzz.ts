import { S3Error } from '../../s3api/errors.ts'
import { createRandom, mutate } from './mutation.ts'
import type { Target } from './targets.ts'

export interface FuzzResult {
  readonly cases: number
  readonly accepted: number
  readonly slowestMs: number
}

/** A case longer than this, on a busy machine too, is a hang. */
const caseMsMax = 2_000

/** Tries so many mutated inputs. Errors: the first one that is neither accepted nor refused with an S3Error, or takes too long. */
export async function fuzz(
  target: Target,
  options: { readonly cases: number; readonly seed: number },
): Promise<FuzzResult> {
  const random = createRandom(options.seed)
  let accepted = 0
  let slowestMs = 0
  for (let count = 0; count < options.cases; count++) {
    const seed = target.seeds[random.below(target.seeds.length)] ?? Buffer.alloc(0)
    const input = mutate(seed, target.seeds, random)
    const startedAt = performance.now()
    try {
      const result = target.run(input)
      if (result instanceof Promise) await result
      accepted++
    } catch (error) {
      if (!(error instanceof S3Error)) throw new Error(`${target.name}: ${describe(input)}`, { cause: error })
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    if (slowestMs > caseMsMax) throw new Error(`${target.name}: ${slowestMs} ms for ${describe(input)}`)
  }
  return { cases: options.cases, accepted, slowestMs }
}

function describe(input: Buffer): string {
  return JSON.stringify(input.toString('latin1').slice(0, 2000))
}
