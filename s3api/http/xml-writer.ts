/** XML documents of responses, escaped by construction. */

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** Finished markup; made by {@link element} only. */
export interface XmlNode {
  readonly markup: string
}

/** An element with text, which is escaped, or with child elements. */
export function element(
  name: string,
  content: string | readonly XmlNode[],
  attributes: Readonly<Record<string, string>> = {},
): XmlNode {
  const inner =
    typeof content === 'string' ? escapeXml(content) : content.map(({ markup }) => markup).join('')
  const spaced = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
  return { markup: `<${name}${spaced.join('')}>${inner}</${name}>` }
}

/** A whole response document: its root gets S3's namespace. */
export function document(root: XmlNode): string {
  return declaration + root.markup.replace(/^<[A-Za-z]+/, (tag) => `${tag} xmlns="${namespace}"`)
}

/** A whole document of the few that have no namespace. */
export function plainDocument(root: XmlNode): string {
  return declaration + root.markup
}

/** An error document, which has no namespace. */
export function errorDocument(fields: Readonly<Record<string, string>>): string {
  const children = Object.entries(fields).map(([name, value]) => element(name, value))
  return declaration + element('Error', children).markup
}

/**
 * White space other than blanks goes as references, so that no parser normalises it away. Characters that XML 1.0 cannot
 * carry at all become U+FFFD: clients that have such keys list them with encoding-type=url.
 */
function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped here
  return text.replace(/[&<>"'\u0000-\u001f\u007f\ufffe\uffff]/g, (character) => {
    switch (character) {
      case '&':
        return '&amp;'
      case '<':
        return '&lt;'
      case '>':
        return '&gt;'
      case '"':
        return '&quot;'
      case '\t':
      case '\n':
      case '\r':
      case '\u007f':
      case "'":
        return `&#${character.charCodeAt(0)};`
      default:
        return '\ufffd'
    }
  })
}
