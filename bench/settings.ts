import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** How much is measured. */
export interface Settings {
  readonly rounds: number
  /** Of each measurement. */
  readonly seconds: number
  /** Where stores are made; memory where there is a file system of it. */
  readonly directory: string
  /** Bytes of a large object. */
  readonly largeSize: number
  /** Bytes of the object that ranges are read of. */
  readonly rangedSize: number
  /** Bytes of a multipart upload. */
  readonly multipartSize: number
  /** Where peers are installed that are not on PATH. */
  readonly peersDirectory?: string
  /** Objects in the bucket that pages are listed of. */
  readonly listedKeys: number
}

/** Where stores are made: in memory, where there is a file system of it. */
export const storesDirectory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const mebibyte = 1024 * 1024

export function createSettings(options: {
  readonly rounds: number
  readonly seconds: number
  readonly multipartMib: number
  readonly listedKeys: number
  readonly peersDirectory?: string | undefined
}): Settings {
  return {
    rounds: options.rounds,
    seconds: options.seconds,
    directory: storesDirectory,
    largeSize: 64 * mebibyte,
    rangedSize: 1024 * mebibyte,
    listedKeys: options.listedKeys,
    ...(options.peersDirectory !== undefined && { peersDirectory: options.peersDirectory }),
    multipartSize: options.multipartMib * mebibyte,
  }
}
