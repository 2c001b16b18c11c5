import type { VersionQuery } from '../versions.ts'
import { prefixesOf } from './names.ts'
import { fromUpstreamVersion } from './version-ids.ts'
import { unreadable, type XmlEntry, type XmlList } from './xml-list.ts'

interface VersionNames {
  /** Versions and delete markers. */
  readonly entries: readonly XmlEntry[]
  readonly prefixes: ReturnType<typeof prefixesOf>
  readonly truncated: boolean
}

/**
 * What stands behind the markers of the query, by what the store's own listing has. There are stores whose page begins with the
 * marker itself; a page of nothing else is asked for again, with one more. Errors: those of `fetch`; BackendError unavailable for a
 * store that does not get on, for whoever lists page after page would never come to the end.
 */
export async function versionsAfter(
  query: VersionQuery,
  fetch: (count: number) => Promise<XmlList>,
): Promise<VersionNames> {
  const page = pageOf(await fetch(query.limit), query)
  if (page.entries.length > 0 || page.prefixes.length > 0 || !page.truncated) return page
  const more = pageOf(await fetch(query.limit + 1), query)
  if (more.entries.length > 0 || more.prefixes.length > 0 || !more.truncated) return more
  throw unreadable('there is more behind a version, but none of it is told')
}

function pageOf(list: XmlList, { keyMarker, versionIdMarker }: VersionQuery): VersionNames {
  const isMarker = (entry: XmlEntry) =>
    versionIdMarker !== '' &&
    entry.key('Key') === keyMarker &&
    fromUpstreamVersion(entry.text('VersionId')) === versionIdMarker
  const entries = list.children(['Version', 'DeleteMarker']).filter((entry) => !isMarker(entry))
  const isLatest = (entry: XmlEntry) => entry.find('IsLatest') === 'true'
  return {
    // The latest of a key is its first, also where a store tells of all delete markers before the versions.
    entries: [...entries.filter(isLatest), ...entries.filter((entry) => !isLatest(entry))],
    prefixes: prefixesOf(list).filter(({ prefix }) => keyMarker === '' || prefix !== keyMarker),
    truncated: list.flag('IsTruncated'),
  }
}
