import { S3Error } from '../errors.ts'
import { element, type XmlNode } from '../http/xml-writer.ts'
import type { S3Request } from '../operation.ts'
import { parseDecimal } from '../text.ts'

/** What the listing operations share: limits, encodings, tokens. */

export const listLimitMax = 1000

/** `max-keys` and its kin: 0..1000, more counts as 1000. Errors: InvalidArgument. */
export function parseLimit({ query }: S3Request, name: string): number {
  const text = query.get(name)
  if (text === undefined || text === '') return listLimitMax
  const value = parseDecimal(text)
  if (value === undefined || value > 2 ** 31 - 1) {
    throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, {
      elements: { ArgumentName: name, ArgumentValue: text },
    })
  }
  return Math.min(value, listLimitMax)
}

/** How keys stand in the answer: as they are, or URL-encoded with `encoding-type=url`. Errors: InvalidArgument. */
export function parseEncoding({ query }: S3Request): {
  readonly type: 'url' | undefined
  encode(text: string): string
} {
  const type = query.get('encoding-type')
  if (type === undefined || type === '') return { type: undefined, encode: (text) => text }
  if (type !== 'url') throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request')
  return { type, encode: encodeKey }
}

/** RFC 3986 with `/` kept, as AWS encodes keys in listings. */
export function encodeKey(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')
}

/** A continuation token says after which entry to go on; opaque to clients. */
export function toToken(startAfter: string): string {
  return Buffer.from(startAfter, 'utf8').toString('base64url')
}

/** Errors: InvalidArgument. */
export function parseToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url')
  const valid = token !== '' && bytes.toString('base64url') === token
  try {
    // No key has a U+0000.
    if (valid && !bytes.includes(0))
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', { cause: error })
  }
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
}

/** The common prefixes of a page, which stand behind its entries. */
export function prefixElements(
  entries: readonly ({ readonly kind: 'prefix'; readonly prefix: string } | { readonly kind: string })[],
  encode: (text: string) => string,
): XmlNode[] {
  return entries.flatMap((entry) =>
    'prefix' in entry ? [element('CommonPrefixes', [element('Prefix', encode(entry.prefix))])] : [],
  )
}
