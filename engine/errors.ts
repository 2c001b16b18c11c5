/** Why a stream, package or sealed key was refused; FORMAT.md §2.4. */
export type DareErrorCode =
  | 'tag-mismatch'
  | 'nonce-mismatch'
  | 'sequence-mismatch'
  | 'unexpected-eof'
  | 'unexpected-data'
  | 'invalid-payload-size'
  | 'unsupported-version'
  | 'unsupported-cipher'
  | 'too-large'

/** Sealed bytes that are malformed or not authentic. The message names sizes and positions, never bytes. */
export class DareError extends Error {
  override readonly name = 'DareError'
  readonly code: DareErrorCode
  constructor(code: DareErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
