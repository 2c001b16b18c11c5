import { createHash } from 'node:crypto'
import { inBatches } from '../../../engine/index.ts'
import { BackendError } from '../backend.ts'
import { ChunkFrames, checksumHeader, chunkedSize } from './chunks.ts'
import { Handoff } from './handoff.ts'
import { emptyPayload } from './signer.ts'
import type { StoreWaits } from './store-waits.ts'
import type { Upstream, UpstreamAnswer, UpstreamRequest } from './upstream.ts'

/** Pieces smaller than this may still lie in the socket's queue when the next one is asked for: they are copied. */
const flushedSizeMin = 64 * 1024

type Send = Awaited<ReturnType<Upstream['begin']>>['send']

/**
 * One PUT whose body is sent as it is made. Its last batch is held back until {@link end}: a request that is not ended leaves
 * nothing behind in the store. Nor does it take a connection before there are bytes: stores close those over which nothing comes.
 */
export class Uploading {
  /** Every batch needs its SHA-256. */
  readonly hashed: boolean
  readonly #storedSize: number
  readonly #frames: ChunkFrames | undefined
  readonly #waits: StoreWaits
  readonly #handoff = new Handoff()
  readonly #breaking = new AbortController()
  readonly #send: Send
  #answer: Promise<UpstreamAnswer> | undefined
  #written = 0
  #held: Uint8Array = new Uint8Array(0)
  #settled = false

  private constructor(storedSize: number, frames: ChunkFrames | undefined, waits: StoreWaits, send: Send) {
    this.#waits = waits
    this.hashed = frames?.signed === true
    this.#storedSize = storedSize
    this.#frames = frames
    this.#send = send
  }

  /** `checksummed`: the store is told the body's CRC32. Errors: BackendError unavailable where there are no credentials. */
  static async begin(
    upstream: Upstream,
    request: Omit<UpstreamRequest, 'body' | 'repeatable'>,
    sizes: {
      readonly storedSize: number
      /** Bytes that {@link end} will add. */
      readonly trailerSize: number
      /** Of every batch but the last. */
      readonly batchSize: number
    },
    asked: { readonly checksummed: boolean },
  ): Promise<Uploading> {
    const { storedSize, trailerSize, batchSize } = sizes
    const payloadSize = storedSize + trailerSize
    const checksummed = asked.checksummed && upstream.takesTrailers
    // There are stores that take no chunked body without a chunk.
    if (payloadSize === 0 || (upstream.secure && !checksummed)) {
      const headers = { ...request.headers, 'content-length': String(payloadSize) }
      const payload = payloadSize === 0 ? emptyPayload : ({ kind: 'unsigned' } as const)
      const { send } = await upstream.begin({ ...request, headers }, payload)
      return new Uploading(storedSize, undefined, upstream.waits, send)
    }
    const whole = Math.max(0, Math.ceil(storedSize / batchSize) - 1)
    const chunks = [...new Array<number>(whole).fill(batchSize), payloadSize - whole * batchSize]
    const form = { signed: !upstream.secure, checksummed }
    const headers = {
      ...request.headers,
      ...(checksummed && { 'x-amz-trailer': checksumHeader }),
      'content-length': String(
        chunkedSize(
          chunks.filter((size) => size > 0),
          form,
        ),
      ),
      'content-encoding': joinCodings('aws-chunked', request.headers?.['content-encoding']),
      'x-amz-decoded-content-length': String(payloadSize),
    }
    const { signed, send } = await upstream.begin({ ...request, headers }, { kind: 'chunks', ...form })
    return new Uploading(storedSize, new ChunkFrames(form, signed.chain), upstream.waits, send)
  }

  /** Takes the next batch. Errors: UpstreamError where the store refuses, BackendError unavailable. */
  async write(batch: Uint8Array, sha256: Uint8Array | undefined): Promise<void> {
    this.#written += batch.length
    if (this.#written > this.#storedSize) throw new Error('more was written than announced')
    if (this.#written === this.#storedSize) this.#held = new Uint8Array(batch)
    else await this.#chunk(batch, sha256)
  }

  /** Takes everything from a source of pieces of any size. Errors: as above; those of the source. */
  async writeAll(pieces: AsyncIterable<Uint8Array>, batchSize: number): Promise<void> {
    const take = () => new ArrayBuffer(batchSize)
    for await (const batch of inBatches(pieces, { batchSize, loosePiecesMax: 0, take })) {
      if ('pieces' in batch) continue
      const bytes = new Uint8Array(batch.buffer, 0, batch.size)
      await this.write(bytes, this.hashed ? createHash('sha256').update(bytes).digest() : undefined)
    }
  }

  /** Sends the last batch and the trailer, and waits for the answer. Errors: as above. */
  async end(trailer: Uint8Array): Promise<UpstreamAnswer> {
    if (this.#written !== this.#storedSize) throw new Error('less was written than announced')
    const last = Buffer.concat([this.#held, trailer])
    const sha256 = this.hashed ? createHash('sha256').update(last).digest() : undefined
    if (last.length > 0) await this.#chunk(last, sha256)
    if (this.#frames !== undefined) await this.#put(this.#frames.end())
    this.#handoff.end()
    this.#settled = true
    return within(this.#sent(), this.#waits.answerMs, (error) => this.#break(error))
  }

  /** Breaks the request off, so that the store keeps nothing of it. After the end it does nothing. */
  async abort(): Promise<void> {
    if (this.#settled) return
    this.#settled = true
    this.#break(new BackendError('unavailable', 'the upload was given up'))
    await this.#answer?.then(
      ({ body }) => body.cancel(),
      () => {},
    )
  }

  /** The request, which begins with the first call. */
  #sent(): Promise<UpstreamAnswer> {
    if (this.#answer !== undefined) return this.#answer
    const answer = this.#send(this.#handoff.pieces(), this.#breaking.signal)
    // An answer before the end is a refusal: whoever writes learns of it.
    answer.then(
      () =>
        this.#handoff.break(new BackendError('unavailable', 'the store answered before it had everything')),
      (error: Error) => this.#handoff.break(error),
    )
    this.#answer = answer
    return answer
  }

  /** Ends the request too, for undici asks for no further piece while the store does not read, or when it has all. */
  #break(error: Error): void {
    this.#handoff.break(error)
    this.#breaking.abort(error)
  }

  async #chunk(bytes: Uint8Array, sha256: Uint8Array | undefined): Promise<void> {
    if (this.#frames !== undefined) await this.#put(this.#frames.before(bytes, sha256))
    await this.#put(bytes.length < flushedSizeMin ? new Uint8Array(bytes) : bytes)
    if (this.#frames !== undefined) await this.#put(lineEnd)
  }

  #put(piece: Uint8Array): Promise<void> {
    const taken = within(this.#handoff.put(piece), this.#waits.stallMs, (error) => this.#break(error))
    void this.#sent()
    return taken
  }
}

const lineEnd = Buffer.from('\r\n')

function joinCodings(first: string, second: string | undefined): string {
  return second === undefined ? first : `${first},${second}`
}

/** The promise's result, or unavailable when the store takes longer; `onLate` is told then. */
async function within<Result>(
  promise: Promise<Result>,
  ms: number,
  onLate: (error: Error) => void,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new BackendError('unavailable', `the store took longer than ${ms / 1000} s`)
      onLate(error)
      reject(error)
    }, ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
