/** What a listing has to show, computed from all keys at once: the truth that pages are compared with. */

export interface ModelQuery {
  readonly prefix: string
  readonly delimiter: string
  readonly startAfter: string
  readonly limit: number
}

/** Names on the page, common prefixes among them, in UTF-8 byte order. */
export function expectedPage(
  keys: readonly string[],
  { prefix, delimiter, startAfter, limit }: ModelQuery,
): { readonly names: readonly string[]; readonly truncated: boolean } {
  const names = new Set<string>()
  const after = fold(startAfter, prefix, delimiter)
  const wholePrefix = after.folded && after.name === startAfter
  for (const key of [...keys].sort(compareUtf8)) {
    if (!key.startsWith(prefix) || compareUtf8(key, startAfter) <= 0) continue
    if (wholePrefix && key.startsWith(startAfter)) continue
    names.add(fold(key, prefix, delimiter).name)
  }
  const all = [...names]
  return { names: all.slice(0, limit), truncated: limit > 0 && all.length > limit }
}

/** The common prefix that the key is shown as, or the key itself. */
function fold(key: string, prefix: string, delimiter: string): { name: string; folded: boolean } {
  const at = delimiter === '' || !key.startsWith(prefix) ? -1 : key.indexOf(delimiter, prefix.length)
  return at === -1
    ? { name: key, folded: false }
    : { name: key.slice(0, at + delimiter.length), folded: true }
}

export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
