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
}

export const nonceSize = 12

/** `acceptsVersion1` is for what MinIO sealed before July 2018: the end of such a stream cannot be told (FORMAT.md §2.5). */
export function createOpenState({ acceptsVersion1 = false } = {}): OpenState {
  return { acceptsVersion1, version: undefined, suite: undefined, nonce: new Uint8Array(nonceSize) }
}

/** Errors: unsupported-cipher, where the stream's first package had another. */
export function requireSuite(expected: OpenState, suite: Suite, sequence: number): void {
  if (expected.suite === undefined || expected.suite === suite) return
  throw new DareError('unsupported-cipher', `package ${sequence} changes the cipher of its stream`)
}

/** Every header of a stream shows one nonce: that of the first package read. Errors: nonce-mismatch. */
export function requireNonce(expected: OpenState, nonce: Uint8Array, sequence: number): void {
  if (expected.suite === undefined) expected.nonce.set(nonce)
  for (let index = 0; index < nonceSize; index++) {
    if (nonce[index] !== expected.nonce[index])
      throw new DareError('nonce-mismatch', `package ${sequence} is of another stream`)
  }
}
