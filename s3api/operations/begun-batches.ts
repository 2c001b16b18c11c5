import type { PlainBatch } from '../../engine/index.ts'

/** The same batches, the first of them read already, so that its errors are thrown here. */
export async function begun(
  batches: AsyncGenerator<PlainBatch, void, undefined>,
): Promise<AsyncGenerator<PlainBatch, void, undefined>> {
  return new BegunBatches(batches, await batches.next())
}

class BegunBatches implements AsyncGenerator<PlainBatch, void, undefined> {
  readonly #batches: AsyncGenerator<PlainBatch, void, undefined>
  #first: IteratorResult<PlainBatch, void> | undefined

  constructor(batches: AsyncGenerator<PlainBatch, void, undefined>, first: IteratorResult<PlainBatch, void>) {
    this.#batches = batches
    this.#first = first
  }

  async next() {
    const result = this.#first ?? (await this.#batches.next())
    this.#first = undefined
    return result
  }

  return() {
    this.#drop()
    return this.#batches.return()
  }

  throw(error: unknown) {
    this.#drop()
    return this.#batches.throw(error)
  }

  [Symbol.asyncIterator]() {
    return this
  }

  #drop(): void {
    if (this.#first?.done === false) this.#first.value.release()
    this.#first = undefined
  }
}
