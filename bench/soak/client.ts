import { ContentCheck, contentPieces } from './content.ts'
import { faults } from './faults.ts'
import { type Mode, modes, readHeaders, sourceHeaders, writeHeaders } from './modes.ts'
import { KnownObjects, type StoredObject } from './objects.ts'
import type { Answer, Question, S3Client } from './s3-client.ts'
import type { Tally } from './tally.ts'

/** One client: writes, reads and deletes objects of its own, one request at a time, and compares all that it gets. */

export const bucket = 'soak'
const keysPerClient = 8
const mebibyte = 1024 * 1024
const partSizeMin = 5 * mebibyte
/** Sizes and how often they come. */
const sizes: readonly (readonly [weight: number, min: number, max: number])[] = [
  [5, 0, 0],
  [5, 1, 1],
  [35, 2, 4 * 1024],
  [25, 4 * 1024, 256 * 1024],
  [20, 256 * 1024, 4 * mebibyte],
  [5, 4 * mebibyte, 16 * mebibyte],
  [1, 16 * mebibyte, 64 * mebibyte],
]
const unavailableRetries = 20
const unavailablePauseMs = 500

export class SoakClient {
  readonly s3: S3Client
  readonly tally: Tally
  readonly objects: KnownObjects

  constructor(s3: S3Client, tally: Tally, index: number) {
    this.s3 = s3
    this.tally = tally
    this.objects = new KnownObjects(`client-${index}/`, keysPerClient)
  }

  async step(): Promise<void> {
    const steps = [
      [30, () => this.put()],
      [20, () => this.get()],
      [15, () => this.getRange()],
      [5, () => this.head()],
      [6, () => this.copy()],
      [6, () => this.delete()],
      [3, () => this.list()],
      [1, () => this.multipart()],
      [12, () => pick(faults)(this)],
    ] as const
    await weighted(steps)[1]()
  }

  /** Leaves nothing behind. */
  async finish(): Promise<void> {
    for (const key of this.objects.keys)
      await this.#settle(() => this.s3.send({ method: 'DELETE', path: pathOf(key) }))
    const { text } = await this.s3.send({
      method: 'GET',
      path: `/${bucket}`,
      query: { prefix: this.objects.prefix },
    })
    if (text.includes('<Contents>')) this.tally.wrong('objects are listed that were deleted')
  }

  async put(object = newObject(), pace: Pick<Question, 'pauseMs'> = {}): Promise<void> {
    const key = this.anyKey()
    const { mode, size, seed } = object
    const answer = await this.#settle(() =>
      this.s3.send({
        method: 'PUT',
        path: pathOf(key),
        headers: { ...writeHeaders(mode), 'x-amz-meta-seed': String(seed) },
        body: { size, pieces: contentPieces(seed, size) },
        ...pace,
      }),
    )
    this.#written(key, object, answer)
  }

  async get(found = this.known(), pace: Pick<Question, 'pauseMs'> = {}): Promise<void> {
    if (found === undefined) return
    const [key, { mode, seed, size }] = found
    const check = new ContentCheck(seed)
    const answer = await this.s3.send({
      method: 'GET',
      path: pathOf(key),
      headers: readHeaders(mode),
      take: (bytes) => check.take(bytes),
      ...pace,
    })
    this.tally.answered(answer)
    this.#judge(`GET of ${size} bytes, ${mode}`, answer, { size, check })
  }

  async getRange(): Promise<void> {
    const found = this.known()
    if (found === undefined || found[1].size === 0) return
    const [key, { mode, seed, size }] = found
    const first = integer(0, size - 1)
    const last = integer(first, Math.min(size - 1, first + 2 * mebibyte))
    const check = new ContentCheck(seed, first)
    const answer = await this.s3.send({
      method: 'GET',
      path: pathOf(key),
      headers: readHeaders(mode),
      unsigned: { Range: `bytes=${first}-${last}` },
      take: (bytes) => check.take(bytes),
    })
    this.tally.answered(answer)
    this.#judge(`GET of bytes ${first}-${last} of ${size}, ${mode}`, answer, {
      size: last - first + 1,
      check,
    })
  }

  async head(): Promise<void> {
    const found = this.known()
    if (found === undefined) return
    const [key, { mode, size }] = found
    const answer = await this.s3.send({ method: 'HEAD', path: pathOf(key), headers: readHeaders(mode) })
    this.tally.answered(answer)
    this.#judge(`HEAD, ${mode}`, answer, { size })
  }

  async copy(): Promise<void> {
    const found = this.known()
    const target = this.anyKey()
    if (found === undefined || found[0] === target) return
    const [key, source] = found
    const mode = pick(modes)
    const answer = await this.#settle(() =>
      this.s3.send({
        method: 'PUT',
        path: pathOf(target),
        headers: {
          ...writeHeaders(mode),
          ...sourceHeaders(source.mode),
          'x-amz-copy-source': pathOf(key),
        },
      }),
    )
    this.#written(target, { ...source, mode }, answer)
  }

  async delete(): Promise<void> {
    const key = this.anyKey()
    const answer = await this.#settle(() => this.s3.send({ method: 'DELETE', path: pathOf(key) }))
    this.#written(key, undefined, answer)
  }

  async list(): Promise<void> {
    const answer = await this.s3.send({
      method: 'GET',
      path: `/${bucket}`,
      query: { 'list-type': '2', prefix: this.objects.prefix },
    })
    this.tally.answered(answer)
    if (answer.status !== 200) return
    const listed = new Map(
      [...answer.text.matchAll(/<Key>([^<]+)<\/Key>[\s\S]*?<Size>(\d+)<\/Size>/g)].map(([, key, size]) => [
        key,
        Number(size),
      ]),
    )
    for (const key of this.objects.keys) {
      const possible = this.objects.at(key).map((object) => object?.size)
      if (!possible.includes(listed.get(key)))
        this.tally.wrong(`a listing has ${key} with ${listed.get(key)} bytes`)
    }
  }

  async multipart(): Promise<void> {
    const key = this.anyKey()
    const { mode, seed } = newObject()
    const path = pathOf(key)
    const created = await this.#settle(() =>
      this.s3.send({ method: 'POST', path, query: { uploads: '' }, headers: writeHeaders(mode) }),
    )
    const uploadId = /<UploadId>([^<]+)/.exec(created.text)?.[1]
    if (uploadId === undefined) return
    const count = integer(1, 3)
    const size = (count - 1) * partSizeMin + integer(1, mebibyte)
    const etags: string[] = []
    for (let number = 1; number <= count; number++) {
      const offset = (number - 1) * partSizeMin
      const partSize = Math.min(partSizeMin, size - offset)
      const answer = await this.#settle(() =>
        this.s3.send({
          method: 'PUT',
          path,
          query: { partNumber: String(number), uploadId },
          headers: readHeaders(mode),
          body: { size: partSize, pieces: contentPieces(seed, partSize, offset) },
        }),
      )
      etags.push(String(answer.headers.etag))
      if (answer.status !== 200) return this.#abort(path, uploadId)
    }
    if (Math.random() < 0.2) return this.#abort(path, uploadId)
    const parts = etags.map(
      (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
    )
    const document = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    const answer = await this.#settle(() =>
      this.s3.send({
        method: 'POST',
        path,
        query: { uploadId },
        headers: readHeaders(mode),
        body: { size: document.length, pieces: [document] },
      }),
    )
    this.#written(key, { mode, seed, size }, answer)
  }

  /** One of the keys whose object is known. */
  known(): readonly [key: string, object: StoredObject] | undefined {
    const certain = this.objects.certain()
    return certain.length === 0 ? undefined : pick(certain)
  }

  anyKey(): string {
    return pick(this.objects.keys)
  }

  async #abort(path: string, uploadId: string): Promise<void> {
    await this.#settle(() => this.s3.send({ method: 'DELETE', path, query: { uploadId } }))
  }

  /** Asks again while the server says that it can be asked again. */
  async #settle(ask: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const answer = await ask()
      this.tally.answered(answer)
      if (answer.status !== 503 || attempt === unavailableRetries) return answer
      await new Promise((resolve) => setTimeout(resolve, unavailablePauseMs))
    }
  }

  #written(key: string, object: StoredObject | undefined, answer: Answer): void {
    if (answer.status >= 200 && answer.status < 300 && answer.whole) this.objects.is(key, object)
    else if (answer.status === 0 || answer.status >= 500) this.objects.mayBe(key, object)
  }

  #judge(
    what: string,
    answer: Answer,
    { size, check }: { readonly size: number; readonly check?: ContentCheck },
  ): void {
    if (answer.status >= 300 || answer.status === 0) return
    const length = Number(answer.headers['content-length'])
    if (length !== size) this.tally.wrong(`${what}: ${length} bytes announced`)
    else if (check?.right === false) this.tally.wrong(`${what}: other bytes`)
    else if (!answer.whole) this.tally.wrong(`${what}: cut off`)
  }
}

export function pathOf(key: string): string {
  return `/${bucket}/${key}`
}

export function newObject(): StoredObject {
  const [, min, max] = weighted(sizes)
  const mode: Mode = pick(modes)
  return { seed: integer(0, 1_000_000), size: integer(min, max), mode }
}

export function integer(min: number, max: number): number {
  return min + Math.floor(Math.random() * (max - min + 1))
}

function pick<Value>(values: readonly Value[]): Value {
  const value = values[integer(0, values.length - 1)]
  if (value === undefined) throw new Error('there is nothing to pick from')
  return value
}

function weighted<Row extends readonly [weight: number, ...rest: unknown[]]>(rows: readonly Row[]): Row {
  let rest = Math.random() * rows.reduce((sum, [weight]) => sum + weight, 0)
  for (const row of rows) {
    rest -= row[0]
    if (rest < 0) return row
  }
  throw new Error('there is nothing to choose from')
}
