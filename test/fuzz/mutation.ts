/** Mutated copies of bytes that are right, from a generator whose seed tells them again. */

export interface Random {
  /** 0 to below `bound`. */
  below(bound: number): number
}

/** Mulberry32: small, fast, and the same everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    below(bound) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
    },
  }
}

const mutationsMax = 6
const runMax = 40
/** Bytes that parsers care about. */
const telling = Buffer.from('\0\t\r\n "%&\'+,-./09:;<=>?@AZ[]_azfF{|}~\x7f\x80\xa0\xc3\xff', 'latin1')

/** A few bytes changed, put in, taken out, repeated, or moved in from another seed. */
export function mutate(seed: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  let bytes = seed
  const mutations = 1 + random.below(mutationsMax)
  for (let count = 0; count < mutations; count++) bytes = mutateOnce(bytes, seeds, random)
  return bytes
}

function mutateOnce(bytes: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const run = random.below(runMax) + 1
  switch (random.below(7)) {
    case 0: {
      const changed = Buffer.from(bytes)
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
      return changed
    }
    case 1: {
      const changed = Buffer.from(bytes)
      if (at < changed.length) changed[at] = telling[random.below(telling.length)] ?? 0
      return changed
    }
    case 2:
      return Buffer.concat([bytes.subarray(0, at), tellingRun(random), bytes.subarray(at)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + run)])
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + run), bytes.subarray(at)])
    case 5:
      return bytes.subarray(0, at)
    default: {
      const other = seeds[random.below(seeds.length)] ?? bytes
      const from = random.below(other.length + 1)
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + run), bytes.subarray(at)])
    }
  }
}

function tellingRun(random: Random): Buffer {
  const byte = telling[random.below(telling.length)] ?? 0
  return Buffer.alloc(1 + random.below(3) ** 5, byte)
}
