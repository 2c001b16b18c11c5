import type { EncryptionContext } from './service.ts'

/**
 * The bytes that bind an encryption context to a data key: JSON with sorted keys and no white space, strings escaped as
 * Go's encoding/json does by default, which is what MinIO has sent since January 2021 (FORMAT.md §3).
 */
export function contextBytes(context: EncryptionContext): Uint8Array {
  return serialised(context, escapeString)
}

/** The same without any escaping, as MinIO sent it before; the same bytes for names without special characters. */
export function rawContextBytes(context: EncryptionContext): Uint8Array {
  return serialised(context, (text) => text)
}

function serialised(context: EncryptionContext, escaped: (text: string) => string): Uint8Array {
  const entries = Object.entries(context)
    .map(([name, value]) => ({
      order: Buffer.from(name, 'utf8'),
      text: `"${escaped(name)}":"${escaped(value)}"`,
    }))
    .sort((a, b) => Buffer.compare(a.order, b.order))
  return new TextEncoder().encode(`{${entries.map(({ text }) => text).join(',')}}`)
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** Quotes, backslashes, controls, the HTML characters and the two line separators of JavaScript. */
function escapeString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped here
  return text.replace(/["\\\u0000-\u001f<>&\u2028\u2029]/g, (character) => {
    return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
