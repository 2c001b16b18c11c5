import { createHash } from 'node:crypto'
import { S3Error } from '../errors.ts'
import { trimBlanks } from '../text.ts'
import type { ChunkSigning } from './authentication.ts'
import { ByteReader } from './byte-reader.ts'
import { emptySha256, sha256Hex } from './canonical.ts'
import { sameHex, sign } from './signing-key.ts'

/**
 * The aws-chunked form of payloads. A signed chunk's bytes are given out as they come, and its signature is checked at its end: a
 * wrong one ends the source with an error, and nothing of a source that does not come to its end is kept by whoever reads it.
 * Source: Amazon S3 API reference, "Signature calculations: transferring payload in multiple chunks", and the same with
 * trailing headers.
 */

/** `size;chunk-signature=…` */
const headerSizeMax = 128
/** So much of a body at most is worked on before its signature is known to be wrong. */
const signedChunkSizeMax = 16 * 1024 * 1024
/**
 * S3 takes no chunk below 8 KiB but the last. Some SDKs make a chunk of whatever their stream gives, and other stores take it; so
 * only a body is refused whose chunks, beyond the first few, are so small on the whole that they cost more than their bytes.
 */
const chunkSizeMeanMin = 512
const chunksOfAnySize = 1000
const trailerLineSizeMax = 8 * 1024
const trailersMax = 16

export interface ChunkedOptions {
  /** Payload bytes as announced. */
  readonly size: number
  /** Absent: chunks are not signed. */
  readonly signing: ChunkSigning | undefined
  readonly trailer: boolean
  /** Told the trailing headers, by lower-case name, once they are verified. */
  readonly onTrailers: (trailers: ReadonlyMap<string, string>) => void
}

/** The payload. Errors: SignatureDoesNotMatch, IncompleteBody, InvalidChunkSizeError, InvalidRequest, InvalidArgument. */
export async function* decodeChunked(
  source: AsyncIterable<Uint8Array>,
  options: ChunkedOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(source)
  const signatures = options.signing && new SignatureChain(options.signing)
  let rest = options.size
  try {
    for (let chunks = 1; ; chunks++) {
      const { size, signature } = parseChunkHeader(await reader.line(headerSizeMax), signatures !== undefined)
      if (size > rest) throw lengthMismatch()
      rest -= size
      if (chunks > chunksOfAnySize && options.size - rest < chunks * chunkSizeMeanMin && size > 0)
        throw new S3Error('InvalidChunkSizeError')
      if (signatures === undefined) yield* unsignedChunk(reader, size)
      else yield* signedChunk(reader, { size, signature, signatures })
      if (size === 0) break
      await expectLineEnd(reader)
    }
    if (rest > 0) throw new S3Error('IncompleteBody')
    await readTrailers(reader, options, signatures)
    // minio-go sends an empty line more behind trailers that are not signed.
    if (options.trailer && signatures === undefined && !(await reader.atEnd())) await expectLineEnd(reader)
    if (!(await reader.atEnd()))
      throw new S3Error('InvalidRequest', 'Data follows the end of the chunked body.')
  } finally {
    await reader.close()
  }
}

/** Each signature covers the one before it. */
class SignatureChain {
  readonly #signing: ChunkSigning
  #previous: string

  constructor(signing: ChunkSigning) {
    this.#signing = signing
    this.#previous = signing.seedSignature
  }

  check(signature: string, kind: string, hashes: readonly string[]): void {
    const { key, time, scope } = this.#signing
    const expected = sign(key, { kind, time, scope, lines: [this.#previous, ...hashes] })
    if (!sameHex(signature, expected)) throw new S3Error('SignatureDoesNotMatch')
    this.#previous = expected
  }
}

function parseChunkHeader(
  line: string,
  signed: boolean,
): { readonly size: number; readonly signature: string } {
  const [, sizeText, , signature] = /^([0-9a-fA-F]{1,13})(;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? []
  if (sizeText === undefined || (signature !== undefined) !== signed) {
    throw new S3Error('InvalidRequest', 'A chunk header of the body is malformed.')
  }
  const size = Number.parseInt(sizeText, 16)
  if (signed && size > signedChunkSizeMax) {
    throw new S3Error('InvalidRequest', `A signed chunk has at most ${signedChunkSizeMax} bytes.`)
  }
  return { size, signature: signature ?? '' }
}

async function* unsignedChunk(reader: ByteReader, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let rest = size; rest > 0; ) {
    const piece = await reader.some(rest)
    rest -= piece.length
    yield piece
  }
}

async function* signedChunk(
  reader: ByteReader,
  {
    size,
    signature,
    signatures,
  }: {
    readonly size: number
    readonly signature: string
    readonly signatures: SignatureChain
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  for await (const piece of unsignedChunk(reader, size)) {
    hash.update(piece)
    yield piece
  }
  signatures.check(signature, 'AWS4-HMAC-SHA256-PAYLOAD', [emptySha256, hash.digest('hex')])
}

async function expectLineEnd(reader: ByteReader): Promise<void> {
  if ((await reader.line(1)) !== '')
    throw new S3Error('InvalidRequest', 'A chunk is longer than its header says.')
}

/** The lines after the last chunk: trailing headers, where they are announced, and an empty line. */
async function readTrailers(
  reader: ByteReader,
  { trailer, onTrailers }: ChunkedOptions,
  signatures: SignatureChain | undefined,
): Promise<void> {
  const trailers = new Map<string, string>()
  let signature: string | undefined
  let text = ''
  let emptyLine = false
  // A client without trailers may leave the empty line out.
  while (trailer || !(await reader.atEnd())) {
    // minio-go ends a trailer with LF alone, as the text does that is signed.
    const line = await reader.line(trailerLineSizeMax, { bareLineFeed: true })
    // Some clients end the block with an empty line before the signature, and most not at all after it.
    if (line === '') {
      const last = emptyLine || signatures === undefined || signature !== undefined || !trailer
      if (last || (await reader.atEnd())) break
      emptyLine = true
      continue
    }
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon).toLowerCase(), trimBlanks(line.slice(colon + 1))]
    if (!trailer || colon < 1 || trailers.has(name) || trailers.size === trailersMax) {
      throw new S3Error('InvalidRequest', 'The trailing headers of the body are malformed.')
    }
    if (name === 'x-amz-trailer-signature') signature = value
    else {
      trailers.set(name, value)
      text += `${name}:${value}\n`
    }
    if (signature !== undefined && (await reader.atEnd())) break
  }
  if (trailer && signatures !== undefined) {
    if (signature === undefined)
      throw new S3Error('SignatureDoesNotMatch', 'The trailing headers are not signed.')
    signatures.check(signature, 'AWS4-HMAC-SHA256-TRAILER', [sha256Hex(text)])
  }
  onTrailers(trailers)
}

function lengthMismatch(): S3Error {
  return new S3Error('InvalidRequest', 'The body is longer than x-amz-decoded-content-length.')
}
