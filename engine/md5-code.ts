import {
  type Arithmetic,
  assign,
  type Code,
  fourWords,
  type Kernel,
  local,
  moduleOf,
  oneWord,
  repeat,
  shuffle,
} from './wasm-code.ts'

/**
 * MD5's compression (RFC 1321 §3.4) as WebAssembly, of several streams at once. Each step waits for the one before it, so that
 * one stream leaves most of a processor idle. A kernel takes turns, step by step, among units that do not depend on each
 * other: a unit is one stream in i32 words, or four in the lanes of v128.
 */

export const blockSize = 64
const stateSize = 16

/** How many streams each unit of a kernel has, all equally many. */
const kernels = { hash1: [1], hash2: [1, 1], hash3: [1, 1, 1], hash8: [4, 4] } as const
export type KernelName = keyof typeof kernels
type Lanes = 1 | 4

/** Memory: the units' states, their blocks with the words of four streams side by side, what is to be hashed. */
const unitsMax = 3
const unitStateSize = 4 * stateSize
const unitBlockSize = 4 * blockSize
const blocksOffset = unitsMax * unitStateSize
export const inputOffset = blocksOffset + unitsMax * unitBlockSize
const pageSize = 65_536

/**
 * A module with a function a kernel: (address of each stream's input, number of its blocks, at least 1). It takes each stream's
 * state from where {@link stateOffset} says, and leaves the new one there. Memory has `inputSize` bytes behind inputOffset.
 */
export function md5Module(inputSize: number): Uint8Array<ArrayBuffer> {
  const made = Object.entries(kernels).map(([name, units]) => [name, kernelOf(units)])
  return moduleOf(Object.fromEntries(made), Math.ceil((inputOffset + inputSize) / pageSize))
}

export function streamsOf(kernel: KernelName): number {
  return kernels[kernel].length * kernels[kernel][0]
}

/** Where the word at `offset` of a stream's state is: of four streams, the same words lie side by side. */
export function stateOffset(kernel: KernelName, stream: number, offset: number): number {
  const lanes = kernels[kernel][0]
  const unit = Math.floor(stream / lanes)
  return unit * unitStateSize + offset * lanes + 4 * (stream % lanes)
}

interface Round {
  readonly shifts: readonly number[]
  /** Step s takes word (factor × s + first) mod 16 of the block. */
  readonly factor: number
  readonly first: number
  /** x + the RFC's F, G, H or I, in a form that b, the last to be known, comes into late. */
  readonly plusMixed: (its: Arithmetic, x: Code, b: Code, c: Code, d: Code) => Code
}

const rounds: readonly Round[] = [
  {
    shifts: [7, 12, 17, 22],
    factor: 1,
    first: 0,
    plusMixed: (its, x, b, c, d) => its.add(x, its.xor(its.and(its.xor(c, d), b), d)),
  },
  {
    shifts: [5, 9, 14, 20],
    factor: 5,
    first: 1,
    // The two halves of G have no bit in common: adding them is as good as OR, and one of them need not wait for b.
    plusMixed: (its, x, b, c, d) => its.add(its.add(x, its.andNot(c, d)), its.and(b, d)),
  },
  {
    shifts: [4, 11, 16, 23],
    factor: 3,
    first: 5,
    plusMixed: (its, x, b, c, d) => its.add(x, its.xor(its.xor(c, d), b)),
  },
  {
    shifts: [6, 10, 15, 21],
    factor: 7,
    first: 0,
    plusMixed: (its, x, b, c, d) => its.add(x, its.xor(its.or(b, its.not(d)), c)),
  },
]

/** T of the RFC. */
const sineOf = (step: number): number => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32) | 0

interface Unit {
  readonly its: Arithmetic
  readonly lanes: Lanes
  /** Parameters: the addresses of its streams' input. */
  readonly inputs: readonly number[]
  /** Locals: a, b, c and d; of vectors also four words of the block and two for what comes between. */
  readonly state: readonly number[]
  readonly words: readonly number[]
  readonly spare: readonly [number, number]
  readonly stateAt: number
  readonly blockAt: number
}

const start = oneWord.constant(0)
const four = [0, 1, 2, 3] as const
const vectorLocals = 10

function kernelOf(shape: readonly Lanes[]): Kernel {
  const streams = shape.reduce<number>((sum, lanes) => sum + lanes, 0)
  const units = unitsOf(shape, streams)
  // The parameter behind the addresses.
  const blocks = streams
  const steps = Array.from({ length: 64 }, (_, step) => joined(units, (unit) => stepOf(unit, step)))
  const body =
    joined(units, (unit) => joined(four, (word) => assign(at(unit.state, word), loadState(unit, word)))) +
    repeat(blocks, steps.join('') + joined(units, addState) + joined(units, advanceInputs))
  const vectors = shape.filter((lanes) => lanes === 4).length
  const locals = { words: 4 * (shape.length - vectors), vectors: vectorLocals * vectors }
  return { parameters: streams + 1, locals, body }
}

/** Numbers the parameters and locals. */
function unitsOf(shape: readonly Lanes[], streams: number): Unit[] {
  return shape.map((lanes, index) => {
    const first = streams + 1 + index * (lanes === 4 ? vectorLocals : 4)
    return {
      its: lanes === 4 ? fourWords : oneWord,
      lanes,
      inputs: Array.from({ length: lanes }, (_, lane) => index * lanes + lane),
      state: four.map((word) => first + word),
      words: four.map((word) => first + 4 + word),
      spare: [first + 8, first + 9],
      stateAt: index * unitStateSize,
      blockAt: blocksOffset + index * unitBlockSize,
    }
  })
}

/** a = b + ((a + mix(b, c, d) + word + T) <<< shift); the next step's a is what is d in this one. */
function stepOf(unit: Unit, step: number): Code {
  const { its, state, lanes, words, spare } = unit
  const { shifts, factor, first, plusMixed } = at(rounds, step >> 4)
  const role = (index: number) => at(state, (index + 64 - step) % 4)
  const [a, b, c, d] = [role(0), role(1), role(2), role(3)]
  const gathered = lanes === 4 && step < 16
  const word = gathered ? local(at(words, step % 4)) : loadWord(unit, (factor * step + first) % 16)
  const sum = its.add(local(a), its.add(word, its.constant(sineOf(step))))
  const mixed = plusMixed(its, sum, local(b), local(c), local(d))
  const rotated = its.rotateLeft(mixed, at(shifts, step % 4), spare[0])
  return (gathered && step % 4 === 0 ? gatherWords(unit, step) : '') + assign(a, its.add(rotated, local(b)))
}

function loadWord({ its, lanes, inputs, blockAt }: Unit, index: number): Code {
  return lanes === 4 ? its.load(start, blockAt + 16 * index) : its.load(local(at(inputs, 0)), 4 * index)
}

/**
 * Words `first` to `first + 3` of four streams' blocks, from a vector a stream to a vector a word: into `words`, and into
 * memory for the rounds that follow.
 *
 *     a0 a1 a2 a3      a0 b0 a1 b1      a0 b0 c0 d0
 *     b0 b1 b2 b3  →   c0 d0 c1 d1  →   a1 b1 c1 d1
 *     c0 c1 c2 c3      a2 b2 a3 b3      a2 b2 c2 d2
 *     d0 d1 d2 d3      c2 d2 c3 d3      a3 b3 c3 d3
 */
function gatherWords({ its, inputs, words, spare, blockAt }: Unit, first: number): Code {
  const [a, b, c, d] = [at(words, 0), at(words, 1), at(words, 2), at(words, 3)]
  const [low, high] = spare
  const paired = (one: number, other: number, half: readonly number[]) =>
    shuffle(local(one), local(other), half)
  return (
    joined(words, (word, lane) => assign(word, its.load(local(at(inputs, lane)), 4 * first))) +
    assign(low, paired(a, b, [0, 4, 1, 5])) +
    assign(high, paired(c, d, [0, 4, 1, 5])) +
    assign(a, paired(a, b, [2, 6, 3, 7])) +
    assign(b, paired(c, d, [2, 6, 3, 7])) +
    assign(c, paired(a, b, [0, 1, 4, 5])) +
    assign(d, paired(a, b, [2, 3, 6, 7])) +
    assign(a, paired(low, high, [0, 1, 4, 5])) +
    assign(b, paired(low, high, [2, 3, 6, 7])) +
    joined(words, (word, index) => its.store(start, blockAt + 16 * (first + index), local(word)))
  )
}

function loadState({ its, stateAt, lanes }: Unit, word: number): Code {
  return its.load(start, stateAt + 4 * lanes * word)
}

/** Adds what the state was before the block: memory has it. */
function addState(unit: Unit): Code {
  const { its, state, stateAt, lanes } = unit
  return joined(
    state,
    (each, word) =>
      assign(each, its.add(local(each), loadState(unit, word))) +
      its.store(start, stateAt + 4 * lanes * word, local(each)),
  )
}

function advanceInputs({ inputs }: Unit): Code {
  return joined(inputs, (input) => assign(input, oneWord.add(local(input), oneWord.constant(blockSize))))
}

function joined<Item>(items: readonly Item[], codeOf: (item: Item, index: number) => Code): Code {
  return items.map(codeOf).join('')
}

/** An item that is there. */
function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new RangeError(`there is no item ${index}`)
  return item
}
