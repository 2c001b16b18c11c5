import { DareError } from './errors.ts'
import type { Suite } from './suites.ts'

/** What all packages of one stream share, learnt from the first that is opened, and carried from run to run. */
export interface OpenState {
  /** A stream may be of DARE 1.0 as well as of 2.0. */
  readonly acceptsVersion1: boolean
  version: 1 | 2 | undefined
  suite: Suite | undefined
  /** 12 bytes: of 2.0 the header's nonce without the final flag, of 1.0 its random part behind four zeros. */
  readonly nonce: Uint8Array
  /** Which it is was known before: the first package has to show it, too. */
  readonly nonceKnown: boolean
}

export const nonceSize = 12

/** What is known of a stream before any of it is opened. */
export interface OpenStateOptions {
  /** For what MinIO sealed before July 2018: the end of such a stream cannot be told (FORMAT.md §2.5). */
  readonly acceptsVersion1?: boolean
  /** 12 bytes, copied: the only stream under its key that is meant. */
  readonly nonce?: Uint8Array | undefined
}

export function createOpenState({ acceptsVersion1 = false, nonce }: OpenStateOptions = {}): OpenState {
  return {
    acceptsVersion1,
    version: undefined,
    suite: undefined,
    nonce: nonce === undefined ? new Uint8Array(nonceSize) : new Uint8Array(nonce),
    nonceKnown: nonce !== undefined,
  }
}

/** Errors: unsupported-cipher, where the stream's first package had another. */
export function requireSuite(expected: OpenState, suite: Suite, sequence: number): void {
  if (expected.suite === undefined || expected.suite === suite) return
  throw new DareError('unsupported-cipher', `package ${sequence} changes the cipher of its stream`)
}

/** Every header of a stream shows one nonce: the one that is known, or that of the first package read. Errors: nonce-mismatch. */
export function requireNonce(expected: OpenState, nonce: Uint8Array, sequence: number): void {
  if (expected.suite === undefined && !expected.nonceKnown) expected.nonce.set(nonce)
  for (let index = 0; index < nonceSize; index++) {
    if (nonce[index] !== expected.nonce[index])
      throw new DareError('nonce-mismatch', `package ${sequence} is of another stream`)
  }
}
