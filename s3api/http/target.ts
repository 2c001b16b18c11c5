import { isIP } from 'node:net'
import { S3Error } from '../errors.ts'
import { isAscii } from '../text.ts'

/** Which bucket and key a request is about: path style and virtual-host style. Nothing is normalised: `//`, `.` and `..` are part of keys. */

const keySizeMax = 1024

export interface Target {
  /** Empty at service level. */
  readonly bucket: string
  /** Empty at service and bucket level. */
  readonly key: string
  readonly query: ReadonlyMap<string, string>
  /** The bucket is named by the host. */
  readonly virtualHost?: true
}

/** Errors: InvalidURI, InvalidBucketName, KeyTooLongError. `domains` are lower-case. */
export function parseTarget(rawUrl: string, host: string | undefined, domains: readonly string[]): Target {
  // The absolute form of HTTP/1.1 (RFC 9112 §3.2.2) names the host again.
  const url = rawUrl.replace(/^https?:\/\/[^/?]*/i, '')
  const question = url.indexOf('?')
  const path = question === -1 ? url : url.slice(0, question)
  const query = parseQuery(question === -1 ? '' : url.slice(question + 1))
  if (!path.startsWith('/') && path !== '') throw new S3Error('InvalidURI')
  const bucketOfHost = parseHost(host, domains)
  if (bucketOfHost !== undefined) {
    return { bucket: bucketOfHost, key: parseKey(path.slice(1)), query, virtualHost: true }
  }
  const slash = path.indexOf('/', 1)
  if (slash === -1) return { bucket: decode(path.slice(1)), key: '', query }
  const [bucket, key] = [decode(path.slice(1, slash)), parseKey(path.slice(slash + 1))]
  if (bucket === '' && key !== '') throw new S3Error('InvalidBucketName')
  return { bucket, key, query }
}

function parseKey(raw: string): string {
  const key = decode(raw)
  requireKey(key)
  return key
}

/** Errors: KeyTooLongError, InvalidURI. */
export function requireKey(key: string): void {
  if (key.includes('\0')) throw new S3Error('InvalidURI', 'A key cannot contain the character U+0000.')
  const size = Buffer.byteLength(key)
  if (size > keySizeMax) {
    throw new S3Error('KeyTooLongError', undefined, {
      elements: { Size: String(size), MaxSizeAllowed: String(keySizeMax) },
    })
  }
}

/** The bucket of a `bucket.domain` host, or undefined for the domain itself, an address or a host that is not ours. */
function parseHost(host: string | undefined, domains: readonly string[]): string | undefined {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) return undefined
  for (const domain of [...domains, 'localhost']) {
    if (name.endsWith(`.${domain}`)) return name.slice(0, -domain.length - 1)
  }
  return undefined
}

/** Names and values decoded, `+` a blank; of a repeated name the last counts. A name without `=` has an empty value. */
function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = equals === -1 ? pair : pair.slice(0, equals)
    const value = equals === -1 ? '' : pair.slice(equals + 1)
    query.set(decode(blanks(name)), decode(blanks(value)))
  }
  return query
}

function blanks(text: string): string {
  return text.includes('+') ? text.replaceAll('+', ' ') : text
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Percent-decoding to UTF-8, nothing lax. Node gives unencoded bytes as Latin-1. */
function decode(text: string): string {
  try {
    const utf8 = isAscii(text) ? text : strictUtf8.decode(Buffer.from(text, 'latin1'))
    const decoded = utf8.includes('%') ? decodeURIComponent(utf8) : utf8
    if (!decoded.includes('\0')) return decoded
  } catch (error) {
    throw new S3Error('InvalidURI', undefined, { cause: error })
  }
  throw new S3Error('InvalidURI', 'A URI cannot contain the character U+0000.')
}

/** Node gives header values byte by byte as Latin-1; S3's are UTF-8. A value that is not UTF-8 stays as it is. */
export function parseHeaders(rawHeaders: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = toUtf8(rawHeaders[index + 1] ?? '')
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

function toUtf8(value: string): string {
  if (isAscii(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? value : text
}
