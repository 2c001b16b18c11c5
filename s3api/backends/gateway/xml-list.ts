import { readXml, type XmlElement } from '../../http/xml-reader.ts'
import { BackendError } from '../backend.ts'

/** A listing of the store's. Errors of all methods: BackendError unavailable, for what no S3 answers. */
export class XmlList {
  readonly #root: XmlEntry

  constructor(bytes: Uint8Array, rootName: string) {
    this.#root = new XmlEntry(readAnswer(bytes, rootName))
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

  constructor(element: XmlElement) {
    this.name = element.name
    this.#element = element
  }

  all(): XmlEntry[] {
    return this.#element.all().map((child) => new XmlEntry(child))
  }

  children(name: string): XmlEntry[] {
    return this.#element.children(name).map((child) => new XmlEntry(child))
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

  /** With encoding-type=url. */
  key(name: string): string {
    try {
      return decodeURIComponent(this.text(name).replaceAll('+', '%20'))
    } catch (error) {
      throw unreadable(`${name} is not URL-encoded`, error)
    }
  }
}

/** The document, or the error that some stores send with status 200. */
export function readAnswer(bytes: Uint8Array, rootName: string): XmlElement {
  try {
    return readXml(bytes, rootName)
  } catch (error) {
    throw unreadable(`no ${rootName}`, error)
  }
}

function unreadable(why: string, cause?: unknown): BackendError {
  return new BackendError('unavailable', `the store's answer cannot be read: ${why}`, { cause })
}
