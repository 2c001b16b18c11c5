/** Strict text forms that several headers and documents share. */

/** base64 in the standard alphabet with padding and nothing else (RFC 4648 §4), or undefined. */
export function parseBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  // A text whose unused last bits are set, or whose padding stands elsewhere, does not come back the same.
  if (bytes.toString('base64') !== text) return undefined
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Without blanks and tabs at its ends, HTTP's white space; `trim` would take U+00A0 as well, the second byte of an `à` in UTF-8. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  // By index: an expression that looks for blanks at the end begins anew at each blank within.
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Whether a header can be called that: a token (RFC 9110 §5.6.2). */
export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
}

/** Whether a header can carry that: of control characters the tab alone (RFC 9110 §5.5). */
export function isHeaderValue(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
  return !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)
}

/** A decimal integer of digits only, within safe integers, or undefined. */
export function parseDecimal(text: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** Lower-case hex of the bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

/** base64 of the bytes, padded. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** Most text of requests is, and needs no decoding then. */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
