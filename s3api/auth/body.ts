import { type Digests, type HashName, hashBytes } from '../../engine/index.ts'
import { S3Error } from '../errors.ts'
import type { RequestBody } from '../operation.ts'
import { parseBase64 } from '../text.ts'
import { watched } from '../watched.ts'
import type { Authentication } from './authentication.ts'
import { decodeChunked } from './aws-chunked.ts'
import {
  type AnnouncedChecksum,
  announcedChecksum,
  checksumOfTrailer,
  parseContentMd5,
  sameDigest,
} from './checksums.ts'
import type { DocumentRoom } from './document-budget.ts'
import { announcedSize } from './payload.ts'

/** The payload of a request, as operations read it. */

/** Room to begin with for a payload that is read as a whole, bytes: of unknown size, and whatever size is announced. */
const unannouncedSize = 4 * 1024
const firstSizeMax = 64 * 1024

export interface BodyOptions {
  readonly headers: ReadonlyMap<string, string>
  readonly authentication: Authentication
  /** The body as it comes over the wire. */
  readonly source: AsyncIterable<Uint8Array>
  /** x-amz-checksum-* speak of something else than this payload. */
  readonly ignoreChecksums: boolean
  /** Of a payload that is read as a whole. */
  readonly documentSizeMax: number
  /** For that. */
  readonly room: DocumentRoom
}

/** Errors: those of the headers that describe the payload. Reading begins with the first use of `stream` or `readAll`. */
export function openBody({
  headers,
  authentication,
  source,
  ignoreChecksums,
  documentSizeMax,
  room,
}: BodyOptions): RequestBody {
  const form = authentication.payload
  const size = announcedSize(headers, form)
  const md5 = parseContentMd5(headers)
  const announced = ignoreChecksums ? undefined : announcedChecksum(headers)
  const trailer = form.kind === 'chunked' && form.trailer
  if (announced !== undefined && announced.value === undefined && !trailer) {
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs a payload with trailing headers')
  }
  const checksum = announced && { ...announced }
  const hashes = wantedHashes(md5, form.kind === 'hashed', announced)
  const stream = decoded()
  return {
    size,
    stream,
    hashes,
    verify,
    checksumAlgorithm: announced?.algorithm,
    checksum: () =>
      checksum?.value === undefined ? undefined : { algorithm: checksum.algorithm, value: checksum.value },
    async readAll() {
      const bytes = await collect(stream, { size, sizeMax: documentSizeMax, room })
      verify(await hashBytes(hashes, bytes))
      return bytes
    },
  }

  function decoded(): AsyncIterable<Uint8Array> {
    if (form.kind !== 'chunked') return size === undefined ? source : counted(source, size)
    return decodeChunked(source, {
      size: size ?? 0,
      signing: form.signed ? authentication.signing : undefined,
      trailer: form.trailer,
      onTrailers(trailers) {
        if (checksum !== undefined && checksum.value === undefined)
          checksum.value = checksumOfTrailer(checksum, trailers)
      },
    })
  }

  function verify(digests: Readonly<Digests>): void {
    if (form.kind === 'hashed' && !sameDigest(digests.sha256, Buffer.from(form.sha256, 'hex'))) {
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        elements: { ClientComputedContentSHA256: form.sha256 },
      })
    }
    if (md5 !== undefined && !sameDigest(digests.md5, md5)) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
    }
    if (checksum === undefined) return
    const expected = parseBase64(checksum.value ?? '')
    if (expected !== undefined && sameDigest(digests[checksum.hash], expected)) return
    throw new S3Error(
      'BadDigest',
      `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    )
  }
}

function wantedHashes(
  md5: Uint8Array | undefined,
  hashed: boolean,
  checksum: AnnouncedChecksum | undefined,
): HashName[] {
  const hashes = new Set<HashName>()
  if (md5 !== undefined) hashes.add('md5')
  if (hashed) hashes.add('sha256')
  if (checksum !== undefined) hashes.add(checksum.hash)
  return [...hashes]
}

/** The source, if it has the size that was announced. Errors: IncompleteBody. */
function counted(source: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let rest = size
  return watched(source, {
    piece(pieceSize) {
      rest -= pieceSize
      if (rest < 0) throw new S3Error('InvalidRequest', 'The body is longer than announced.')
    },
    end() {
      if (rest > 0) throw new S3Error('IncompleteBody')
    },
  })
}

async function collect(
  stream: AsyncIterable<Uint8Array>,
  {
    size,
    sizeMax,
    room,
  }: { readonly size: number | undefined; readonly sizeMax: number; readonly room: DocumentRoom },
): Promise<Uint8Array> {
  const tooLong = () =>
    new S3Error('MaxMessageLengthExceeded', undefined, {
      elements: { MaxMessageLengthBytes: String(sizeMax) },
    })
  if (size !== undefined && size > sizeMax) throw tooLong()
  // One buffer, for pieces may be single bytes; it grows with what came, for what is announced costs its sender nothing.
  let collected = allocate(Math.min(size ?? unannouncedSize, firstSizeMax))
  let total = 0
  for await (const piece of stream) {
    const end = total + piece.length
    if (end > sizeMax) throw tooLong()
    if (end > collected.length) {
      const larger = allocate(Math.max(end, Math.min(collected.length * 2, size ?? sizeMax)))
      larger.set(collected.subarray(0, total))
      collected = larger
    }
    collected.set(piece, total)
    total = end
  }
  return collected.subarray(0, total)

  function allocate(bytes: number): Uint8Array<ArrayBuffer> {
    room.resize(bytes)
    return new Uint8Array(bytes)
  }
}
