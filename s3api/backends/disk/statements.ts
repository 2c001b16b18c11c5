import { bindable, type Database, type Statement } from './database.ts'
import type { Row } from './rows.ts'
import { ofDatabase, primaryCode } from './store-errors.ts'

export type Value = string | number | Uint8Array | null

/** Statements of a connection, each prepared once. Errors: BackendError no-space and unavailable. */
export class Statements {
  readonly #database: Database
  readonly #prepared = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    try {
      const [row] = read(this.#statement(sql), (statement) => [statement.get(...bindable(values))])
      return row
    } catch (error) {
      throw ofDatabase(error)
    }
  }

  all(sql: string, ...values: Value[]): Row[] {
    try {
      return read(this.#statement(sql), (statement) => statement.all(...bindable(values)))
    } catch (error) {
      throw ofDatabase(error)
    }
  }

  run(sql: string, ...values: Value[]): { readonly changes: number; readonly lastInsertRowid: number } {
    try {
      const { changes, lastInsertRowid } = this.#statement(sql).run(...bindable(values))
      return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) }
    } catch (error) {
      throw ofDatabase(error)
    }
  }

  #statement(sql: string): Statement {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }
}

/**
 * The rows of a query. An integer that no number holds makes the binding refuse them all; such a one, which only a row that was damaged
 * has, is NaN here.
 */
function read<Found extends Row | undefined>(
  statement: Statement,
  query: (statement: Statement) => Found[],
): Found[] {
  try {
    return query(statement)
  } catch (error) {
    // It is no RangeError everywhere, but none of SQLite's either.
    if (primaryCode(error) !== 0) throw error
    statement.setReadBigInts(true)
    try {
      return query(statement).map((row) => row && (toNumbers(row) as Found))
    } finally {
      statement.setReadBigInts(false)
    }
  }
}

function toNumbers(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      typeof value === 'bigint' ? toNumber(value) : value,
    ]),
  )
}

function toNumber(value: bigint): number {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : Number.NaN
}
