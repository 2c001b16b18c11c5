import { SaxesParser } from 'saxes'
import { S3Error } from '../errors.ts'

/** XML of requests: strictly parsed, within limits, without document types, entities and processing instructions. */

const depthMax = 8
/** A completion of 10,000 parts with checksums has about 40,000. */
const elementsMax = 100_000
const namespaces = new Set(['', 'http://s3.amazonaws.com/doc/2006-03-01/'])

/** An element of a parsed document; names without namespace. */
export class XmlElement {
  readonly name: string
  readonly #children: XmlElement[] = []
  #text = ''

  constructor(name: string) {
    this.name = name
  }

  /** All direct children of that name, in order. */
  children(name: string): readonly XmlElement[] {
    return this.#children.filter((child) => child.name === name)
  }

  /** All direct children, in order. */
  all(): readonly XmlElement[] {
    return this.#children
  }

  /** The direct child of that name. Errors: MalformedXML where there are several. */
  child(name: string): XmlElement | undefined {
    const found = this.children(name)
    if (found.length > 1) throw new S3Error('MalformedXML')
    return found[0]
  }

  /** The element's own text, as it stands. */
  text(): string {
    return this.#text
  }

  append(child: XmlElement): void {
    this.#children.push(child)
  }

  appendText(text: string): void {
    this.#text += text
  }
}

/** Parses a document with that root element, in S3's namespace or none. Errors: MalformedXML. */
export function readXml(bytes: Uint8Array, rootName: string): XmlElement {
  const malformed = (cause: unknown) => new S3Error('MalformedXML', undefined, { cause })
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), rootName)
  } catch (error) {
    if (error instanceof S3Error) throw error
    throw malformed(error)
  }
}

function parse(text: string, rootName: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  let count = 0
  const refuse = (what: string) => () => {
    throw new Error(`${what} in a request`)
  }
  parser.on('error', (error) => {
    throw error
  })
  parser.on('doctype', refuse('a document type'))
  parser.on('processinginstruction', refuse('a processing instruction'))
  parser.on('opentag', ({ local, uri }) => {
    const element = new XmlElement(local)
    if (++count > elementsMax || open.length === depthMax) throw new Error('too many elements')
    if (open.length === 0 && !namespaces.has(uri)) throw new Error('a foreign namespace')
    open.at(-1)?.append(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', (content) => open.at(-1)?.appendText(content))
  parser.on('cdata', (content) => open.at(-1)?.appendText(content))
  parser.write(text).close()
  if (root?.name !== rootName) throw new Error(`the root is not ${rootName}`)
  return root
}
