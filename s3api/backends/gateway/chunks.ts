import { createHasher, type Hasher, hashBytes } from '../../../engine/index.ts'
import { emptySha256, sha256Hex } from '../../auth/canonical.ts'
import { type Scope, sign } from '../../auth/signing-key.ts'
import { toBase64 } from '../../text.ts'

/** The form of a body that is sent in chunks (S3 API reference, "Transferring payload in multiple chunks"). */
export interface ChunkForm {
  /** Each chunk has a signature, over the one before it; else TLS keeps them whole. */
  readonly signed: boolean
  /** Behind the last chunk comes the CRC32 of all. */
  readonly checksummed: boolean
}

/** What x-amz-trailer announces of a body with a checksum. */
export const checksumHeader = 'x-amz-checksum-crc32'

/**
 * For the request that creates an upload whose parts have checksums. Of the whole object, because the parts of other forms have
 * to be numbered without gaps and named with their checksums in the end.
 */
export const checksummedUpload = {
  'x-amz-checksum-algorithm': 'CRC32',
  'x-amz-checksum-type': 'FULL_OBJECT',
} as const

/** For a body that is sent whole. */
export async function checksumHeaders(body: Uint8Array): Promise<Readonly<Record<string, string>>> {
  const digests = await hashBytes([checksumHash], body)
  return { [checksumHeader]: toBase64(digests[checksumHash] ?? new Uint8Array(0)) }
}

const checksumHash = 'crc32'
const checksumSize = 'AAAAAA=='.length
const signatureSize = emptySha256.length
const lineEnd = '\r\n'

/** Signatures of a body's chunks, each over the one before it. */
export class ChunkChain {
  readonly #key: Uint8Array
  readonly #time: string
  readonly #scope: Scope
  #previous: string

  constructor(
    key: Uint8Array,
    seed: { readonly time: string; readonly scope: Scope; readonly signature: string },
  ) {
    this.#key = key
    this.#time = seed.time
    this.#scope = seed.scope
    this.#previous = seed.signature
  }

  /** Of a chunk with that hex SHA-256. */
  ofChunk(sha256: string): string {
    return this.#next('AWS4-HMAC-SHA256-PAYLOAD', [emptySha256, sha256])
  }

  /** Of the trailing headers, each with a line feed behind it. */
  ofTrailers(text: string): string {
    return this.#next('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(text)])
  }

  #next(kind: string, lines: readonly string[]): string {
    const [time, scope] = [this.#time, this.#scope]
    this.#previous = sign(this.#key, { kind, time, scope, lines: [this.#previous, ...lines] })
    return this.#previous
  }
}

/** What stands around the chunks of one body. */
export class ChunkFrames {
  readonly signed: boolean
  readonly #chain: ChunkChain
  readonly #hasher: Hasher | undefined

  constructor({ signed, checksummed }: ChunkForm, chain: ChunkChain) {
    this.signed = signed
    this.#chain = chain
    this.#hasher = checksummed ? createHasher([checksumHash]) : undefined
  }

  /** Before a chunk; a line end follows it. `sha256` where chunks are signed. */
  before(chunk: Uint8Array, sha256: Uint8Array | undefined): Uint8Array {
    this.#hasher?.update(chunk)
    return Buffer.from(this.#head(chunk.length, Buffer.from(sha256 ?? []).toString('hex')))
  }

  /** Behind the last chunk. */
  end(): Uint8Array {
    const head = this.#head(0, emptySha256)
    const checksum = this.#hasher?.digests()[checksumHash]
    if (checksum === undefined) return Buffer.from(head + lineEnd)
    const line = `${checksumHeader}:${toBase64(checksum)}`
    const signature = this.signed
      ? `${trailerSignatureName}:${this.#chain.ofTrailers(`${line}\n`)}${lineEnd}`
      : ''
    return Buffer.from(head + line + lineEnd + signature + lineEnd)
  }

  #head(size: number, sha256: string): string {
    const signature = this.signed ? signatureName + this.#chain.ofChunk(sha256) : ''
    return size.toString(16) + signature + lineEnd
  }
}

const signatureName = ';chunk-signature='
const trailerSignatureName = 'x-amz-trailer-signature'

/** Bytes on the wire of a body in chunks of those sizes, the empty last one aside. */
export function chunkedSize(sizes: Iterable<number>, { signed, checksummed }: ChunkForm): number {
  const head = (signed ? signatureName.length + signatureSize : 0) + lineEnd.length
  let total = '0'.length + head + lineEnd.length
  if (checksummed) {
    total += checksumHeader.length + ':'.length + checksumSize + lineEnd.length
    if (signed) total += trailerSignatureName.length + ':'.length + signatureSize + lineEnd.length
  }
  for (const size of sizes) total += size.toString(16).length + head + size + lineEnd.length
  return total
}
