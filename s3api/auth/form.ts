import { S3Error } from '../errors.ts'
import type { S3Request } from '../operation.ts'
import { parseDecimal } from '../text.ts'

/** Forms of browsers: multipart/form-data (RFC 7578) whose last field is the file, as POST Object wants them. */
export interface Form {
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>
  readonly file: FormFile
}

export interface FormFile {
  /** Empty: none was given. */
  readonly name: string
  /** Bytes, exactly: a form that has more or fewer is refused when they have been read. */
  readonly size: number
  readonly content: AsyncIterable<Uint8Array>
}

/** Everything before the file's content, bytes. */
const preambleSizeMax = 64 * 1024
/** The headers of one part, bytes. */
const partHeadersSizeMax = 8 * 1024
const fieldsMax = 100

/** Reads the fields; the file is read by whoever takes its content. Errors: PreconditionFailed, MissingContentLength, those of the form. */
export async function openForm(
  { headers }: Pick<S3Request, 'headers'>,
  source: AsyncIterable<Uint8Array>,
): Promise<Form> {
  const boundary = parseBoundary(headers.get('content-type') ?? '')
  const total = parseDecimal(headers.get('content-length') ?? '')
  if (total === undefined) throw new S3Error('MissingContentLength')
  const reader = new FormReader(source, boundary)
  try {
    const { fields, filename } = await readFields(reader)
    const size = total - reader.position - reader.closing.length
    if (size < 0) throw malformed('the form ends before its file does')
    return { fields, file: { name: filename, size, content: reader.content(size) } }
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** All fields before the file. */
async function readFields(
  reader: FormReader,
): Promise<{ readonly fields: ReadonlyMap<string, string>; readonly filename: string }> {
  const fields = new Map<string, string>()
  await reader.begin()
  for (;;) {
    const { name, filename } = await reader.partHeaders()
    if (name === 'file') return { fields, filename }
    if (fields.size === fieldsMax || fields.has(name)) throw malformed(`the field ${name} is one too many`)
    fields.set(name, await reader.value())
  }
}

function parseBoundary(contentType: string): string {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:[^;]*;)*?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(
      contentType,
    ) ?? []
  const boundary = quoted ?? plain
  if (boundary !== undefined) return boundary
  throw new S3Error('PreconditionFailed', 'Bucket POST must be of the enclosure-type multipart/form-data', {
    elements: { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' },
  })
}

/** Reads a form from front to back. */
class FormReader {
  /** How a form ends behind its file. */
  readonly closing: Buffer
  readonly #delimiter: Buffer
  readonly #pieces: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)
  /** Bytes of the form before the buffer. */
  #before = 0

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#pieces = source[Symbol.asyncIterator]()
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.closing = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
  }

  /** Of the next byte to be taken. */
  get position(): number {
    return this.#before
  }

  /** The first boundary, which nothing precedes. */
  async begin(): Promise<void> {
    const first = this.#delimiter.subarray(2)
    const end = first.length + 2
    while (this.#buffer.length < end) if (!(await this.#fill())) throw malformed('the form has no parts')
    if (!this.#buffer.subarray(0, first.length).equals(first))
      throw malformed('the form begins with no boundary')
    this.#take(first.length)
    await this.#lineEnd()
  }

  async partHeaders(): Promise<{ readonly name: string; readonly filename: string }> {
    const bytes = await this.#until(Buffer.from('\r\n\r\n'))
    if (bytes.length > partHeadersSizeMax) throw malformed('a part has too long headers')
    const text = toText(bytes)
    for (const line of text.split('\r\n')) {
      const [, value] = /^content-disposition:\s*form-data\s*;(.*)$/i.exec(line) ?? []
      if (value === undefined) continue
      const name = parameter(value, 'name')
      if (name === undefined || name === '') break
      return { name: name.toLowerCase(), filename: parameter(value, 'filename') ?? '' }
    }
    throw malformed('a part of the form has no name')
  }

  /** The value of a field, and on to the next part. */
  async value(): Promise<string> {
    const text = toText(await this.#until(this.#delimiter))
    await this.#lineEnd()
    return text
  }

  /** The file's bytes, and the end of the form behind them. */
  async *content(size: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#fileBytes(size)
    } finally {
      await this.close()
    }
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async *#fileBytes(size: number): AsyncGenerator<Uint8Array, void, undefined> {
    let given = 0
    for (;;) {
      const found = this.#buffer.indexOf(this.#delimiter)
      const safe = found === -1 ? Math.max(0, this.#buffer.length - this.#delimiter.length + 1) : found
      given += safe
      if (given > size) throw malformed('the file is not the last field of the form')
      if (safe > 0) yield this.#take(safe)
      if (found !== -1) break
      if (!(await this.#fill())) throw new S3Error('IncompleteBody')
    }
    while (await this.#fill()) if (this.#buffer.length > this.closing.length) break
    if (given === size && this.#buffer.equals(this.closing)) return
    throw malformed('the file is not the last field of the form, or the form does not end behind it')
  }

  /** What stands before the mark, which is taken too. */
  async #until(mark: Buffer): Promise<Buffer> {
    let from = 0
    for (;;) {
      const found = this.#buffer.indexOf(mark, from)
      if (found !== -1) {
        const text = this.#take(found)
        this.#take(mark.length)
        return text
      }
      from = Math.max(0, this.#buffer.length - mark.length + 1)
      if (!(await this.#fill())) {
        throw new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.')
      }
      if (this.#before + this.#buffer.length > preambleSizeMax)
        throw new S3Error('MaxPostPreDataLengthExceeded')
    }
  }

  async #lineEnd(): Promise<void> {
    while (this.#buffer.length < 2)
      if (!(await this.#fill())) throw malformed('the form ends within a boundary')
    const end = this.#take(2).toString('latin1')
    if (end === '--') {
      throw new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.')
    }
    if (end !== '\r\n') throw malformed('a boundary of the form goes on')
  }

  #take(size: number): Buffer {
    const taken = this.#buffer.subarray(0, size)
    this.#buffer = this.#buffer.subarray(size)
    this.#before += size
    return taken
  }

  async #fill(): Promise<boolean> {
    const next = await this.#pieces.next()
    if (next.done === true) return false
    this.#buffer = Buffer.concat([this.#buffer, next.value])
    return true
  }
}

function parameter(text: string, name: string): string | undefined {
  const [, quoted, plain] =
    new RegExp(`(?:^|;)\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i').exec(text) ?? []
  return quoted?.replace(/\\(["\\])/g, '$1') ?? plain
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new S3Error('MalformedPOSTRequest', 'a field of the form is not UTF-8', { cause: error })
  }
}

function malformed(why: string): S3Error {
  return new S3Error(
    'MalformedPOSTRequest',
    `The body of your POST request is not well-formed multipart/form-data: ${why}.`,
  )
}
