import { S3Error } from '../errors.ts'

/** Reads a source of pieces of any size by lines and by counted bytes; nothing is copied but lines. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]()
  }

  /** Up to `size` bytes, at least one. Errors: IncompleteBody where the source ends. */
  async some(size: number): Promise<Uint8Array> {
    if (this.#rest.length === 0 && !(await this.#fill())) throw new S3Error('IncompleteBody')
    const taken = this.#rest.subarray(0, size)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  /**
   * A line without its CR LF, or without its LF where `bareLineFeed` allows that, as Latin-1. Errors: IncompleteBody;
   * InvalidRequest for a longer one or another end.
   */
  async line(sizeMax: number, { bareLineFeed = false } = {}): Promise<string> {
    let text = ''
    for (let ended = false; !ended; ) {
      if (await this.atEnd()) throw new S3Error('IncompleteBody')
      const lineFeed = this.#rest.indexOf(0x0a)
      ended = lineFeed !== -1
      const end = ended ? lineFeed : this.#rest.length
      if (text.length + end > sizeMax)
        throw new S3Error('InvalidRequest', 'A line of the chunked body is too long.')
      text += Buffer.from(this.#rest.buffer, this.#rest.byteOffset, end).toString('latin1')
      this.#rest = this.#rest.subarray(ended ? end + 1 : end)
    }
    if (text.endsWith('\r')) return text.slice(0, -1)
    if (bareLineFeed) return text
    throw new S3Error('InvalidRequest', 'A line of the chunked body does not end in CR LF.')
  }

  /** Whether the source has nothing more. */
  async atEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#fill())
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async #fill(): Promise<boolean> {
    for (;;) {
      const next = await this.#pieces.next()
      if (next.done === true) return false
      this.#rest = next.value
      if (this.#rest.length > 0) return true
    }
  }
}
