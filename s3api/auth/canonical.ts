import { hash } from 'node:crypto'
import { trimBlanks } from '../text.ts'

/**
 * The canonical request of Signature V4 as Amazon S3 has it: the path is encoded once and never normalised.
 * Source: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header".
 */

/** What is signed, as it came over the wire. */
export interface SignedRequest {
  readonly method: string
  /** Path and query exactly as sent. */
  readonly rawUrl: string
  /** Names and values in turn, as node:http has them. */
  readonly rawHeaders: readonly string[]
}

/** The request's text that the signature covers. `payloadHash` is what x-amz-content-sha256 says. */
export function canonicalRequest(
  { method, rawUrl, rawHeaders }: SignedRequest,
  { signedHeaders, payloadHash }: { readonly signedHeaders: readonly string[]; readonly payloadHash: string },
): string {
  const url = rawUrl.replace(/^https?:\/\/[^/?]*/i, '')
  const question = url.indexOf('?')
  const path = question === -1 ? url : url.slice(0, question)
  const values = headerValues(rawHeaders)
  return [
    method,
    path === '' ? '/' : encodePath(path),
    canonicalQuery(question === -1 ? '' : url.slice(question + 1)),
    ...signedHeaders.map((name) => `${name}:${values.get(name) ?? ''}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n')
}

/** Clients leave different characters of a path unencoded; signed is the path with all but the unreserved ones encoded. */
function encodePath(path: string): string {
  return path.split('/').map(recode).join('/')
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
      return [recode(withoutPlus(name)), recode(withoutPlus(value))] as const
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** A blank of a query. */
function withoutPlus(text: string): string {
  return text.includes('+') ? text.replaceAll('+', '%20') : text
}

/** ASCII on both sides, so that UTF-16 order is byte order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Percent-encoding with exactly the unreserved characters of RFC 3986 left as they are, whatever the client left. */
function recode(text: string): string {
  if (/^[A-Za-z0-9_.~-]*$/.test(text)) return text
  // Only what may have to change is looked at: most characters are unreserved.
  return text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9_.~-]/g, (piece) => {
    if (piece.length === 3) {
      const character = String.fromCharCode(Number.parseInt(piece.slice(1), 16))
      return /[A-Za-z0-9_.~-]/.test(character) ? character : piece.toUpperCase()
    }
    // Node gives the bytes of the request line as Latin-1: a character is a byte.
    return `%${piece.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

/** By lower-case name: trimmed, inner blanks as one, those of one name joined with commas. One pass, whatever is signed. */
function headerValues(rawHeaders: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = trimBlanks(rawHeaders[index + 1] ?? '').replace(/ +/g, ' ')
    const before = values.get(name)
    values.set(name, before === undefined ? value : `${before},${value}`)
  }
  return values
}

/** Hex SHA-256 of header text, whose characters stand for bytes as in Latin-1. */
export function sha256Hex(text: string | Uint8Array): string {
  return hash('sha256', typeof text === 'string' ? Buffer.from(text, 'latin1') : text, 'hex')
}

/** Of nothing. */
export const emptySha256 = sha256Hex('')
