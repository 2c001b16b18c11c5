import { statfs } from 'node:fs/promises'
import { BackendError } from '../backend.ts'
import { ofFile } from './store-errors.ts'

/** Kept free of data, so that there is room for what makes room: the log of a delete, before anything is freed. */
const reserveMax = 32 * 1024 * 1024
const reserveShareMax = 1 / 16
/** With more free than that, one look a second is enough; with less, each write looks. */
const plenty = 4 * 1024 * 1024 * 1024
const lookMs = 1_000

/** Whether the file system has room for more than what is needed to empty it. */
export class FreeSpace {
  readonly #directory: string
  readonly #spareBytes: () => number
  #plentyUntilMs = Number.NEGATIVE_INFINITY
  #looking: Promise<number> | undefined

  /** `spareBytes`: what the database has free in itself, which the file system does not know of. */
  constructor(directory: string, spareBytes: () => number) {
    this.#directory = directory
    this.#spareBytes = spareBytes
  }

  /** For a file. Errors: BackendError no-space, unavailable. */
  async requireForFile(): Promise<void> {
    if ((await this.#beyondReserve()) < 0) throw noSpace()
  }

  /** For rows, which have the database's free pages, too. Errors: as requireForFile. */
  async requireForRows(): Promise<void> {
    const beyondReserve = await this.#beyondReserve()
    if (beyondReserve < 0 && beyondReserve + this.#spareBytes() < 0) throw noSpace()
  }

  /** Bytes; negative where the reserve has been touched. */
  async #beyondReserve(): Promise<number> {
    if (performance.now() < this.#plentyUntilMs) return plenty
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<number> {
    const { bavail, blocks, bsize } = await statfs(this.#directory).catch((error: unknown) => {
      throw ofFile(error)
    })
    // Some network file systems do not say.
    const free = blocks === 0 ? plenty : bavail * bsize
    if (free >= plenty) this.#plentyUntilMs = performance.now() + lookMs
    return free - Math.min(reserveMax, blocks * bsize * reserveShareMax)
  }
}

function noSpace(): BackendError {
  return new BackendError('no-space', 'the disk is full but for what deletes need')
}
