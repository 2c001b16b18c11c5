import { createHash, type Hash, hash as hashOnce } from 'node:crypto'
import { createRequire } from 'node:module'
import { crc32, crc32c } from '@node-rs/crc32'
import type { IHasher } from 'hash-wasm'

/** Hashes that a stream can be run through in the same pass as sealing. */
export const hashNames = [
  'md5',
  'sha1',
  'sha256',
  'sha512',
  'crc32',
  'crc32c',
  'crc64nvme',
  'xxhash64',
  'xxhash3',
  'xxhash128',
] as const
export type HashName = (typeof hashNames)[number]
/** Digests as bytes; CRCs and XXHashes big-endian, as S3 shows them. */
export type Digests = Partial<Record<HashName, Uint8Array>>

/** Several hashes over one stream. `digests` ends it. */
export interface Hasher {
  update(bytes: Uint8Array): void
  digests(): Digests
}

/** CRC-64/NVME's polynomial, reflected (NVM Express NVM Command Set specification, "64b CRC"). */
const crc64Polynomial = '9a6c9329ac4bc9b5'

/** Hashes that are WebAssembly. */
const wasmNames = ['crc64nvme', 'xxhash64', 'xxhash3', 'xxhash128'] as const satisfies readonly HashName[]
type WasmHashName = (typeof wasmNames)[number]

let wasmHashes: Record<WasmHashName, IHasher> | undefined

/** Makes ready what takes time to load, and what many processes never need. Once in each thread, before {@link createHasher}. */
export async function loadHashes(): Promise<void> {
  wasmHashes ??= await loadWasm()
}

/** With seed 0 where there is one. */
async function loadWasm(): Promise<Record<WasmHashName, IHasher>> {
  // An import searches all of its 280 KB for the names it exports, which takes 50 ms of each thread; its type is that of an import.
  const hashWasm = createRequire(import.meta.url)('hash-wasm') as typeof import('hash-wasm')
  const [crc64nvme, xxhash64, xxhash3, xxhash128] = await Promise.all([
    hashWasm.createCRC64(crc64Polynomial),
    hashWasm.createXXHash64(),
    hashWasm.createXXHash3(),
    hashWasm.createXXHash128(),
  ])
  return { crc64nvme, xxhash64, xxhash3, xxhash128 }
}

function isWasm(name: HashName): name is WasmHashName {
  const names: readonly HashName[] = wasmNames
  return names.includes(name)
}

export function createHasher(names: readonly HashName[]): Hasher {
  const running = names.map((name) => ({ name, hash: createOne(name) }))
  return {
    update(bytes) {
      for (const { hash } of running) hash.update(bytes)
    },
    digests() {
      return Object.fromEntries(running.map(({ name, hash }) => [name, hash.digest()]))
    },
  }
}

/** The digests of bytes that are all here. */
export async function hashBytes(names: readonly HashName[], bytes: Uint8Array): Promise<Digests> {
  if (names.some(isWasm)) await loadHashes()
  const digests: Digests = {}
  for (const name of names) digests[name] = hashOne(name, bytes)
  return digests
}

function hashOne(name: HashName, bytes: Uint8Array): Uint8Array {
  // Without an object that it is computed in, which costs more than a kilobyte of it.
  if (name === 'md5' || name === 'sha1' || name === 'sha256' || name === 'sha512')
    return hashOnce(name, bytes, 'buffer')
  const hash = createOne(name)
  hash.update(bytes)
  return hash.digest()
}

interface OneHash {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

function createOne(name: HashName): OneHash {
  switch (name) {
    case 'crc32':
      return createCrc(crc32)
    case 'crc32c':
      return createCrc(crc32c)
    case 'crc64nvme':
    case 'xxhash64':
    case 'xxhash3':
    case 'xxhash128':
      return createWasm(name)
    default:
      return toOneHash(createHash(name))
  }
}

function toOneHash(hash: Hash): OneHash {
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() }
}

function createCrc(step: (bytes: Uint8Array, state?: number) => number): OneHash {
  let state = 0
  return {
    update(bytes) {
      state = step(bytes, state)
    },
    digest() {
      const bytes = new Uint8Array(4)
      new DataView(bytes.buffer).setUint32(0, state)
      return bytes
    },
  }
}

/** One WebAssembly instance serves all streams of a thread (making one costs as much as hashing 100 KiB): each keeps its state beside. */
function createWasm(name: WasmHashName): OneHash {
  if (wasmHashes === undefined) throw new Error('loadHashes was not awaited')
  const shared = wasmHashes[name]
  let state = shared.init().save()
  return {
    update(bytes) {
      shared.load(state)
      state = shared.update(bytes).save()
    },
    digest() {
      shared.load(state)
      return shared.digest('binary')
    },
  }
}
