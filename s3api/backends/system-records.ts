/**
 * Small records of Sealgate's own: epochs of data keys, the store's fingerprint. Names match {@link systemNamePattern},
 * values have at most {@link systemRecordSizeMax} bytes; anything else is a programmer's error. Every method can fail with
 * BackendError `unavailable`, a put also with `no-space`.
 */
export interface SystemRecords {
  /** The record as it is now, also right after a put through another process; owned by the caller. */
  get(name: string): Promise<Uint8Array | undefined>
  /**
   * Writes it whole and durably. With `onlyIfAbsent`, of any number of puts to one name exactly one writes: false tells that
   * there was a record already, which stays. Without, the result is true.
   */
  put(name: string, value: Uint8Array, options?: { readonly onlyIfAbsent?: boolean }): Promise<boolean>
  /** Names that begin so, in byte order, those above `after`, at most `limit`. */
  list(prefix: string, page: { readonly after: string; readonly limit: number }): Promise<readonly string[]>
  /** Removes it; nothing there is no error. */
  delete(name: string): Promise<void>
}

export const systemNamePattern = /^[a-z0-9/._-]{1,512}$/
/** Bytes. */
export const systemRecordSizeMax = 64 * 1024

/** Throws on a name or value that no backend has to take. */
export function requireSystemRecord(name: string, value?: Uint8Array): void {
  if (!systemNamePattern.test(name)) throw new Error(`"${name}" is not the name of a system record`)
  if (value !== undefined && value.length > systemRecordSizeMax) {
    throw new Error(`a system record of ${value.length} bytes is above ${systemRecordSizeMax}`)
  }
}
