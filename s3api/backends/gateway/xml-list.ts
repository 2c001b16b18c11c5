import { readXml, type XmlElement } from '../../http/xml-reader.ts'
import { BackendError } from '../backend.ts'

/** A listing of the store's. Errors of all methods: BackendError unavailable, for what no S3 answers. */
export class XmlList {
  readonly #root: XmlEntry

  constructor(bytes: Uint8Array, rootName: string) {
    const root = readAnswer(bytes, rootName)
    // A store that does not know of encodings answers with keys as they are.
    const urlEncoded = root.children('EncodingType')[0]?.text() === 'url'
    this.#root = new XmlEntry(root, { urlEncoded })
  }

  entries(name: string): XmlEntry[] {
    return this.#root.children(name)
  }

  /** Elements of several names, in the order in which they stand. */
  children(names: readonly string[]): XmlEntry[] {
    return this.#root.all().filter(({ name }) => names.includes(name))
  }

  flag(name: string): boolean {
    return this.#root.find(name) === 'true'
  }

  find(name: string): string | undefined {
    return this.#root.find(name)
  }
}

export class XmlEntry {
  readonly name: string
  readonly #element: XmlElement
  readonly #urlEncoded: boolean

  constructor(element: XmlElement, { urlEncoded }: { readonly urlEncoded: boolean } = { urlEncoded: false }) {
    this.name = element.name
    this.#element = element
    this.#urlEncoded = urlEncoded
  }

  all(): XmlEntry[] {
    return this.#element.all().map((child) => this.#below(child))
  }

  children(name: string): XmlEntry[] {
    return this.#element.children(name).map((child) => this.#below(child))
  }

  find(name: string): string | undefined {
    return this.#element.children(name)[0]?.text()
  }

  text(name: string): string {
    const text = this.find(name)
    if (text === undefined) throw unreadable(`${name} is missing`)
    return text
  }

  number(name: string): number {
    const value = Number(this.text(name))
    if (!Number.isSafeInteger(value)) throw unreadable(`${name} is no number`)
    return value
  }

  /** Of an answer to encoding-type=url. */
  key(name: string): string {
    if (!this.#urlEncoded) return this.text(name)
    try {
      return decodeURIComponent(this.text(name).replaceAll('+', '%20'))
    } catch (error) {
      throw unreadable(`${name} is not URL-encoded`, error)
    }
  }

  /** The same, and what else it may be: Ceph encodes the keys of uploads when it is asked to, and does not say so. */
  possibleKeys(name: string): readonly [string, ...string[]] {
    const key = this.key(name)
    if (this.#urlEncoded || !key.includes('%')) return [key]
    try {
      return [key, decodeURIComponent(key)]
    } catch {
      return [key]
    }
  }

  #below(element: XmlElement): XmlEntry {
    return new XmlEntry(element, { urlEncoded: this.#urlEncoded })
  }
}

/** The document, or the error that some stores send with status 200. */
export function readAnswer(bytes: Uint8Array, rootName: string): XmlElement {
  try {
    return readXml(withoutForbidden(bytes), rootName)
  } catch (error) {
    throw unreadable(`no ${rootName}`, error)
  }
}

/** What XML has not: U+FFFE and U+FFFF, and control characters in the way that Ceph writes them. */
const forbidden = /[\ufffe\uffff]|&#x0*(?:[0-8bcef]|1[0-9a-f]);/gi

/** Some stores repeat such characters from a key where we have not asked for it URL-encoded, as in their own markers. */
function withoutForbidden(bytes: Uint8Array): Uint8Array {
  const answer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (!['\uffff', '\ufffe', '&#x'].some((sign) => answer.includes(sign))) return bytes
  return Buffer.from(answer.toString('utf8').replace(forbidden, '\ufffd'))
}

/** For what no S3 answers. */
export function unreadable(why: string, cause?: unknown): BackendError {
  return new BackendError('unavailable', `the store's answer cannot be read: ${why}`, { cause })
}
