import type { ListQuery } from '../backend.ts'
import { unreadable, type XmlEntry, type XmlList } from './xml-list.ts'

/** The names of a page, of whatever pages the store's own listing has. */

/** What S3 gives at once. */
export const keysPerPage = 1000
const keySizeMax = 1024
/** Above every name below a common prefix, but for names that begin with this character there; as many as fit are above those. */
const lastCharacter = '\u{10ffff}'

interface ListedName {
  /** A key, or a common prefix. */
  readonly text: string
  /** What the store's listing says of the object; absent: it is a common prefix. */
  readonly entry?: XmlEntry
}

/**
 * Names in UTF-8 byte order, as many as are asked for where there are so many: stores may give less than they could. One more is
 * asked for, because there are stores that forget what is behind a page of one. Errors: those of `fetch`; BackendError unavailable
 * for a store that does not get on, for whoever lists page after page would never come to the end.
 */
export async function listNames(
  query: ListQuery,
  fetch: (page: { readonly 'start-after': string; readonly 'max-keys': string }) => Promise<XmlList>,
): Promise<{ readonly names: readonly ListedName[]; readonly truncated: boolean }> {
  const { startAfter, limit } = query
  const names: ListedName[] = []
  for (;;) {
    const left = limit - names.length
    const after = names.at(-1)?.text ?? startAfter
    const folded = isCommonPrefix(after, query)
    const list = await fetchAfter(after, { folded }, (marker) =>
      fetch({ 'start-after': marker, 'max-keys': String(Math.min(left + 1, keysPerPage)) }),
    )
    const found = namesOf(list)
    if (after !== '' && found.some((name) => isBefore(name, after)))
      throw unreadable('what was asked for after a name stands before it')
    names.push(...found.slice(0, left))
    const more = list.flag('IsTruncated')
    if (found.length > left) return { names, truncated: true }
    if (names.length === limit || !more || found.length === 0) return { names, truncated: more }
  }
}

/** What has no place behind the marker; but a common prefix of names behind it may begin the marker. */
function isBefore({ text, entry }: ListedName, marker: string): boolean {
  if (entry === undefined && marker.startsWith(text) && marker !== text) return false
  return Buffer.compare(Buffer.from(text), Buffer.from(marker)) <= 0
}

function namesOf(list: XmlList): ListedName[] {
  const keys = list.entries('Contents').map((entry) => ({ text: entry.key('Key'), entry }))
  const prefixes = prefixesOf(list).map(({ prefix }) => ({ text: prefix }))
  return inOrder<ListedName>([...keys, ...prefixes], ({ text }) => text)
}

/** A page behind a marker; `folded`: which is a common prefix, that must not come again. */
export async function fetchAfter(
  marker: string,
  { folded }: { readonly folded: boolean },
  fetch: (marker: string) => Promise<XmlList>,
): Promise<XmlList> {
  if (!folded) return fetch(marker)
  const list = await fetch(marker + lastCharacter)
  if (!prefixesOf(list).some(({ prefix }) => prefix === marker)) return list
  const room = Math.floor((keySizeMax - Buffer.byteLength(marker)) / Buffer.byteLength(lastCharacter))
  return fetch(marker + lastCharacter.repeat(Math.max(1, room)))
}

export function isCommonPrefix(
  marker: string,
  { prefix, delimiter }: { readonly prefix: string; readonly delimiter: string },
): boolean {
  if (marker === '' || delimiter === '' || !marker.startsWith(prefix)) return false
  const at = marker.indexOf(delimiter, prefix.length)
  return at >= 0 && at + delimiter.length === marker.length
}

export function prefixesOf(list: XmlList): { readonly kind: 'prefix'; readonly prefix: string }[] {
  return list.entries('CommonPrefixes').map((entry) => ({ kind: 'prefix', prefix: entry.key('Prefix') }))
}

export function nameOf(entry: { readonly key: string } | { readonly prefix: string }): string {
  return 'key' in entry ? entry.key : entry.prefix
}

/** In UTF-8 byte order of names; entries of one name stay as they are. */
export function inOrder<Entry>(entries: readonly Entry[], name: (entry: Entry) => string): Entry[] {
  return entries
    .map((entry) => ({ entry, bytes: Buffer.from(name(entry)) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry)
}
