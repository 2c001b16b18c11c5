import type { ByteSource } from '../../../engine/index.ts'
import { BackendError, type StreamRange } from '../backend.ts'
import { streamPlaces } from '../stream-places.ts'
import type { UpstreamBody } from './body.ts'
import type { LookedUp } from './lookup.ts'
import { parseContentRange, unquoted } from './native-headers.ts'
import type { Upstream, UpstreamAnswer } from './upstream.ts'
import { toBackendError, UpstreamError } from './upstream-error.ts'

/** Reads stored bytes: those that the look-up has brought already from memory, all others with one request. */

/** The sources of ranges that follow each other. Errors: those of Backend.openData. */
export async function* openRanges(
  upstream: Upstream,
  object: LookedUp,
  ranges: readonly StreamRange[],
  signal?: AbortSignal,
): AsyncGenerator<ByteSource, void, undefined> {
  const places = streamPlaces(object.record, object.dataSize)
  const place = (range: StreamRange | undefined) =>
    (places[range?.index ?? 0]?.start ?? 0) + (range?.offset ?? 0)
  const [first, last] = [ranges[0], ranges.at(-1)]
  if (first === undefined || last === undefined) return
  const tailStart = object.size - object.tail.length
  const end = place(last) + last.size
  const remote = { start: place(first), end: Math.min(end, Math.max(tailStart, place(first))) }
  const pieces = new Pieces(upstream, object, { remote, end, tailStart, signal })
  try {
    for (const range of ranges) {
      const { start, size } = places[range.index] ?? { start: 0, size: 0 }
      if (start >= tailStart) {
        const offset = start - tailStart
        yield { kind: 'bytes', bytes: object.tail.subarray(offset, Math.max(offset, offset + size)) }
        continue
      }
      yield {
        kind: 'stream',
        size,
        offset: range.offset,
        pieces: pieces.take(range.size),
        cancel: () => pieces.cancel(),
      }
    }
  } finally {
    pieces.cancel()
  }
}

async function requestRange(
  upstream: Upstream,
  { bucket, key, access, etag, versionId }: LookedUp,
  { remote: { start, end }, signal }: Pick<Span, 'remote' | 'signal'>,
): Promise<UpstreamAnswer> {
  const replaced = (cause?: unknown) =>
    new BackendError('replaced', 'the object was replaced or deleted meanwhile', { cause })
  let answer: UpstreamAnswer
  try {
    answer = await upstream.send({
      method: 'GET',
      bucket,
      key,
      query: { ...(versionId !== undefined && { versionId }) },
      headers: { ...access, range: `bytes=${start}-${end - 1}`, 'if-match': `"${etag}"` },
      use: 'reading',
      signal,
      repeatable: true,
    })
  } catch (error) {
    if (error instanceof UpstreamError && (error.status === 412 || error.status === 416))
      throw replaced(error)
    const known = toBackendError(error)
    const gone = known instanceof BackendError && /^no-such-(key|version)$/.test(known.code)
    throw gone ? replaced(error) : known
  }
  const range = parseContentRange(answer.headers)
  const right = range?.first === start && range.last === end - 1
  // For stores that do not know If-Match.
  if (unquoted(answer.headers.etag) === etag && answer.status === 206 && right) return answer
  answer.body.cancel()
  throw replaced()
}

interface Span {
  /** What has to be asked for. */
  readonly remote: { readonly start: number; readonly end: number }
  /** Of the whole; what lies behind `remote` is in the tail. */
  readonly end: number
  readonly tailStart: number
  readonly signal: AbortSignal | undefined
}

/** The bytes of a span, taken in runs; asked for when the first is taken. */
class Pieces {
  readonly #joined: AsyncGenerator<Uint8Array, void, undefined>
  #body: UpstreamBody | undefined
  #rest: Uint8Array = new Uint8Array(0)

  constructor(upstream: Upstream, object: LookedUp, span: Span) {
    this.#joined = this.#join(upstream, object, span)
  }

  /** The next `size` bytes, or fewer where the span ends. */
  async *take(size: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#joined.next()
        if (next.done === true) return
        this.#rest = next.value
      }
      const piece = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  /** Lets go of the answer; whoever waits for its bytes gets an error. */
  cancel(): void {
    this.#body?.cancel()
  }

  async *#join(upstream: Upstream, object: LookedUp, span: Span) {
    const { remote, end, tailStart } = span
    if (remote.start < remote.end) {
      const { body } = await requestRange(upstream, object, span)
      this.#body = body
      let left = remote.end - remote.start
      for await (const piece of body.pieces()) {
        left -= piece.length
        // What is too much would take the place of the tail.
        if (left < 0) throw notAsAnnounced()
        yield piece
      }
      if (left > 0) throw notAsAnnounced()
    }
    const from = Math.max(remote.start, tailStart)
    if (from < end) yield object.tail.subarray(from - tailStart, end - tailStart)
  }
}

function notAsAnnounced(): BackendError {
  return new BackendError('unavailable', 'the store gave more or fewer bytes than it had announced')
}
