import { blockSize, inputOffset, type KernelName, md5Module, stateOffset, streamsOf } from './md5-code.ts'

/** MD5 of several streams at once (RFC 1321); node:crypto takes one after the other. */

/** A stream on its way. */
export interface Md5 {
  /** The RFC's A, B, C and D behind the last whole block; in the end, the digest. */
  readonly state: Uint8Array
  /** What came behind the last whole block. */
  readonly rest: Uint8Array
  /** Bytes so far. */
  size: number
}

export interface Md5Update {
  readonly md5: Md5
  readonly bytes: Uint8Array
}

type Kernels = Readonly<Record<KernelName, (...parameters: number[]) => void>>

/** Of Node's global what is used here; TypeScript has it among the types of browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
  ) => {
    /** What md5Module exports. */
    readonly exports: Kernels & { readonly memory: { readonly buffer: ArrayBuffer } }
  }
}

/** Streams that go on together at most. */
export const md5StreamsMax = streamsOf('hash8')
/** Bytes of a stream that are copied for a kernel at a time: those of all its streams fit into the processor's cache. */
const sliceSize = 16_384
/** Where a last block has the number of bits (RFC 1321 §3.2). */
const lengthOffset = 56
/** Of the four words of a state. */
const wordOffsets = [0, 4, 8, 12] as const
/** RFC 1321 §3.3. */
const initialState = Buffer.from('0123456789abcdeffedcba9876543210', 'hex')

export function startMd5(): Md5 {
  return { state: Uint8Array.from(initialState), rest: new Uint8Array(blockSize), size: 0 }
}

/** The kernels and the memory that they work in: one for all streams of a thread. */
export class Md5Kernels {
  readonly #kernels: Kernels
  readonly #memory: Uint8Array

  constructor() {
    const module = new WebAssembly.Module(md5Module(md5StreamsMax * sliceSize))
    const { exports } = new WebAssembly.Instance(module)
    this.#kernels = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
  }

  /** Goes on with up to {@link md5StreamsMax} streams, none twice: the more, the less each of them costs. */
  update(updates: readonly Md5Update[]): void {
    let left = updates.map((update) => this.#completeBlock(update))
    while (left.length > 0) {
      for (const { md5, bytes } of left) if (bytes.length < blockSize && bytes.length > 0) md5.rest.set(bytes)
      left = left.filter(({ bytes }) => bytes.length >= blockSize)
      if (left.length > 0) left = this.#advance(kernelFor(left.length), left)
    }
  }

  /** Ends the stream. The digest belongs to the caller. */
  digest(md5: Md5): Uint8Array {
    const pending = md5.size % blockSize
    const end = pending < lengthOffset ? blockSize : 2 * blockSize
    const padding = new Uint8Array(end - pending)
    padding[0] = 0x80
    new DataView(padding.buffer).setBigUint64(padding.length - 8, BigInt(md5.size) * 8n, true)
    this.update([{ md5, bytes: padding }])
    return md5.state
  }

  /** Completes the block that an earlier update began; what is left of this one. */
  #completeBlock({ md5, bytes }: Md5Update): Md5Update {
    const pending = md5.size % blockSize
    md5.size += bytes.length
    if (pending === 0) return { md5, bytes }
    const taken = Math.min(blockSize - pending, bytes.length)
    md5.rest.set(bytes.subarray(0, taken), pending)
    if (pending + taken === blockSize) this.#compress('hash1', [{ md5, bytes: md5.rest }], blockSize)
    return { md5, bytes: bytes.subarray(taken) }
  }

  /** As many streams as the kernel takes go on as far as all of them reach; what is left of all streams. */
  #advance(kernel: KernelName, updates: readonly Md5Update[]): Md5Update[] {
    const [now, later] = [updates.slice(0, streamsOf(kernel)), updates.slice(streamsOf(kernel))]
    const shortest = Math.min(...now.map(({ bytes }) => bytes.length))
    const size = shortest - (shortest % blockSize)
    this.#compress(kernel, now, size)
    return [...now.map(({ md5, bytes }) => ({ md5, bytes: bytes.subarray(size) })), ...later]
  }

  /** The first `size` bytes, whole blocks, of each stream. Places of the kernel that no stream takes hash what the first one does. */
  #compress(kernel: KernelName, updates: readonly Md5Update[], size: number): void {
    const addresses = Array.from({ length: streamsOf(kernel) }, (_, index) =>
      index < updates.length ? inputOffset + index * sliceSize : inputOffset,
    )
    const words = updates.flatMap(({ md5: { state } }, index) =>
      wordOffsets.map((offset) => {
        const at = stateOffset(kernel, index, offset)
        return { ofStream: state.subarray(offset, offset + 4), inMemory: this.#memory.subarray(at, at + 4) }
      }),
    )
    for (const { ofStream, inMemory } of words) inMemory.set(ofStream)
    for (let offset = 0; offset < size; offset += sliceSize) {
      const sliceEnd = Math.min(offset + sliceSize, size)
      for (const [index, { bytes }] of updates.entries())
        this.#memory.set(bytes.subarray(offset, sliceEnd), inputOffset + index * sliceSize)
      this.#kernels[kernel](...addresses, (sliceEnd - offset) / blockSize)
    }
    for (const { ofStream, inMemory } of words) ofStream.set(inMemory)
  }
}

/** Four are faster two by two. */
function kernelFor(streams: number): KernelName {
  if (streams > 4) return 'hash8'
  return streams === 3 ? 'hash3' : streams === 1 ? 'hash1' : 'hash2'
}
