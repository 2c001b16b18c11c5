import { type ByteSource, DareError } from '../../../engine/index.ts'
import {
  BackendError,
  inlineDataSizeMax,
  type NewData,
  type StoredObject,
  type StreamRange,
} from '../backend.ts'
import type { StreamPlace } from './command.ts'
import { type DataFiles, StagedFile } from './data-files.ts'
import type { FreeSpace } from './free-space.ts'
import type { Reader } from './reader.ts'

/** What StoredObject.generation is here. */
export class Generation {
  readonly id: number
  readonly places: readonly StreamPlace[]
  constructor({ id, places }: { readonly id: number; readonly places: readonly StreamPlace[] }) {
    this.id = id
    this.places = places
  }
}

/** The stored bytes of objects, in files or beside their records. */
export class StoredData {
  readonly #files: DataFiles
  readonly #reader: Reader
  readonly #space: FreeSpace

  constructor({
    files,
    reader,
    space,
  }: {
    readonly files: DataFiles
    readonly reader: Reader
    readonly space: FreeSpace
  }) {
    this.#files = files
    this.#reader = reader
    this.#space = space
  }

  /** As Backend's openData. */
  async *open(object: StoredObject, ranges: readonly StreamRange[]): AsyncGenerator<ByteSource, void> {
    const generation = generationOf(object)
    for (const { index } of ranges) {
      const place = generation.places[index]
      if (place === undefined) throw new DareError('unexpected-eof', `stream ${index} of the object is lost`)
      if ('body' in place) {
        yield { kind: 'bytes', bytes: place.body }
        continue
      }
      const open = await this.#files.open(place.file)
      if (open === undefined) throw await this.#missing(generation, place.file)
      try {
        yield open.source
      } finally {
        await open.close()
      }
    }
  }

  /** Makes the data durable, then commits what names it. Errors: BackendError no-space, and those of the commit. */
  async storing<Result>(
    data: NewData,
    commit: (streams: readonly StreamPlace[]) => Promise<Result>,
  ): Promise<Result> {
    const streams = await this.#place(data)
    try {
      return await commit(streams)
    } catch (error) {
      // Where it is not certain that nothing names the files, they stay, and the janitor finds out.
      if (error instanceof BackendError && error.code !== 'unavailable') await this.#removeFiles(streams)
      throw error
    }
  }

  async #place(data: NewData): Promise<readonly StreamPlace[]> {
    switch (data.kind) {
      case 'staged': {
        const { staged } = data
        if (!(staged instanceof StagedFile)) throw new Error('the data was staged elsewhere')
        try {
          // What was written since it was begun may have taken all.
          await this.#space.requireForFile()
          await staged.finish()
        } catch (error) {
          await staged.discard()
          throw error
        }
        return [{ file: staged.id }]
      }
      case 'bytes':
        if (data.bytes.length > inlineDataSizeMax)
          throw new Error('too many bytes to stand beside their record')
        await this.#space.requireForRows()
        return [{ body: data.bytes }]
      case 'same-as':
        await this.#space.requireForRows()
        return this.#duplicate(generationOf(data.object))
    }
  }

  async #duplicate(generation: Generation): Promise<readonly StreamPlace[]> {
    const copies: StreamPlace[] = []
    try {
      for (const place of generation.places) {
        if ('body' in place) {
          copies.push(place)
          continue
        }
        const file = await this.#files.duplicate(place.file)
        if (file === undefined) throw await this.#missing(generation, place.file)
        copies.push({ file })
      }
    } catch (error) {
      await this.#removeFiles(copies)
      throw error
    }
    return copies
  }

  async #removeFiles(places: readonly StreamPlace[]): Promise<void> {
    for (const place of places) if ('file' in place) await this.#files.remove(place.file)
  }

  /** A file that is not there: of an object that was replaced, or lost. Errors: BackendError unavailable, where all files are gone. */
  async #missing({ id }: Generation, file: string): Promise<Error> {
    if (!this.#reader.hasObject(id)) {
      return new BackendError('replaced', 'the object was replaced or deleted meanwhile')
    }
    await this.#files.requireFolderOf(file)
    return new DareError('unexpected-eof', `the data file ${file} of the object is lost`)
  }
}

function generationOf({ generation }: StoredObject): Generation {
  if (!(generation instanceof Generation)) throw new Error('the object is of another backend')
  return generation
}
