import type { DeleteMarker } from './versions.ts'

export type BackendErrorCode =
  | 'bucket-exists'
  | 'no-such-bucket'
  | 'bucket-not-empty'
  | 'no-such-key'
  | 'no-such-version'
  | 'replaced'
  | 'delete-marker'
  | 'locked'
  | 'no-such-upload'
  | 'invalid-part'
  | 'precondition-failed'
  | 'no-space'
  | 'unreadable'
  | 'read-only'
  | 'unavailable'
  | 'busy'
  | 'not-supported'

/** A backend operation that failed for a reason of its contract; anything else thrown is a programmer's error. */
export class BackendError extends Error {
  override readonly name = 'BackendError'
  readonly code: BackendErrorCode
  /** The delete marker that was found in place of an object. */
  readonly marker: DeleteMarker | undefined
  constructor(
    code: BackendErrorCode,
    message: string,
    options?: ErrorOptions & { readonly marker?: DeleteMarker },
  ) {
    super(message, options)
    this.code = code
    this.marker = options?.marker
  }
}
