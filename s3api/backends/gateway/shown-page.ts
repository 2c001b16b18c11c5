import { unreadable } from './xml-list.ts'

/** A page as it was looked at: some of its names may be gone by now. */
interface Looked<Query, Entry> {
  readonly entries: readonly Entry[]
  readonly truncated: boolean
  /** What comes behind it; undefined: there was no name to go on after. */
  readonly next: Query | undefined
}

/**
 * The first page that shows something, or the last one. Objects that go while they are looked up must not leave a page empty that
 * has more behind it: it would have no name for clients to go on after. Errors: BackendError unavailable for a store that does not get on.
 */
export async function firstShown<Query, Entry>(
  query: Query,
  look: (query: Query) => Promise<Looked<Query, Entry>>,
): Promise<{ readonly entries: readonly Entry[]; readonly truncated: boolean }> {
  for (let from = query; ; ) {
    const { entries, truncated, next } = await look(from)
    if (entries.length > 0 || !truncated) return { entries, truncated }
    if (next === undefined) throw unreadable('there is more behind a name, but none of it is told')
    from = next
  }
}
