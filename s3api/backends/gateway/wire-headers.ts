import { isAscii } from '../../text.ts'

/** Headers as undici takes and gives them: a byte of UTF-8 is a character there. */

export function toLatin1(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Object.values(headers).every(isAscii)) return headers
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]),
  )
}

/** Of repeated headers one list. */
export function fromLatin1(
  raw: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(raw)) {
    if (value === undefined) continue
    const text = Array.isArray(value) ? value.join(',') : value
    headers[name] = isAscii(text) ? text : Buffer.from(text, 'latin1').toString('utf8')
  }
  return headers
}
