import { createRequire } from 'node:module'
import type { DatabaseSync } from '@photostructure/sqlite'

/** SQLite through Node's own module where there is one, through its back-port on Node 20. */
export function loadSqlite(): { readonly DatabaseSync: typeof DatabaseSync } {
  const builtin: unknown = process.getBuiltinModule?.('node:sqlite')
  // The back-port has the API of the module that it stands in for.
  return (builtin ?? createRequire(import.meta.url)('@photostructure/sqlite')) as {
    readonly DatabaseSync: typeof DatabaseSync
  }
}
