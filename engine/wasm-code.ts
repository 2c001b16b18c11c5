/**
 * WebAssembly as bytes: the few instructions that md5-code.ts is made of (WebAssembly Core Specification 2.0, §5). Each byte is
 * a character, because strings can be put together without copying them.
 */
export type Code = string

export interface Kernel {
  /** All i32. It returns nothing. */
  readonly parameters: number
  /** Behind the parameters: first those that are i32, then those that are v128. */
  readonly locals: { readonly words: number; readonly vectors: number }
  readonly body: Code
}

/** What MD5 needs of 32-bit words, one at a time or four. */
export interface Arithmetic {
  constant(word: number): Code
  load(address: Code, offset: number): Code
  store(address: Code, offset: number, value: Code): Code
  add(a: Code, b: Code): Code
  and(a: Code, b: Code): Code
  /** a and not b */
  andNot(a: Code, b: Code): Code
  or(a: Code, b: Code): Code
  xor(a: Code, b: Code): Code
  not(a: Code): Code
  /** `spare` is a local that may be overwritten. */
  rotateLeft(value: Code, bits: number, spare: number): Code
}

const bytes = String.fromCharCode
const i32 = bytes(0x7f)
const v128 = bytes(0x7b)
const end = bytes(0x0b)

export const local = (index: number): Code => bytes(0x20) + unsigned(index)
export const assign = (index: number, value: Code): Code => value + bytes(0x21) + unsigned(index)
/** Assigns, and the value stays on the stack. */
const keep = (index: number, value: Code): Code => value + bytes(0x22) + unsigned(index)

/** Runs the body `count` times, at least once; `count` is a local, and 0 afterwards. */
export function repeat(count: number, body: Code): Code {
  const [loopWithoutResult, branchToIt] = [bytes(0x03, 0x40), bytes(0x0d, 0)]
  const counted = keep(count, oneWord.add(local(count), oneWord.constant(-1)))
  return loopWithoutResult + body + counted + branchToIt + end
}

/** i32 instructions. */
export const oneWord: Arithmetic = {
  constant: (word) => bytes(0x41) + signed(word),
  load: (address, offset) => address + bytes(0x28, 2) + unsigned(offset),
  store: (address, offset, value) => address + value + bytes(0x36, 2) + unsigned(offset),
  add: (a, b) => a + b + bytes(0x6a),
  and: (a, b) => a + b + bytes(0x71),
  andNot: (a, b) => oneWord.and(a, oneWord.not(b)),
  or: (a, b) => a + b + bytes(0x72),
  xor: (a, b) => a + b + bytes(0x73),
  not: (a) => oneWord.xor(a, oneWord.constant(-1)),
  rotateLeft: (value, bits) => value + oneWord.constant(bits) + bytes(0x77),
}

const simd = (opcode: number): Code => bytes(0xfd) + unsigned(opcode)

/** v128 and i32x4 instructions. */
export const fourWords: Arithmetic = {
  constant: (word) => simd(12) + littleEndian(word).repeat(4),
  load: (address, offset) => address + simd(0) + bytes(0) + unsigned(offset),
  store: (address, offset, value) => address + value + simd(11) + bytes(0) + unsigned(offset),
  add: (a, b) => a + b + simd(0xae),
  and: (a, b) => a + b + simd(0x4e),
  andNot: (a, b) => a + b + simd(0x4f),
  or: (a, b) => a + b + simd(0x50),
  xor: (a, b) => a + b + simd(0x51),
  not: (a) => a + simd(0x4d),
  rotateLeft(value, bits, spare) {
    const shiftedLeft = keep(spare, value) + oneWord.constant(bits) + simd(0xab)
    const shiftedRight = local(spare) + oneWord.constant(32 - bits) + simd(0xad)
    return fourWords.or(shiftedLeft, shiftedRight)
  },
}

/** Four words of two vectors: 0..3 are a's, 4..7 are b's. */
export function shuffle(a: Code, b: Code, words: readonly number[]): Code {
  const bytesOfWord = (word: number) => bytes(4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3)
  return a + b + simd(13) + words.map(bytesOfWord).join('')
}

/** A module that exports the kernels by name, and its `memory`. */
export function moduleOf(
  kernels: Readonly<Record<string, Kernel>>,
  memoryPages: number,
): Uint8Array<ArrayBuffer> {
  const functions = Object.values(kernels)
  const exports = Object.keys(kernels).map((name, index) => sized(name) + bytes(0) + unsigned(index))
  const module = [
    bytes(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    section(1, functions.map(typeOf)),
    section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    section(5, [bytes(0) + unsigned(memoryPages)]),
    section(7, [...exports, sized('memory') + bytes(2, 0)]),
    section(10, functions.map(codeOf)),
  ]
  return new Uint8Array(Buffer.from(module.join(''), 'latin1'))
}

function typeOf({ parameters }: Kernel): Code {
  const noResults = vector([])
  return bytes(0x60) + vector(Array.from({ length: parameters }, () => i32)) + noResults
}

function codeOf({ locals, body }: Kernel): Code {
  return sized(vector([unsigned(locals.words) + i32, unsigned(locals.vectors) + v128]) + body + end)
}

const section = (id: number, items: readonly Code[]): Code => bytes(id) + sized(vector(items))
const vector = (items: readonly Code[]): Code => unsigned(items.length) + items.join('')
const sized = (code: Code): Code => unsigned(code.length) + code

const littleEndian = (word: number): Code =>
  bytes(word & 0xff, (word >> 8) & 0xff, (word >> 16) & 0xff, word >>> 24)

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? bytes(value) : bytes((value & 0x7f) | 0x80) + unsigned(value >>> 7)
}

function signed(value: number): Code {
  const [low, rest] = [value & 0x7f, value >> 7]
  const isLast = rest === ((low & 0x40) === 0 ? 0 : -1)
  return isLast ? bytes(low) : bytes(low | 0x80) + signed(rest)
}
