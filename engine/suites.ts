import { DareError } from './errors.ts'

/** A cipher of DARE packages: its byte on the wire and its name in node:crypto. */
export interface Suite {
  readonly id: number
  readonly cipher: 'aes-256-gcm' | 'chacha20-poly1305'
}

/** By the byte in a package's header (FORMAT.md §2.1). Both are read; the first is written. */
export const suites = [
  { id: 0x00, cipher: 'aes-256-gcm' },
  { id: 0x01, cipher: 'chacha20-poly1305' },
] as const satisfies readonly Suite[]

export type CipherName = (typeof suites)[number]['cipher']

/** Errors: unsupported-cipher. */
export function suiteOf(id: number): Suite {
  const suite = suites[id]
  if (suite === undefined) throw new DareError('unsupported-cipher', `cipher ${id} is not known`)
  return suite
}

export function suiteNamed(cipher: CipherName): Suite {
  return cipher === 'aes-256-gcm' ? suites[0] : suites[1]
}
